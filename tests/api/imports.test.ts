/** Files become records: each row by the rules of a single one, with a report of what was left out, and taken back again. */
import { expect, test } from "bun:test";
import { imported, problemLines, recordsOf } from "../support/imports";
import { form, oneFile } from "../support/files";
import { ended, undone } from "../support/jobs";
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

  test("has a report that is mended and imported as it is", async () => {
    const csv = `Full name;E-mail;Phone;Notes\n?;not a mail;'+47 22 44 22 22;'=1+1\n?;nor this;+47 22 44 22 23;"a, ""b""\n"\n`;
    const job = await imported(world(), "lan", "clients", csv);
    expect(job).toMatchObject({
      created: 0,
      failed: 2,
      result: { columns: ["Full name", "E-mail", "Phone", "Notes"] },
    });
    const { text } = await world().send("lan", "GET", `/api/jobs/${job.id}/errors.csv`);
    expect(text).toStartWith(
      "line,record_id,field,code,message,Full name,E-mail,Phone,Notes\r\n" +
        "2,,E-mail,invalid_format,must be an e-mail address,?,not a mail,'+47 22 44 22 22,'=1+1\r\n",
    );
    const mended = text.replace("not a mail", "mended@example.com").replace("nor this", "");
    expect(await imported(world(), "lan", "clients", mended)).toMatchObject({ created: 2, failed: 0 });
    expect(await recordsOf(world(), "lan", "clients", "&filter[name]=?")).toMatchObject([
      { email: "mended@example.com", phone: "+47 22 44 22 22", notes: "=1+1" },
      { email: null, phone: "+47 22 44 22 23", notes: 'a, "b"\n' },
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
    const events = await world().events();
    const purged = events.filter(({ type }) => type === "client.purged");
    expect(purged).toHaveLength(3);
    // Who added something, and when, but no longer what.
    const gone = events.filter(({ entity_id }) => purged.some((each) => each.entity_id === entity_id));
    expect(gone).toHaveLength(6);
    expect(gone.map(({ changes }) => changes)).toEqual(gone.map(() => ({})));
  });
});

inWorld("whoever writes much", {}, (world) => {
  test("does not have what is searched merged within a commit", async () => {
    const { read, engine } = world().server.parts.store;
    if (engine !== "sqlite") return;
    for (const table of ["clients", "tasks"]) {
      const text = `select k, v from ${table}_trigrams_config where k not in ('version', 'usermerge') order by k`;
      expect(await read.run({ text, bind: () => [] }, [])).toEqual([
        { k: "automerge", v: 0 },
        { k: "crisismerge", v: 100 },
        { k: "deletemerge", v: 0 },
      ]);
    }
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

inWorld(
  "an import into what is there",
  {
    clients: {
      acme: { email: "acme@example.com", phone: "+47 22 44 22 22", company: "Old", by: "lan" },
      minhs: { email: "minh@example.com", external_id: "m-1", company: "Old", by: "minh" },
      gone: { email: "gone@example.com", deleted: true },
    },
  },
  (world) => {
    const of = async (name: string) => (await world().send("admin", "GET", `/api/clients/$${name}`)).json;

    test("changes what the actor may change, and adds the others", async () => {
      const csv =
        "email,company,name\n" +
        "ACME@example.com,New,acme\n" +
        "minh@example.com,New,minhs\n" +
        "gone@example.com,New,Back\n" +
        "new@example.com,New,New\n" +
        ",New,Nameless mail\n";
      const job = await imported(world(), "lan", "clients", csv, { mode: "upsert" });
      expect(job).toMatchObject({
        created: 3,
        updated: 1,
        skipped: 0,
        failed: 1,
        result: { match: ["email"] },
      });
      expect(await of("acme")).toMatchObject({ company: "New", email: "ACME@example.com", version: 2 });
      expect(await of("minhs")).toMatchObject({ company: "Old", version: 1 });
      const [problem] = await problemLines(world(), "lan", job.id);
      expect(problem).toMatch(new RegExp(`^3,${world().ids["minhs"]},,forbidden,`));
      const events = (await world().events()).filter(({ job_id }) => job_id === job.id);
      expect(events.map(({ type }) => type).toSorted()).toEqual([
        ...["client.created", "client.created", "client.created", "client.updated"],
      ]);
    });

    test("a cell that is empty clears its field, and a column that is not mapped leaves it", async () => {
      const csv = "Phone,Firm,Status\n(+47) 22442222,,\n";
      const fields = {
        mode: "upsert",
        match: "phone",
        mapping: { phone: "Phone", company: "Firm", status: "Status" },
      };
      expect(await imported(world(), "lan", "clients", csv, fields)).toMatchObject({ updated: 1, failed: 0 });
      expect(await of("acme")).toMatchObject({ company: null, name: "acme", status: "prospect" });
    });

    test("leaves out what is there, when asked to", async () => {
      const csv = "name,email\nA,acme@example.com\nB,b@example.com\nB again,B@example.com\n";
      const job = await imported(world(), "lan", "clients", csv, { mode: "skip", match: "email" });
      expect(job).toMatchObject({ created: 1, skipped: 2, failed: 0 });
    });

    test("each row finds what the rows before it made of the records, as a trial says", async () => {
      const csv =
        "external_id,email,name,company\n" +
        "m-1,moved@example.com,minhs,New\n" +
        ",minh@example.com,Other,Free again\n" +
        ",moved@example.com,minhs,Newer\n" +
        "x-1,acme@example.com,acme,Named\n" +
        "x-1,,acme,By its new name\n" +
        ",minh@example.com,Other,Found\n" +
        ",acme@example.com,acme,Gone\n" +
        "m-1,minh@example.com,Other,By its mail\n" +
        "x-1,minh@example.com,acme,Taken\n";
      const how = { mode: "upsert", match: "external_id,email" };
      const counts = { created: 2, updated: 6, skipped: 0, failed: 1 };
      const trial = await imported(world(), "admin", "clients", csv, { ...how, dry_run: true });
      expect(trial).toMatchObject(counts);
      const job = await imported(world(), "admin", "clients", csv, how);
      expect(job).toMatchObject(counts);
      // What is empty in a file clears its field.
      expect(await of("acme")).toMatchObject({ external_id: "x-1", email: null, company: "By its new name" });
      expect(await of("minhs")).toMatchObject({ external_id: null, email: "moved@example.com", company: "Newer" }); // prettier-ignore
      const found = await recordsOf(world(), "admin", "clients", "&filter[email][in]=minh@example.com,acme@example.com"); // prettier-ignore
      expect(found).toMatchObject([
        { name: "Other", external_id: "m-1", company: "By its mail", version: 3 },
        { name: "acme", external_id: null, company: "Gone", version: 1 },
      ]);
      expect(await problemLines(world(), "admin", job.id)).toEqual([
        `10,${world().ids["acme"]},email,email_taken,Another client has this email by now.,x-1,minh@example.com,acme,Taken`,
      ]);
    });

    test("does not choose between several", async () => {
      await world().send("lan", "POST", "/api/clients", { body: { name: "Twin", phone: "+4722442222" } });
      const job = await imported(
        world(),
        "lan",
        "clients",
        "name,phone\nA,22 44 22 22\nA,+47 22 44 22 22\n",
        {
          ...{ mode: "upsert", match: "phone" },
        },
      );
      expect(job).toMatchObject({ created: 1, failed: 1 });
      expect(await problemLines(world(), "lan", job.id)).toEqual([
        "3,,phone,ambiguous_match,2 records have this phone.,A,'+47 22 44 22 22",
      ]);
    });

    test("is taken back field for field, but for what was edited since, which is listed", async () => {
      const csv =
        "name,email,company,position\nRenamed,acme@example.com,New,Chief\nFresh,f@example.com,New,\nKept,k@example.com,,\n";
      const job = await imported(world(), "lan", "clients", csv, { mode: "upsert", match: "email" });
      expect(job).toMatchObject({ created: 2, updated: 1 });
      const found = await world().send("lan", "GET", "/api/clients?filter[email]=k@example.com");
      const kept = found.json.data[0].id;
      await world().send("lan", "PATCH", `/api/clients/${kept}`, { body: { notes: "mine" } });
      await world().send("lan", "PATCH", "/api/clients/$acme", { body: { position: "Owner" } });
      const undo = await undone(world(), "lan", job.id);
      expect(undo).toMatchObject({ state: "succeeded", skipped: 2 });
      expect(await of("acme")).toMatchObject({ name: "acme", company: "Old", position: "Owner" });
      const left = await problemLines(world(), "lan", undo.id);
      expect(left.toSorted()).toEqual(
        [
          `,${kept},,edited_since,It was changed since it was added: notes.`,
          `,${world().ids["acme"]},position,edited_since,It was changed since.`,
        ].toSorted(),
      );
      const { json } = await world().send("lan", "GET", "/api/clients?filter[email]=f@example.com");
      expect(json.data).toEqual([]);
      expect((await world().send("lan", "GET", `/api/jobs/${job.id}`)).json.state).toBe("undone");
    });

    test("is taken back whole where what was changed since is again as it was", async () => {
      const job = await imported(
        world(),
        "lan",
        "clients",
        "name,email,company\nBack,b@example.com,\nHalf,h@example.com,\n",
      );
      const idOf = async (mail: string) =>
        (await world().send("lan", "GET", `/api/clients?filter[email]=${mail}`)).json.data[0].id;
      const [back, half] = [await idOf("b@example.com"), await idOf("h@example.com")];
      const set = { status: "inactive", company: "Many" };
      const body = { items: [{ id: back }, { id: half }], set };
      const bulk = await world().send("lan", "POST", "/api/bulk/clients/update", { body });
      const taken = await undone(world(), "lan", bulk.json.id);
      expect(taken).toMatchObject({ state: "succeeded", skipped: 0 });
      for (const company of ["Here", "There"])
        await world().send("lan", "PATCH", `/api/clients/${half}`, { body: { company } });
      const undo = await undone(world(), "lan", job.id);
      expect(undo).toMatchObject({ state: "succeeded", skipped: 1 });
      expect(await problemLines(world(), "lan", undo.id)).toEqual([
        `,${half},,edited_since,It was changed since it was added: company.`,
      ]);
      expect((await world().send("lan", "GET", `/api/clients/${back}`)).status).toBe(404);
    });
  },
);

inWorld("an import as text", {}, (world) => {
  test("says how it is to be read in its query", async () => {
    const sent = await world().send("lan", "POST", "/api/bulk/clients?delimiter=pipe&dry_run=true", {
      raw: "name|company\nA|x\n",
      headers: { "content-type": "text/csv; charset=us-ascii" },
    });
    expect(sent.status).toBe(202);
    expect(sent.headers.get("location")).toBe(`/api/jobs/${sent.json.id}`);
    const job = await ended(world(), "lan", sent.json.id);
    expect(job).toMatchObject({
      ...{ kind: "import_preview", created: 1 },
      result: { dry_run: true, delimiter: "|", encoding: "windows-1252" },
    });
    expect(await recordsOf(world(), "lan", "clients")).toEqual([]);
    const undo = await world().send("lan", "POST", `/api/jobs/${job.id}/undo`, { body: {} });
    expect([undo.status, undo.json.code]).toEqual([409, "job_not_undoable"]);
  });
});

const csv = { headers: { "content-type": "text/csv" } };

scenarios("what is refused before anything is queued", { env: { MAX_FILE_SIZE: "1KiB" } }, [
  {
    ...{ ...csv, by: "lan", post: "/api/bulk/clients?mode=replace", raw: "name\nx\n" },
    ...{ status: 422, problem: { field: "mode", fieldCode: "invalid_choice" }, events: [] },
  },
  {
    ...{ ...csv, by: "lan", post: "/api/bulk/clients?mode=upsert", raw: "name\nx\n" },
    ...{ status: 422, problem: { field: "match", fieldCode: "required" }, events: [] },
  },
  {
    ...{ ...csv, by: "lan", post: "/api/bulk/clients?nonsense=1", raw: "name\nx\n" },
    ...{ status: 400, problem: { code: "unknown_parameter" }, events: [] },
  },
  {
    ...{ ...csv, by: "lan", post: "/api/bulk/clients", raw: `name\n${"x".repeat(2_000)}\n` },
    ...{ status: 413, problem: { code: "file_too_large", most: 1_024 }, events: [] },
  },
  {
    ...{ by: "lan", post: "/api/bulk/clients", raw: "name\nx\n", headers: { "content-type": "text/plain" } },
    ...{ status: 415, problem: { code: "unsupported_media_type" }, events: [] },
  },
  {
    ...{ ...csv, by: "lan", post: "/api/bulk/tasks", raw: "title\nx\n", key: "once" },
    ...{ status: 422, problem: { code: "idempotency_unsupported" }, events: [] },
  },
  {
    ...{ by: "lan", post: "/api/bulk/tasks?mode=skip", ...oneFile("t.csv", "title\nx\n", { mode: "skip" }) },
    ...{ status: 422, problem: { field: "mode", fieldCode: "repeated" }, events: [] },
  },
  {
    ...{ by: "lan", post: "/api/bulk/tasks", ...form({ field: "mode", value: "insert" }) },
    ...{ status: 422, problem: { field: "file", fieldCode: "required" }, events: [] },
  },
]);
