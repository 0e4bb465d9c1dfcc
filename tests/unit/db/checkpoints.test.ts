import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changesAtOnce, Checkpoints } from "../../../src/db/checkpoints";

setDefaultTimeout(60_000);

let folder: string;
let file: string;
let writer: Database;
let checkpoints: Checkpoints;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "checkpoints-"));
  file = join(folder, "test.db");
  writer = new Database(file, { create: true });
  writer.run("PRAGMA journal_mode = WAL");
  writer.run("PRAGMA wal_autocheckpoint = 0");
  writer.run("CREATE TABLE entries (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  checkpoints = new Checkpoints(writer, file);
});

afterEach(async () => {
  await checkpoints.close();
  writer.close();
  rmSync(folder, { recursive: true });
});

const add = (count: number) =>
  writer.run(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO entries (text) SELECT 'entry ' || i FROM n",
    [count],
  );
const count = (db: Database) => db.query<{ n: number }, []>("SELECT count(*) AS n FROM entries").get()!.n;

/** The log is written from its beginning with another salt each time (https://sqlite.org/fileformat2.html#walformat). */
const salt = () => readFileSync(`${file}-wal`).subarray(16, 24).toString("hex");

/** What is in the file itself, whatever the log has: a copy without the log is what it was at the last checkpoint. */
function inFile() {
  const copy = join(folder, "copy.db");
  writeCopy(copy);
  const db = new Database(copy);
  try {
    return count(db);
  } finally {
    db.close();
    for (const end of ["", "-wal", "-shm"]) rmSync(copy + end, { force: true });
  }
}

const writeCopy = (copy: string) => Bun.spawnSync(["cp", file, copy]);

/** Goes on like batches do, until one has to wait. */
async function untilOneWaits() {
  for (;;) {
    const wait = checkpoints.between();
    if (wait) return wait;
    add(1);
    await Bun.sleep(1);
  }
}

test("the file gets all of the log while others write, and the log begins anew", async () => {
  add(changesAtOnce);
  await untilOneWaits();
  const committed = count(writer);
  expect(inFile()).toBe(committed);
  const before = salt();
  add(1);
  expect(salt()).not.toBe(before);
  expect(count(writer)).toBe(committed + 1);
});

test("little is left where it is", () => {
  add(changesAtOnce - 1_000);
  expect(checkpoints.between()).toBeUndefined();
  expect(checkpoints.between()).toBeUndefined();
});

test("what a reader still needs of the log stays, and the next time takes it", async () => {
  add(1);
  const reader = new Database(file, { readonly: true });
  reader.run("BEGIN");
  expect(count(reader)).toBe(1);
  add(changesAtOnce);
  await untilOneWaits();
  const log = salt();
  add(changesAtOnce);
  expect(salt()).toBe(log);
  expect(count(reader)).toBe(1);
  reader.run("COMMIT");
  await untilOneWaits();
  expect(inFile()).toBe(count(writer));
  reader.close();
});

test("after closing, nobody else has the file open", async () => {
  add(changesAtOnce);
  await untilOneWaits();
  const withoutLog = () => writer.query("PRAGMA journal_mode = DELETE").get();
  expect(withoutLog).toThrow("locked");
  await checkpoints.close();
  expect(withoutLog()).toEqual({ journal_mode: "delete" });
});

test("where the worker cannot open the file, nobody waits for it", async () => {
  const elsewhere = new Checkpoints(writer, join(folder, "nothing", "here.db"));
  add(changesAtOnce);
  for (let i = 0; i < 50; i++) {
    await elsewhere.between();
    add(100);
    await Bun.sleep(1);
  }
  await elsewhere.close();
});
