/**
 * Writes what a database of an earlier release looks like, with the demo company in it, for the test of upgrades:
 * `tests/fixtures/<tag>.<engine>.sql`.
 *
 *   bun scripts/release-fixture.ts 0006_files    after a release: its last migration
 *
 * The company is made by the program as it is and taken back to there, so what a later migration added is not in it.
 */
import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectionOf } from "../src/backup/postgres-tools";
import { databaseFile } from "../src/backup/database-files";
import { loadConfig } from "../src/config/load";
import { openMigrator } from "../src/migrator";
import { startServer } from "../src/server";
import { runOperation } from "../src/control/operations";
import { newDatabase } from "../tests/support/postgres";

const [tag] = process.argv.slice(2);
if (tag === undefined) throw new Error("Usage: bun scripts/release-fixture.ts <tag of the last migration>");

const fixture = (engine: string) => join(import.meta.dir, "..", "tests/fixtures", `${tag}.${engine}.sql`);
const folder = mkdtempSync(join(tmpdir(), "neocrm-fixture-"));

/** A database with the demo company, taken back to the release. */
async function make(env: Record<string, string>) {
  const loaded = loadConfig({ env: { HOST: "127.0.0.1", PORT: "0", ...env }, cwd: folder });
  const server = await startServer(loaded);
  await runOperation(server.parts, "demo.seed", { password: "a long enough phrase" });
  await server.stop();
  const migrator = await openMigrator(loaded.config, loaded.dataDir);
  while ((await migrator.status()).applied.at(-1)!.tag !== tag) await migrator.down();
  return loaded.dataDir;
}

function sqlOf(file: string): string {
  const db = new Database(file);
  const lines = ["PRAGMA foreign_keys = OFF;", "BEGIN;"];
  const schema = db
    .query<{ type: string; name: string; sql: string }, []>(
      "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY type <> 'table', rowid",
    )
    .all();
  for (const { type, name, sql } of schema) {
    lines.push(`${sql};`);
    if (type !== "table") continue;
    const columns = db.query<{ name: string }, []>(`SELECT name FROM pragma_table_info('${name}')`).all();
    const values = columns.map((column) => `quote("${column.name}")`).join(" || ', ' || ");
    const rows = db.query<{ row: string }, []>(`SELECT ${values} AS row FROM "${name}" ORDER BY 1`).all();
    for (const { row } of rows) lines.push(`INSERT INTO "${name}" VALUES (${row});`);
  }
  return `${[...lines, "COMMIT;"].join("\n")}\n`;
}

function dumpOf(url: string): string {
  const env = { PATH: process.env.PATH ?? "", ...connectionOf(url) };
  const args = ["--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=100"];
  const { stdout, success, stderr } = Bun.spawnSync(["pg_dump", ...args], { env });
  if (!success) throw new Error(stderr.toString());
  const isPlain = (line: string) => !/^(\\|--|$)|search_path/.test(line);
  return `${stdout.toString().split("\n").filter(isPlain).join("\n")}\n`;
}

const dataDir = await make({ DATA_DIR: join(folder, "sqlite") });
await Bun.write(fixture("sqlite"), sqlOf(databaseFile(dataDir)));
const url = await newDatabase();
await make({ DATA_DIR: join(folder, "postgres"), DATABASE_URL: url });
await Bun.write(fixture("postgres"), dumpOf(url));
rmSync(folder, { recursive: true, force: true });
process.exit(0);
