import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isoTime, now } from "../clock";
import { log } from "../ops/logging";
import { snapshotsOf } from "./database-files";
import { sync } from "./durable";
import { BackupFailed, explained } from "./failed";
import { nameOf, timeOf } from "./manifest";
import { dumpPostgres } from "./postgres";

/** A copy of the database that was taken before an upgrade. */
export interface Snapshot {
  path: string;
  /** The first migration that it does not have. */
  before: string;
  /** Milliseconds since 1970. */
  takenAt: number;
}

const shape = /^before-(\d{4}_\w+)-(\d{8}T\d{9}Z)\.(db|dump)$/;

/** The snapshots in a data directory, oldest first. @param kind the ending of their names */
export async function snapshotsIn(dataDir: string, kind: "db" | "dump"): Promise<Snapshot[]> {
  const folder = snapshotsOf(dataDir);
  const found: Snapshot[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const [, before, time, ending] = shape.exec(name) ?? [];
    if (before === undefined || ending !== kind) continue;
    found.push({ path: join(folder, name), before, takenAt: timeOf(time!) });
  }
  return found.toSorted((a, b) => a.takenAt - b.takenAt);
}

/**
 * Dumps a PostgreSQL database before an upgrade.
 * @returns where; `null` without the programs that it takes, which is said in the log
 */
export async function snapshotPostgres(url: string, dataDir: string, name: string): Promise<string | null> {
  const folder = snapshotsOf(dataDir);
  const path = join(folder, `${name}-${nameOf(isoTime(now()))}.dump`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await dumpPostgres(url, path);
    await sync(path);
    await sync(folder);
    return path;
  } catch (error) {
    await rm(path, { force: true });
    const known = explained("No snapshot could be taken before the upgrade", error);
    if (!(known instanceof BackupFailed)) throw error;
    log.warn(`The database is upgraded without a snapshot to roll back to: ${known.message}`);
    return null;
  }
}
