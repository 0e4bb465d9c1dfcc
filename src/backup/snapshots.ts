import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Migrator } from "../db/migrate";
import { log } from "../ops/logging";
import { snapshotsOf } from "./database-files";
import { timeOf } from "./manifest";

/** A copy of the database that was taken before an upgrade. */
export interface Snapshot {
  path: string;
  /** The first migration that it does not have. */
  before: string;
  /** Milliseconds since 1970. */
  takenAt: number;
}

/** The ending of their names: of SQLite's, and of PostgreSQL's. */
export type SnapshotKind = "db" | "dump";

const shape = /^before-(\d{4}_\w+)-(\d{8}T\d{9}Z)\.(db|dump)$/;

/** The snapshots in a data directory, oldest first. */
export async function snapshotsIn(dataDir: string, kind: SnapshotKind): Promise<Snapshot[]> {
  const folder = snapshotsOf(dataDir);
  const found: Snapshot[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const [, before, time, ending] = shape.exec(name) ?? [];
    if (before === undefined || ending !== kind) continue;
    found.push({ path: join(folder, name), before, takenAt: timeOf(time!) });
  }
  return found.toSorted((a, b) => a.takenAt - b.takenAt);
}

/** The one that `neocrm rollback` goes back to, of a database that has these migrations. @param all oldest first */
export const goesBackTo = (all: readonly Snapshot[], tags: readonly string[]): Snapshot | undefined =>
  all.findLast(({ before }) => tags.includes(before));

/** So many of the newest stay. */
const keptNewest = 3;

/** Those that nobody needs any more: all but the newest ones and the one to go back to. @param all oldest first */
export function outdatedSnapshots(all: readonly Snapshot[], tags: readonly string[]): Snapshot[] {
  const needed = goesBackTo(all, tags);
  return all.slice(0, -keptNewest).filter((snapshot) => snapshot !== needed);
}

/** The same migrator, which removes outdated snapshots once it has taken one and what it was taken for is done. */
export function pruningSnapshots(migrator: Migrator, dataDir: string, kind: SnapshotKind): Migrator {
  const pruned = async <Result extends { snapshot: string | null }>(result: Result): Promise<Result> => {
    if (result.snapshot !== null) await prune(migrator, dataDir, kind);
    return result;
  };
  return {
    status: () => migrator.status(),
    up: async () => pruned(await migrator.up()),
    down: async () => pruned(await migrator.down()),
  };
}

/** What cannot be removed stays: the upgrade is done, and nothing is wrong with it. */
async function prune(migrator: Migrator, dataDir: string, kind: SnapshotKind): Promise<void> {
  try {
    const { applied } = await migrator.status();
    const all = await snapshotsIn(dataDir, kind);
    const tags = applied.map(({ tag }) => tag);
    for (const { path } of outdatedSnapshots(all, tags)) {
      await rm(path);
      log.info("An old snapshot was removed", { snapshot: basename(path) });
    }
  } catch (error) {
    log.warn("Old snapshots could not be removed", { error });
  }
}
