/** When callers are answered, and what becomes of them when the disk fails. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GroupCommit } from "../../../src/db/group-commit";
import { LogSync } from "../../../src/db/log-sync";

let folder: string;
let file: string;
let writer: Database;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "neocrm-log-"));
  file = join(folder, "a.db");
  writer = new Database(file);
  writer.run("PRAGMA journal_mode = WAL");
  writer.run("PRAGMA synchronous = NORMAL");
  writer.run("CREATE TABLE t (x)");
});
afterEach(() => {
  writer.close();
  rmSync(folder, { recursive: true });
});

/** Writes through a group commit whose log is synced so. */
function writing(sync: (fd: number) => Promise<void>) {
  const log = new LogSync(writer, file, sync);
  const open = (lifetime: { hasWritten: boolean }) => ({
    insert(x: number) {
      lifetime.hasWritten = true;
      writer.run("INSERT INTO t VALUES (?)", [x]);
    },
    count: () => rows(),
  });
  const commits = new GroupCommit(writer, open, { committed: () => log.run() });
  return {
    insert: (x: number) => commits.run(async (session) => session.insert(x)),
    count: () => commits.run(async (session) => session.count()),
    syncing: () => commits.syncing,
    close: () => log.close(),
  };
}

const rows = () => writer.query<{ n: number }, []>("SELECT count(*) AS n FROM t").get()!.n;
const sizeOfLog = () => statSync(`${file}-wal`).size;

test("who wrote is answered after the log is on the disk, and who comes meanwhile shares the next commit", async () => {
  const syncs: PromiseWithResolvers<void>[] = [];
  const { insert, syncing, close } = writing(() => {
    syncs.push(Promise.withResolvers());
    return syncs.at(-1)!.promise;
  });
  const answered: number[] = [];
  expect(syncing()).toBeUndefined();
  const first = insert(1).then(() => answered.push(1));
  await Bun.sleep(5);
  void syncing()!.then(() => answered.push(0));
  expect([rows(), syncs.length, answered]).toEqual([1, 1, []]);
  const others = [2, 3].map((x) => insert(x).then(() => answered.push(x)));
  await Bun.sleep(5);
  expect([rows(), syncs.length, answered]).toEqual([1, 1, []]);
  syncs[0]!.resolve();
  await first;
  await Bun.sleep(5);
  expect([rows(), syncs.length, answered]).toEqual([3, 2, [0, 1]]);
  syncs[1]!.resolve();
  await Promise.all(others);
  expect(answered).toEqual([0, 1, 2, 3]);
  expect(syncing()).toBeUndefined();
  close();
});

test("nothing is synced for who only looks", async () => {
  const { count, close } = writing(() => Promise.reject(new Error("nothing to sync")));
  expect(await count()).toBe(0);
  close();
});

test("what the log may have lost is brought into the file before anybody is answered", async () => {
  let fails = true;
  const { insert, close } = writing(() => (fails ? Promise.reject(new Error("EIO")) : Promise.resolve()));
  await insert(1);
  expect(sizeOfLog()).toBe(0);
  fails = false;
  await insert(2);
  expect(sizeOfLog()).toBeGreaterThan(0);
  expect(rows()).toBe(2);
  close();
});

test("who wrote is told when that is not possible either, as is everybody until it is", async () => {
  let fails = true;
  const { insert, count, syncing, close } = writing(() =>
    fails ? Promise.reject(new Error("EIO")) : Promise.resolve(),
  );
  // Someone reads what was there before, so the log cannot begin anew.
  const reader = new Database(file, { readonly: true });
  reader.run("BEGIN");
  reader.query("SELECT count(*) FROM t").get();
  await expect(insert(1)).rejects.toThrow("database: unavailable");
  fails = false;
  await expect(insert(2)).rejects.toThrow("database: unavailable");
  // They would be told of what they read, which may still be lost.
  await expect(count()).rejects.toThrow("database: unavailable");
  await expect(syncing()).rejects.toThrow("database: unavailable");
  reader.close();
  // Whoever waits for it tries again: they may be kept from writing until then, as with an Idempotency-Key.
  await syncing();
  expect(sizeOfLog()).toBe(0);
  expect(syncing()).toBeUndefined();
  expect(await count()).toBe(2);
  close();
});

test("the log is beside the file that a link leads to", () => {
  const link = join(folder, "link.db");
  symlinkSync(file, link);
  new LogSync(writer, link).close();
});
