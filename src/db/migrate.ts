/** What both engines' migrators share. Migrations go up and down in one order, each in full or not at all. */

import type { Session } from "./store";

/** One step of the schema, for one engine. Statements are separated by `--> statement-breakpoint`. */
export interface Migration {
  /** Names it for good, such as `0001_roles`. */
  tag: string;
  up: string;
  down: string;
}

/**
 * What a migration needs besides SQL, by its tag. Runs after all of the statements, on the newest tables, in the transaction
 * of the upgrade.
 */
export type Fills = Readonly<Record<string, (session: Session) => Promise<void>>>;

/** What an upgrade does besides SQL; each is left out where it is not given. */
export interface UpgradeWork {
  fills?: Fills;
  /** Looks whether the upgraded database is as it should be, in the transaction of the upgrade. @throws Error if it is not */
  check?(session: Session): Promise<void>;
  /** PostgreSQL only: copies what is there before the upgrade; gives where, or `null` where it cannot be done. */
  snapshot?(name: string): Promise<string | null>;
}

/** Runs what the migrations that were applied need besides SQL. @throws MigrationFailed */
export async function fill(fills: Fills, steps: readonly Step[], session: () => Session): Promise<void> {
  for (const step of steps) {
    const work = step.direction === "up" ? fills[step.migration.tag] : undefined;
    if (!work) continue;
    await work(session()).catch((error) => {
      throw new MigrationFailed(step, error);
    });
  }
}

/** Where a database stands. */
export interface MigrationStatus {
  /** Oldest first; `applied_at` in milliseconds since 1970. */
  applied: { tag: string; applied_at: number }[];
  pending: string[];
  /** Applied, but unknown to this program: a newer one was here. */
  unknown: string[];
}

/** What `up` did. */
export interface Upgraded {
  /** The tags applied, oldest first; empty when there was nothing to do. */
  tags: string[];
  /** The path of the copy made before, if there was something to copy, and it could be. */
  snapshot: string | null;
}

/** What `down` did. */
export interface Reverted {
  /** Null when no migration was left to revert. */
  tag: string | null;
  /** The path of the copy made before. SQLite only. */
  snapshot: string | null;
}

/** Brings one database to another version of the schema. */
export interface Migrator {
  /** Changes nothing, and does not make a database that does not exist. */
  status(): Promise<MigrationStatus>;
  /**
   * Applies what is pending, all of it or nothing.
   * @throws NewerDatabase when a newer program was here
   */
  up(): Promise<Upgraded>;
  /**
   * Reverts the migration applied last.
   * @throws NewerDatabase when a newer program was here
   * @throws ServersRunning while servers run on it. PostgreSQL only: SQLite's are held off by the data directory's lock
   */
  down(): Promise<Reverted>;
}

/** The database has migrations that this program does not know: it would misread what it finds. */
export class NewerDatabase extends Error {
  override name = "NewerDatabase";

  constructor(readonly tags: string[]) {
    super(
      `The database is newer than this program: it has ${tags.join(", ")}. ` +
        "Start the newer neocrm, or restore a snapshot from before the upgrade.",
    );
  }
}

/** The table that remembers. The same text on both engines. */
export const createHistory =
  "CREATE TABLE IF NOT EXISTS _migrations (tag text PRIMARY KEY, applied_at bigint NOT NULL)";

/** Compares what a database has with what this program knows. */
export function statusOf(migrations: Migration[], applied: MigrationStatus["applied"]): MigrationStatus {
  const known = new Set(migrations.map(({ tag }) => tag));
  const done = new Set(applied.map(({ tag }) => tag));
  return {
    applied,
    pending: migrations.map(({ tag }) => tag).filter((tag) => !done.has(tag)),
    unknown: applied.map(({ tag }) => tag).filter((tag) => !known.has(tag)),
  };
}

/** One migration to run, in either direction. */
export interface Step {
  direction: "up" | "down";
  migration: Migration;
}

/** What `up` or `down` has to run on a database that stands at `status`. */
export function planSteps(
  direction: Step["direction"],
  migrations: Migration[],
  { pending, unknown }: MigrationStatus,
): Step[] {
  if (unknown.length > 0) throw new NewerDatabase(unknown);
  const isPending = new Set(pending);
  if (direction === "down") {
    const last = migrations.findLast(({ tag }) => !isPending.has(tag));
    return last ? [{ direction, migration: last }] : [];
  }
  return migrations.filter(({ tag }) => isPending.has(tag)).map((migration) => ({ direction, migration }));
}

/** The statements of one step, in order. */
export function statementsOf({ direction, migration }: Step): string[] {
  return migration[direction]
    .split("--> statement-breakpoint")
    .filter((statement) => statement.trim() !== "");
}

/** An upgrade that was run and not kept, because what came of it is not as it should be. The database is as it was. */
export class UpgradeUnsound extends Error {
  override name = "UpgradeUnsound";

  constructor(cause: unknown) {
    super(`The upgrade was taken back, and nothing was changed: ${(cause as Error).message}.`, { cause });
  }
}

/** Runs the check of an upgrade that changed something. @throws UpgradeUnsound */
export async function checked(
  { check }: UpgradeWork,
  steps: readonly Step[],
  session: () => Session,
): Promise<void> {
  if (!check || steps.length === 0) return;
  await check(session()).catch((error) => {
    throw new UpgradeUnsound(error);
  });
}

/** A migration that could not be run; the engine's own error is the cause. The database is as it was. */
export class MigrationFailed extends Error {
  override name = "MigrationFailed";

  constructor({ direction, migration }: Step, cause: unknown) {
    const what = direction === "up" ? `Migration ${migration.tag}` : `Reverting migration ${migration.tag}`;
    super(`${what} failed and nothing was changed: ${(cause as Error).message}`, { cause });
  }
}
