import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isoTime, now } from "../clock";
import { log } from "../ops/logging";
import { snapshotsOf } from "./database-files";
import { sync } from "./durable";
import { BackupFailed, explained } from "./failed";
import { nameOf } from "./manifest";
import { dumpPostgres } from "./postgres";

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
