/** What was generated from the tables still fits the tables. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  generateDrizzleJson,
  generateMigration,
  generateSQLiteDrizzleJson,
  generateSQLiteMigration,
} from "drizzle-kit/api";
import { getTableName } from "drizzle-orm";
import { generatedFile, listTags, renderMigrations } from "../../../scripts/embed-migrations";
import { postgresColumns } from "../../../src/db/columns.postgres";
import { describeTables } from "../../../src/db/tables";
import * as postgresTables from "../../../src/db/tables.postgres";
import * as sqliteTables from "../../../src/db/tables.sqlite";

/** The schema as drizzle-kit saw it when it wrote the last migration. Its type is drizzle-kit's own business. */
// oxlint-disable-next-line typescript/no-explicit-any -- see above
async function lastSnapshot(engine: "sqlite" | "postgres"): Promise<any> {
  const last = (await listTags(engine)).at(-1)!.slice(0, 4);
  return Bun.file(join(import.meta.dir, `../../../drizzle/${engine}/meta/${last}_snapshot.json`)).json();
}

const hint = "run: bun scripts/embed-migrations.ts --init (see the top of that file)";

describe("migrations are up to date", () => {
  test("every described table is exported for drizzle-kit", () => {
    const described = Object.values(describeTables(postgresColumns)).map(getTableName).toSorted();
    expect(Object.values(postgresTables).map(getTableName).toSorted()).toEqual(described);
    expect(Object.values(sqliteTables).map(getTableName).toSorted()).toEqual(described);
  });

  test("on SQLite", async () => {
    const now = await generateSQLiteDrizzleJson({ ...sqliteTables });
    expect(await generateSQLiteMigration(await lastSnapshot("sqlite"), now), hint).toEqual([]);
  });

  test("on PostgreSQL", async () => {
    const now = generateDrizzleJson({ ...postgresTables });
    expect(await generateMigration(await lastSnapshot("postgres"), now), hint).toEqual([]);
  });

  test("in the program", async () => {
    expect(await Bun.file(generatedFile).text(), hint).toBe(await renderMigrations());
    expect(await listTags("sqlite")).toEqual(await listTags("postgres"));
  });
});
