import { SQL, type TransactionSQL } from "bun";
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
import { postgresSession } from "./postgres";

/** Any number, as long as it never changes: instances that start together take turns by it. */
export const migrationsLock = 727_001;

/** Held by every server, shared, on a connection that it keeps; it goes with the connection. */
export const serversLock = 727_002;

/** Makes the connection that runs it tell `down` that a server works with this database. */
export const presenceSql = `select pg_try_advisory_lock_shared(${serversLock})`;

/** Servers work with the tables that a migration would be reverted on. */
export class ServersRunning extends Error {
  override name = "ServersRunning";

  constructor() {
    super("Servers run on this database, and would fail without what is reverted: stop all of them first.");
  }
}

/** Migrates the PostgreSQL database at `url`, in one transaction. */
export function postgresMigrator(url: string, migrations: Migration[], work: UpgradeWork = {}): Migrator {
  const migrate = (direction: Step["direction"]) =>
    withClient(url, (client) =>
      client.begin((transaction) => runSteps(transaction, direction, migrations, work)),
    );
  const status = () => withClient(url, async (client) => statusOf(migrations, await appliedIn(client)));
  return {
    status,
    async up() {
      const before = await status();
      const [next] = planSteps("up", migrations, before);
      const isUpgrade = next !== undefined && before.applied.length > 0;
      const snapshot = (isUpgrade && (await work.snapshot?.(`before-${next.migration.tag}`))) || null;
      try {
        const steps = await migrate("up");
        return { tags: steps.map(({ migration }) => migration.tag), snapshot };
      } catch (error) {
        // Rolled back, so there is nothing to go back to.
        if (snapshot) await rm(snapshot, { force: true });
        throw error;
      }
    },
    async down() {
      const steps = await migrate("down");
      return { tag: steps[0]?.migration.tag ?? null, snapshot: null };
    },
  };
}

async function withClient<T>(url: string, work: (client: SQL) => Promise<T>): Promise<T> {
  const client = new SQL({ url, max: 1 });
  try {
    return await work(client);
  } catch (error) {
    throw error instanceof MigrationFailed || error instanceof UpgradeUnsound ? error : toDbError(error);
  } finally {
    await client.close();
  }
}

async function runSteps(
  transaction: TransactionSQL,
  direction: Step["direction"],
  migrations: Migration[],
  work: UpgradeWork,
) {
  await transaction`SELECT pg_advisory_xact_lock(${migrationsLock})`;
  if (direction === "down") await refuseServers(transaction);
  const steps = planSteps(direction, migrations, statusOf(migrations, await appliedIn(transaction)));
  if (steps.length > 0) await transaction.unsafe(createHistory);
  for (const step of steps) await runStep(transaction, step);
  await fill(work.fills ?? {}, steps, () => postgresSession(transaction));
  if (direction === "up") await checked(work, steps, () => postgresSession(transaction));
  return steps;
}

/** Servers that start wait meanwhile for the other lock. Upgrades are welcome to come while the version before runs. */
async function refuseServers(transaction: TransactionSQL) {
  const [row] = await transaction`SELECT pg_try_advisory_xact_lock(${serversLock}) AS free`;
  if (!row.free) throw new ServersRunning();
}

async function runStep(transaction: TransactionSQL, step: Step) {
  const { tag } = step.migration;
  try {
    for (const statement of statementsOf(step)) await transaction.unsafe(statement);
  } catch (error) {
    throw new MigrationFailed(step, error);
  }
  if (step.direction === "up") await transaction`INSERT INTO _migrations VALUES (${tag}, ${now()})`;
  else await transaction`DELETE FROM _migrations WHERE tag = ${tag}`;
}

async function appliedIn(client: SQL): Promise<MigrationStatus["applied"]> {
  const [{ exists }] = await client`SELECT to_regclass('_migrations') IS NOT NULL AS exists`;
  if (!exists) return [];
  const rows: { tag: string; applied_at: string }[] =
    await client`SELECT tag, applied_at FROM _migrations ORDER BY tag COLLATE "C"`;
  return rows.map(({ tag, applied_at }) => ({ tag, applied_at: Number(applied_at) }));
}
