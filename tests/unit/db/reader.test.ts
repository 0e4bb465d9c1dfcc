import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { constants, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { hot, type Params } from "../../../src/db/hot";
import { sqliteMigrator } from "../../../src/db/migrate.sqlite";
import { sqliteMigrations } from "../../../src/db/migrations.generated";
import { openPostgresStore } from "../../../src/db/postgres";
import { Reader } from "../../../src/db/reader";
import { serveReads } from "../../../src/db/serve-reads";
import { openSqliteStore } from "../../../src/db/sqlite";
import type { Store } from "../../../src/db/store";
import { newId } from "../../../src/ids";
import { newDatabase } from "../../support/postgres";

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "reader-"));
const file = join(folder, "test.db");
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => sqliteMigrator(file, folder, sqliteMigrations).up());

const roles = hot(({ q, t }, p: Params<{ slug: string }>) =>
  q
    .select({ total: sql<number>`count(*)`.mapWith(Number) })
    .from(t.roles)
    .where(sql`${t.roles.slug} <> ${p.slug}`),
);
const broken = hot(({ q, t }, _: Params<object>) =>
  q.select({ n: sql<number>`no_such_function(1)` }).from(t.roles),
);
/** Whether this process has the file open. */
const isOpen = (path: string) =>
  readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  });

/** Reads that last until they are told to end, however fast the machine is: opening a FIFO waits for a writer. */
function endlessReads() {
  const fifo = join(folder, `fifo-${newId()}`);
  Bun.spawnSync(["mkfifo", fifo]);
  return {
    text: `attach '${fifo}' as fifo`,
    /** Those that run now, and all to come, find no database in it. */
    end: () => void openSync(fifo, constants.O_RDWR),
  };
}

const stores: Record<string, () => Promise<Store>> = {
  sqlite: async () => openSqliteStore(file),
  postgres: async () => openPostgresStore(await newDatabase()),
};

for (const [engine, open] of Object.entries(stores)) {
  describe(`reading aside [${engine}]`, () => {
    let store: Store;
    beforeAll(async () => void (store = await open()));
    afterAll(() => store.close());

    test("gives the same as reading", async () => {
      const wanted = await roles.all(store.read, { slug: "admin" });
      expect(wanted).toEqual([{ total: 2 }]);
      expect(await roles.all(store.aside("ann"), { slug: "admin" })).toEqual(wanted);
    });

    test("sees what was committed just before", async () => {
      await store.tx(
        async ({ q, t }) =>
          void (await q
            .update(t.roles)
            .set({ slug: "boss" })
            .where(sql`slug = 'admin'`)),
      );
      expect(await roles.all(store.aside("ann"), { slug: "admin" })).toEqual([{ total: 3 }]);
    });

    test("an error in a query is the caller's alone", async () => {
      const results = await Promise.allSettled([
        broken.all(store.aside("ann"), {}),
        roles.all(store.aside("ann"), { slug: "" }),
      ]);
      expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    });
  });
}

describe("the reader", () => {
  test("leaves the event loop free while it reads", async () => {
    const reader = new Reader(file, 60_000);
    const endless = endlessReads();
    const read = reader.run(endless.text, []).catch(String);
    setTimeout(endless.end, 50);
    expect(await read).toContain("unable to open database");
    reader.close();
  });

  test("a read past its deadline fails, and the next one gets a new worker", async () => {
    const reader = new Reader(file, 1_000);
    const endless = endlessReads();
    expect(await reader.run(endless.text, []).catch(String)).toContain("deadline");
    expect(await reader.run("select 1 as one", [])).toEqual([{ one: 1 }]);
    reader.close();
    endless.end();
  });

  test("while two that were given up still read, it is busy, and no longer", async () => {
    const reader = new Reader(file, 1_000);
    const endless = endlessReads();
    for (let given = 0; given < 2; given++) {
      // With this one, the worker has started before its time runs.
      expect(await reader.run("select 1 as one", [])).toEqual([{ one: 1 }]);
      expect(await reader.run(endless.text, []).catch(String)).toContain("deadline");
    }
    expect(await reader.run("select 1 as one", []).catch(String)).toContain("busy");
    endless.end();
    for (;;) {
      const outcome = await reader.run("select 1 as one", []).catch(String);
      if (typeof outcome !== "string") break;
      expect(outcome).toContain("busy");
      await Bun.sleep(20);
    }
    reader.close();
    expect(await reader.run("select 1 as one", []).catch(String)).toContain("unavailable");
  });

  test("reads one thing at a time", async () => {
    const reader = new Reader(file, 10_000);
    const first = reader.run("select 1 as one", []);
    expect(await reader.run("select 2 as two", []).catch(String)).toContain("busy");
    expect(await first).toEqual([{ one: 1 }]);
    expect(await reader.run("select 3 as three", [])).toEqual([{ three: 3 }]);
    reader.close();
  });

  test("its worker ends when there is nothing to read for a while, and the next read starts another", async () => {
    const own = join(folder, "resting.db");
    const db = new Database(own);
    db.run("create table a (b)");
    db.close();
    const reader = new Reader(own, 10_000, 20);
    for (const one of [1, 2]) {
      expect(await reader.run(`select ${one} as one`, [])).toEqual([{ one }]);
      while (isOpen(own)) await Bun.sleep(5);
    }
    reader.close();
  });

  test("closing it tells whoever still waits", async () => {
    const reader = new Reader(file, 10_000);
    const endless = endlessReads();
    const read = reader.run(endless.text, []).catch(String);
    reader.close();
    expect(await read).toContain("unavailable");
    endless.end();
  });

  test("its worker answers with rows, or with the error and its code", () => {
    const db = new Database(file, { readonly: true });
    const answer = serveReads(db);
    expect(answer({ text: "select ? as given", values: ["x"] })).toEqual({
      columns: ["given"],
      rows: '[["x"]]',
    });
    expect(answer({ text: "select x'00' as bytes", values: [] })).toEqual({
      error: expect.objectContaining({ message: "Bytes cannot be read aside." }),
    });
    expect(answer({ text: "delete from roles", values: [] })).toMatchObject({
      error: { code: expect.stringContaining("SQLITE_READONLY") },
    });
    db.close();
  });
});
