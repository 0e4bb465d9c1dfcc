/** Files as they come, and files that are meant to do harm: the right records, or a clear word. Never a hang. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { hour, now } from "../../src/clock";
import { addJob } from "../../src/jobs/queue";
import { imported, problemLines, recordsOf, sendFile } from "../support/imports";
import { idle } from "../support/jobs";
import { inWorld, type World } from "../support/scenario";

const fixture = (name: string) => readFileSync(resolve(import.meta.dir, "../fixtures", name));

/** Names of the clients there are, in the order in which they were made. */
const namesIn = async (world: World) =>
  (await recordsOf(world, "lan", "clients")).map(({ name }: { name: string }) => name);

/** A file as bytes of one byte each, such as Windows-1258 has them. */
const bytesOf = (...parts: (string | number[])[]) =>
  new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part as string, "latin1"))));

const utf16 = (text: string, order: "le" | "be") => {
  const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
  return new Uint8Array(order === "le" ? bytes : bytes.swap16());
};

inWorld("files as they come", {}, (world) => {
  test("in UTF-16, either way round", async () => {
    for (const order of ["le", "be"] as const) {
      const job = await imported(
        world(),
        "lan",
        "clients",
        utf16(`name\tcompany\n${order} Đặng\tCông ty\n`, order),
      );
      expect(job).toMatchObject({
        ...{ created: 1, failed: 0 },
        result: { encoding: `utf-16${order}`, delimiter: "\t" },
      });
    }
    expect(await namesIn(world())).toEqual(["le Đặng", "be Đặng"]);
  });

  test("in Windows-1258, whose tones stand apart and come together", async () => {
    // Nguyễn Thị Hoà, Đặng Văn Lộc
    const csv = bytesOf(
      ...["name,email\nNguy", [0xea, 0xde], "n Th", [0x69, 0xf2], " Ho", [0x61, 0xcc], ",a@example.com\n"],
      ...[[0xd0, 0xe3, 0xf2], "ng V", [0xe3], "n L", [0xf4, 0xf2], "c,b@example.com\n"],
    );
    const job = await imported(world(), "lan", "clients", csv);
    expect(job).toMatchObject({ created: 2, result: { encoding: "windows-1258" } });
    expect(await namesIn(world())).toEqual(
      ["Nguyễn Thị Hoà", "Đặng Văn Lộc"].map((name) => name.normalize("NFC")),
    );
  });

  test("in Windows-1252, found out or said", async () => {
    const csv = bytesOf("name,company\nFran", [0xe7], "ois Tremblay,Caf", [0xe9], " M", [0xfc], "ller\n");
    expect((await imported(world(), "lan", "clients", csv)).result.encoding).toBe("windows-1252");
    await imported(world(), "lan", "clients", csv, { encoding: "windows-1252" });
    expect(await namesIn(world())).toEqual(["François Tremblay", "François Tremblay"]);
  });

  test("with lines above the headers, a mark at the beginning, and ends of lines of all kinds", async () => {
    const csv = "\ufeffCustomers of 2026\n\nName;Company\r\nA;x\rB;y\n\n;\nC;z";
    const job = await imported(world(), "lan", "clients", csv, { delimiter: ";" });
    expect(job).toMatchObject({ done: 3, created: 3, failed: 0 });
    expect(await namesIn(world())).toEqual(["A", "B", "C"]);
  });

  test("from a shop, with its own names for everything", async () => {
    const mapping = {
      name: { columns: ["FirstName", "LastName"], join: " " },
      email: "email",
      position: "Title",
      status: { constant: "customer" },
      industry: { columns: ["Country"], values: { Canada: "North" } },
    };
    const job = await imported(world(), "lan", "clients", fixture("chinook-employees.csv"), { mapping });
    expect(job).toMatchObject({ created: 8, failed: 0 });
    const clients = await recordsOf(world(), "lan", "clients");
    expect(clients[0]).toMatchObject({
      ...{ name: "Andrew Adams", position: "General Manager", status: "customer", industry: "North" },
    });
    const again = await imported(world(), "lan", "clients", fixture("chinook-customers.csv"));
    expect(again).toMatchObject({ created: 59, failed: 0, result: { unmapped: ["Fax", "SupportRepId"] } });
  });
});

inWorld("files that are meant to do harm", {}, (world) => {
  const refused = async (csv: string | Uint8Array, fields: Record<string, unknown>, wanted: object) => {
    const { status, json } = await sendFile(world(), "lan", "clients", csv, fields);
    expect([status, json.errors?.[0] ?? json]).toEqual([422, expect.objectContaining(wanted)]);
    expect(await namesIn(world())).toEqual([]);
  };

  test("are refused when they are no CSV", async () => {
    const png = Buffer.from(
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
      "base64",
    );
    await refused(png, {}, { field: "file", code: "not_csv" });
    await refused(new Uint8Array(100_000), {}, { field: "file" });
    await refused("", {}, { field: "file", code: "empty" });
    await refused("1,2,3\n4,5,6\n", {}, { field: "file", code: "no_header" });
    await refused("name,".repeat(1_000_000), {}, { field: "file" });
  });

  test("are refused when their columns are not those that were named", async () => {
    const csv = "name,email,Email \nA,a@example.com,b@example.com\n";
    await refused(csv, { mapping: { name: "Nom" } }, { field: "mapping.name", code: "unknown_column" });
    await refused(csv, { mapping: { email: "EMAIL" } }, { field: "mapping.email", code: "ambiguous_column" });
    await refused(csv, { mapping: { name: { columns: [] } } }, { field: "mapping.name.columns" });
    await refused(csv, { mapping: { colour: "name" } }, { field: "mapping.colour", code: "unknown_field" });
    await refused(csv, { mapping: "{" }, { field: "mapping", code: "invalid_format" });
    await refused(csv, { mapping: "[]" }, { field: "mapping" });
    await refused(csv, { mapping: '{"name": {"constant": "\\u0000"}}' }, { field: "mapping" });
    await refused(csv, { mode: "upsert", match: "phone" }, { field: "match", code: "unmapped" });
    await refused(csv, { delimiter: "ab" }, { field: "delimiter" });
    await refused(csv, { encoding: "ebcdic" }, { field: "encoding", code: "invalid_choice" });
    await refused(csv, { dry_run: "maybe", nonsense: "x" }, { field: "nonsense", code: "unknown_field" });
  });

  test("end with a word when a quote is never closed, and what came before stays", async () => {
    const job = await imported(world(), "lan", "clients", `name,notes\nA,x\nB,"${"y\n".repeat(50_000)}`);
    expect(job).toMatchObject({
      state: "failed",
      created: 1,
      error: expect.stringMatching(/^Line 3: .* quote/),
    });
    expect(await namesIn(world())).toEqual(["A"]);
  });

  test("end with a word when a row has more cells than there is room for", async () => {
    const wide = (cells: number) => `name,notes\nA,x\nB${",".repeat(cells - 1)}z\n`;
    const before = await namesIn(world());
    const million = await imported(world(), "lan", "clients", wide(1_000_000));
    expect(million).toMatchObject({ state: "succeeded", created: 1, failed: 1 });
    const more = await imported(world(), "lan", "clients", wide(10_000_000));
    expect(more).toMatchObject({
      ...{ state: "failed", created: 1 },
      error: "Line 3: the row has more than 2000000 cells.",
    });
    expect(await namesIn(world())).toEqual([...before, "A", "A"]);
  });

  test("with many wide rows are read a few at a time, and each of them once", async () => {
    const before = await namesIn(world());
    const rows = Array.from({ length: 12 }, (_, i) => `wide ${i}${",".repeat(i % 3 === 0 ? 300_000 : 1)}`);
    const job = await imported(world(), "lan", "clients", `name,notes\n${rows.join("\n")}\n`);
    expect(job).toMatchObject({ state: "succeeded", done: 12, total: 12, created: 12, failed: 0 });
    expect(await namesIn(world())).toEqual([...before, ...rows.map((row) => row.replace(/,+$/, ""))]);
  });

  test("with cells of megabytes, NUL, broken bytes and formulas do no harm", async () => {
    const huge = "x".repeat(10_000_000);
    const head = `name,notes,email\n"quoted ""name""","line\n, and more",\n'=1+1,\t"=cmd()",\nhuge,${huge},\nnul,a\0b,\n`;
    const csv = bytesOf(head, "broken \xff\xfe,,\n", "half,caf", [0xc3], ",x\n", "wide,,,,\n");
    const job = await imported(world(), "lan", "clients", csv, { encoding: "utf-8" });
    expect(job).toMatchObject({ state: "succeeded", done: 7 });
    expect(await namesIn(world())).toEqual(['quoted "name"', "=1+1", "wide"]);
    const lines = (await problemLines(world(), "lan", job.id)).map((line) => line.slice(0, 60));
    expect(lines.map((line) => line.split(",").slice(0, 4).join())).toEqual([
      "5,,notes,too_long",
      "6,,,invalid_characters",
      "7,,,invalid_characters",
      "8,,,invalid_characters",
    ]);
  });

  test("with NUL in their headers are read all the same", async () => {
    const before = await namesIn(world());
    const csv = `na\0me,a\0b\nwith NUL,${"x".repeat(100)}\n`;
    expect(await imported(world(), "lan", "clients", csv)).toMatchObject({
      ...{ state: "succeeded", created: 1, failed: 0 },
      result: { mapping: { name: "na\ufffdme" }, unmapped: ["a\ufffdb"] },
    });
    expect(await namesIn(world())).toEqual([...before, "with NUL"]);
  });

  test("that end in half a character lose nothing but that", async () => {
    const before = await namesIn(world());
    const wide = [...utf16("name,email\nwide,\n", "le"), 0x41];
    for (const csv of [new Uint8Array(wide), bytesOf("name,email\nlong,\n", [0xc3])]) {
      const job = await imported(world(), "lan", "clients", csv);
      expect(job).toMatchObject({ state: "succeeded", done: 2, created: 1, failed: 1 });
    }
    expect(await namesIn(world())).toEqual([...before, "wide", "long"]);
  });

  test("with blanks around what they say have it without, but in long texts", async () => {
    const before = await namesIn(world());
    const csv = " Name ; E-mail ;status;notes\n  Bob  ; bob@example.com ; active ;  kept \n";
    expect(await imported(world(), "lan", "clients", csv)).toMatchObject({ created: 1, failed: 0 });
    const found = await recordsOf(world(), "lan", "clients", "&filter[email]=bob@example.com");
    expect(found).toMatchObject([
      { name: "Bob", email: "bob@example.com", status: "active", notes: "  kept " },
    ]);
    expect(await namesIn(world())).toEqual([...before, "Bob"]);
  });

  test("whose first row is longer than what the headers are looked for in have headers still", async () => {
    const before = await namesIn(world());
    const csv = `name,notes\nhuge,"${"x".repeat(1_000_000)}"\nsmall,y\n`;
    const job = await imported(world(), "lan", "clients", csv);
    expect(job).toMatchObject({ state: "succeeded", done: 2, created: 1, failed: 1 });
    expect(await namesIn(world())).toEqual([...before, "small"]);
  });

  test("that were put together from two encodings have rows refused, and none garbled", async () => {
    const before = await namesIn(world());
    const csv = bytesOf("name\nLu", [0xc3, 0xad], "s\nM", [0xfc], "ller\nplain\n");
    const job = await imported(world(), "lan", "clients", csv);
    expect(job).toMatchObject({ created: 2, failed: 1, result: { encoding: "utf-8" } });
    expect(await problemLines(world(), "lan", job.id)).toEqual([
      "3,,,invalid_characters,The row has bytes in it that are not utf-8.,M\ufffdller",
    ]);
    expect(await namesIn(world())).toEqual([...before, "Luís", "plain"]);
  });

  test("are gone when their job is over, and when it never came to be", async () => {
    await imported(world(), "lan", "clients", "name\nA\n");
    await sendFile(world(), "lan", "clients", "nothing\nA\n");
    await idle(world());
    expect(await world().server.parts.keeper.sweep(-60_000)).toBe(0);
  });

  test("stay as long as somebody waits for them, and no longer", async () => {
    const { keeper, store } = world().server.parts;
    async function* bytes() {
      yield new TextEncoder().encode("name\nA\n");
    }
    const { key } = await keeper.put(bytes());
    const job = { kind: "import", payload: { file: key }, runAt: now() + hour };
    const id = await store.tx((session) => addJob(session, job));
    expect(await keeper.sweep(-60_000)).toBe(0);
    await world().send("admin", "POST", `/api/jobs/${id}/cancel`, { body: {} });
    expect(await keeper.sweep(-60_000)).toBe(1);
  });

  test("may be cut off by whoever cancels", async () => {
    const csv = `name\n${Array.from({ length: 20_000 }, (_, i) => `N${i}\n`).join("")}`;
    const { json } = await sendFile(world(), "lan", "clients", csv);
    const { json: cancelled } = await world().send("lan", "POST", `/api/jobs/${json.id}/cancel`, {
      body: {},
    });
    expect(cancelled.state).toBe("cancelled");
    await idle(world());
    const { json: job } = await world().send("lan", "GET", `/api/jobs/${json.id}`);
    const { json: list } = await world().send("lan", "GET", "/api/clients?limit=1");
    expect(list.pagination.total).toBe(job.created);
    expect(job.done).toBeLessThan(20_000);
  });
});
