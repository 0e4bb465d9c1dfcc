/** Files become records: each row by the rules of a single one, with a report of what was left out, and taken back again. */
import { expect, test } from "bun:test";
import { imported, problemLines, recordsOf } from "../support/imports";
import { undone } from "../support/jobs";
import { inWorld, scenarios } from "../support/scenario";

inWorld("an import of clients", {}, (world) => {
  test("adds what the file has, by what its headers suggest", async () => {
    const csv =
      "First Name,Last Name,E-mail,Phone,Company,Tags,Notes\n" +
      'Ada,Nguyễn,ada@example.com,+84 24 3825 3456,"Công ty, TNHH","vip, new","line one\nline two"\n' +
      "Bjørn,Hansen,,,,,\n";
    const job = await imported(world(), "lan", "clients", csv);
    expect(job).toMatchObject({
      ...{ kind: "import", state: "succeeded", done: 2, total: 2, created: 2, failed: 0, skipped: 0 },
      result: {
        encoding: "utf-8",
        delimiter: ",",
        mapping: { name: { columns: ["First Name", "Last Name"], join: " " }, email: "E-mail" },
        unmapped: [],
      },
    });
    expect(await recordsOf(world(), "lan", "clients")).toMatchObject([
      {
        ...{ name: "Ada Nguyễn", email: "ada@example.com", phone: "+84 24 3825 3456" },
        ...{ company: "Công ty, TNHH", tags: ["vip", "new"], notes: "line one\nline two" },
        ...{ created_by: world().people.lan.id, version: 1 },
      },
      { name: "Bjørn Hansen", email: null, company: null, status: "prospect" },
    ]);
    const events = await world().events();
    expect(events.map(({ type, job_id }) => [type, job_id])).toEqual([
      ["client.created", job.id],
      ["client.created", job.id],
    ]);
    const { json } = await world().send("lan", "GET", "/api/search?q=TNHH");
    expect(json.hits).toMatchObject([{ title: "Ada Nguyễn" }]);
    const { json: told } = await world().send("lan", "GET", "/api/notifications");
    expect(told.data).toMatchObject([{ title: "Your import is finished", message: "2 added." }]);
  });

  test("says of each row that cannot be taken in which line and column, and why", async () => {
    const csv =
      "Name,Email,Status\n" +
      "Ada,ada@example.com,Active\n" +
      ",nobody@example.com,active\n" +
      "Eve,not a mail,red\n" +
      "\n" +
      "Second Ada,ADA@example.com,\n" +
      "short\n";
    const job = await imported(world(), "lan", "clients", csv);
    expect(job).toMatchObject({ state: "succeeded", done: 5, total: 5, created: 1, failed: 4 });
    expect(await problemLines(world(), "lan", job.id)).toEqual([
      '3,,Name,required,is required,"",nobody@example.com,active',
      '4,,Status,invalid_choice,"must be one of prospect, active, inactive, customer",Eve,not a mail,red',
      '6,,Email,email_taken,Another client has this email.,Second Ada,ADA@example.com,""',
      '7,,,too_few_cells,"The row has 1 cells, the headers 3.",short',
    ]);
  });

  test("is taken back without a trace but its events", async () => {
    await imported(world(), "lan", "clients", "name\nkept\n");
    const before = await recordsOf(world(), "admin", "clients");
    const job = await imported(world(), "lan", "clients", "name,tags\nA,x\nB,y\nC,z\n");
    expect(await undone(world(), "lan", job.id)).toMatchObject({
      state: "succeeded",
      updated: 3,
      skipped: 0,
    });
    expect(await recordsOf(world(), "admin", "clients")).toEqual(before);
    const types = (await world().events()).map(({ type }) => type);
    expect(types.filter((type) => type === "client.purged")).toHaveLength(3);
  });
});

inWorld("an import of tasks", { clients: { acme: { email: "acme@example.com" } } }, (world) => {
  test("names people and clients as people do", async () => {
    const csv =
      "Title;Owner;Client;Due date;Priority;Status\n" +
      `Call;${world().people.minh.email};acme@example.com;2027-03-01;High;In progress\n` +
      "Write;;nobody@example.com;soon;;\n";
    const job = await imported(world(), "manager", "tasks", csv);
    expect(job).toMatchObject({ state: "succeeded", created: 1, failed: 1, result: { delimiter: ";" } });
    expect(await recordsOf(world(), "manager", "tasks")).toMatchObject([
      {
        ...{ title: "Call", client_id: world().ids["acme"], priority: "high", status: "in_progress" },
        ...{ assigned_to: world().people.minh.id, due_date: "2027-03-01T00:00:00.000Z" },
      },
    ]);
    expect(await problemLines(world(), "manager", job.id)).toHaveLength(2);
  });
});

scenarios("what is refused before anything is queued", {}, [
  {
    by: "lan",
    post: "/api/bulk/clients?mode=replace",
    raw: "name\nx\n",
    headers: { "content-type": "text/csv" },
    status: 422,
    problem: { field: "mode", fieldCode: "invalid_choice" },
    events: [],
  },
]);
