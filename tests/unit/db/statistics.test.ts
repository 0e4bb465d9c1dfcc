/** What the planner is told of tables: of large ones what they are like, of small ones nothing. */
import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { sqliteMigrations } from "../../../src/db/migrations.generated";
import { sqliteMigrator } from "../../../src/db/migrate.sqlite";
import { openSqliteStore } from "../../../src/db/sqlite";
import { temporaryFolder } from "./fixtures";

const folder = temporaryFolder();
afterAll(folder.remove);

async function migrated(name: string): Promise<string> {
  const file = join(folder.path, name);
  await sqliteMigrator(file, folder.path, sqliteMigrations).up();
  return file;
}

function using<T>(file: string, work: (db: Database) => T): T {
  const db = new Database(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

const addSchedules = (db: Database, count: number) =>
  db.run(
    "INSERT INTO schedules (name, next_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT 'schedule ' || i, i FROM n",
    [count],
  );

const known = (db: Database) =>
  new Set(
    db
      .query<{ tbl: string }, []>("SELECT tbl FROM sqlite_stat1")
      .all()
      .map(({ tbl }) => tbl),
  );

/** An event is looked for by its record. */
const plan = (db: Database) =>
  db
    .query<{ detail: string }, []>(
      "EXPLAIN QUERY PLAN SELECT seq FROM events WHERE id IN (SELECT id FROM events WHERE likelihood(entity_type = 'task' AND entity_id IN (SELECT id FROM tasks WHERE client_id = 'x'), 0.0001))",
    )
    .all()
    .map(({ detail }) => detail)
    .join("\n");

test("what was gathered of small tables is forgotten before anybody reads, of large ones it stays", async () => {
  const file = await migrated("gathered.db");
  using(file, (db) => {
    addSchedules(db, 12_000);
    const sql =
      "INSERT INTO events (id, type, entity_type, entity_id, version, actor_kind, request_id, changes, created_at) VALUES (?, 't', 'task', 'x', 1, 'system', 'r', '{}', 1)";
    for (let i = 0; i < 17; i++) db.run(sql, [`event ${i}`]);
    db.run("ANALYZE");
    expect([...known(db)]).toEqual(expect.arrayContaining(["schedules", "events"]));
    expect(plan(db)).toContain("SCAN events");
  });
  const store = openSqliteStore(file);
  try {
    using(file, (db) => {
      expect([...known(db)]).toEqual(["schedules"]);
      expect(plan(db)).not.toContain("SCAN events");
    });
  } finally {
    await store.close();
  }
  using(file, (db) => expect([...known(db)]).toEqual(["schedules"]));
});

test("a store that is closed gathers nothing of a handful of rows", async () => {
  const file = await migrated("small.db");
  using(file, (db) => addSchedules(db, 10));
  const store = openSqliteStore(file);
  await store.ping();
  await store.close();
  using(file, (db) => {
    const has = db.query("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'").get();
    expect(has ? [...known(db)] : []).toEqual([]);
  });
});
