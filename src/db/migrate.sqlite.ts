import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { now } from "../clock";
import { toDbError } from "./errors";
import {
  checked,
  createHistory,
  fill,
  MigrationFailed,
  planSteps,
  statementsOf,
  statusOf,
  type Migration,
  type MigrationStatus,
  type Migrator,
  type Step,
  type UpgradeWork,
  UpgradeUnsound,
} from "./migrate";
import { openToLook } from "./look";
import { takeSnapshot } from "./snapshot";
import { sqliteSession } from "./sqlite";

/**
 * Migrates the SQLite database in `file`, which is made when it does not exist. Before anything changes in a
 * database that holds data, a copy of it goes to `backupDir`.
 *
 * drizzle-kit changes a SQLite table by copying it, dropping it and renaming the copy. With foreign keys on,
 * the drop deletes all child rows, and inside a transaction they cannot be switched off: hence the own
 * connection with them off, and the check before the commit. The drop also takes the table's triggers along:
 * they are put back.
 */
export function sqliteMigrator(
  file: string,
  backupDir: string,
  migrations: Migration[],
  work: UpgradeWork = {},
): Migrator {
  const status = async () => {
    if (!existsSync(file)) return statusOf(migrations, []);
    const db = openToLook(file);
    try {
      return statusOf(migrations, appliedIn(db));
    } finally {
      db.close();
    }
  };
  return {
    status,
    async up() {
      const { steps, snapshot } = await migrate(file, backupDir, "up", migrations, work);
      return { tags: steps.map(({ migration }) => migration.tag), snapshot };
    },
    async down() {
      const { steps, snapshot } = await migrate(file, backupDir, "down", migrations);
      return { tag: steps[0]?.migration.tag ?? null, snapshot };
    },
  };
}

async function migrate(
  file: string,
  backupDir: string,
  direction: Step["direction"],
  migrations: Migration[],
  work: UpgradeWork = {},
): Promise<{ steps: Step[]; snapshot: string | null }> {
  const db = open(file);
  let snapshot: string | null = null;
  try {
    const before = statusOf(migrations, appliedIn(db));
    const next = planSteps(direction, migrations, before)[0];
    if (!next) return { steps: [], snapshot };
    if (before.applied.length > 0)
      snapshot = await takeSnapshot(db, backupDir, `before-${next.migration.tag}`);
    return { steps: await runSteps(db, direction, migrations, work), snapshot };
  } catch (error) {
    // Rolled back, so there is nothing to go back to. A service that keeps restarting would fill the disk.
    if (snapshot && !db.inTransaction) await rm(snapshot, { force: true });
    throw error instanceof MigrationFailed || error instanceof UpgradeUnsound ? error : toDbError(error);
  } finally {
    db.close();
  }
}

function open(file: string) {
  const db = new Database(file, { readwrite: true, create: true });
  db.run("PRAGMA busy_timeout = 60000");
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA foreign_keys = OFF");
  return db;
}

/** Plans again under the lock: another process may have migrated since. */
async function runSteps(
  db: Database,
  direction: Step["direction"],
  migrations: Migration[],
  work: UpgradeWork,
): Promise<Step[]> {
  db.run("BEGIN IMMEDIATE");
  try {
    db.run(createHistory);
    const steps = planSteps(direction, migrations, statusOf(migrations, appliedIn(db)));
    for (const step of steps) runStep(db, step);
    const { fills = {} } = work;
    // Whoever migrates the same file in this process would wait for the lock without letting us go on.
    if (steps.some(({ migration }) => migration.tag in fills))
      await fill(fills, steps, () => sqliteSession(db));
    refuseBrokenReferences(db);
    if (work.check) await checked(work, steps, () => sqliteSession(db));
    db.run("COMMIT");
    return steps;
  } catch (error) {
    if (db.inTransaction) db.run("ROLLBACK");
    throw error;
  }
}

function runStep(db: Database, step: Step) {
  const { tag } = step.migration;
  const triggers = listTriggers(db);
  try {
    for (const statement of statementsOf(step)) db.run(statement);
    restoreTriggers(db, triggers, step.migration[step.direction]);
  } catch (error) {
    throw new MigrationFailed(step, error);
  }
  if (step.direction === "up") db.query("INSERT INTO _migrations VALUES (?, ?)").run(tag, now());
  else db.query("DELETE FROM _migrations WHERE tag = ?").run(tag);
}

function appliedIn(db: Database): MigrationStatus["applied"] {
  const exists = db.query("SELECT 1 FROM sqlite_schema WHERE name = '_migrations'").get();
  if (!exists) return [];
  return db
    .query<{ tag: string; applied_at: number }, []>("SELECT tag, applied_at FROM _migrations ORDER BY tag")
    .all();
}

function refuseBrokenReferences(db: Database) {
  const broken = db.query("PRAGMA foreign_key_check").all();
  if (broken.length > 0)
    throw new Error(`Migration leaves broken references: ${JSON.stringify(broken.slice(0, 5))}`);
}

interface Trigger {
  name: string;
  table: string;
  sql: string;
}

function listTriggers(db: Database) {
  return db
    .query<Trigger, []>(`SELECT name, tbl_name AS "table", sql FROM sqlite_schema WHERE type = 'trigger'`)
    .all();
}

/** Puts back the triggers that went with a rebuilt table, but not those the migration dropped on purpose. */
function restoreTriggers(db: Database, before: Trigger[], migration: string) {
  const present = new Set(listTriggers(db).map(({ name }) => name));
  for (const { name, table, sql } of before) {
    const droppedOnPurpose = new RegExp(`drop\\s+trigger[^;]*\\b${name}\\b`, "i").test(migration);
    const tableExists = db.query("SELECT 1 FROM sqlite_schema WHERE name = ?").get(table);
    if (!present.has(name) && !droppedOnPurpose && tableExists) db.run(sql);
  }
}
