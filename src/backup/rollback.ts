import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isoTime, now } from "../clock";
import type { Config } from "../config";
import { openMigrator } from "../migrator";
import { databaseFile, databaseFiles, snapshotsOf } from "./database-files";
import { sync, syncAll } from "./durable";
import { BackupFailed, explained } from "./failed";
import { nameOf } from "./manifest";
import { goesBackTo, snapshotsIn, type Snapshot } from "./snapshots";
import { inspectSqlite } from "./sqlite";
import { stagingOf, swapIn } from "./swap";

/** What was gone back to. */
export interface RolledBack {
  snapshot: Snapshot;
  /** The migrations that are no more. */
  undone: string[];
  /** Where what was there before is now. */
  safety: string;
}

/**
 * Puts the database back to what it was before the last upgrade. What was written since is put aside; bytes of files stay
 * where they are. For whoever holds the data directory.
 * @throws BackupFailed when there is nothing to go back to; nothing was changed then
 */
export async function rollBack(config: Config, dataDir: string): Promise<RolledBack> {
  const url = config["database.url"];
  if (url === null && !existsSync(databaseFile(dataDir)))
    throw new BackupFailed(`There is no database in ${dataDir}.`);
  const { applied } = await (await openMigrator(config, dataDir)).status();
  const tags = applied.map(({ tag }) => tag);
  const snapshot = goesBackTo(await snapshotsIn(dataDir, url === null ? "db" : "dump"), tags);
  if (!snapshot) throw new BackupFailed(nothingToGoBackTo(dataDir));
  const aside = `rolled-back-${nameOf(isoTime(now()))}`;
  const undone = tags.slice(tags.indexOf(snapshot.before));
  try {
    const safety = await (url === null
      ? backToFile(snapshot.path, dataDir, aside)
      : backToDump(snapshot.path, url, join(snapshotsOf(dataDir), `${aside}.dump`)));
    return { snapshot, undone, safety };
  } catch (error) {
    throw explained("The database could not be rolled back, and nothing was changed", error);
  }
}

const nothingToGoBackTo = (dataDir: string) =>
  `There is no snapshot from before an upgrade in ${snapshotsOf(dataDir)}. ` +
  "neocrm restore goes back to a backup, neocrm migrate down takes back one migration.";

async function backToFile(snapshot: string, dataDir: string, aside: string): Promise<string> {
  await inspectSqlite(snapshot);
  const staging = stagingOf(dataDir);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { mode: 0o700 });
  await copyFile(snapshot, join(staging, databaseFiles[0]));
  await syncAll(staging);
  await swapIn(dataDir, aside);
  return join(dataDir, aside);
}

async function backToDump(snapshot: string, url: string, safety: string): Promise<string> {
  const { dumpPostgres, rowsInDump } = await import("./postgres");
  const { isFilled, restoreDump } = await import("./restore-postgres");
  const { PostgresTools } = await import("./postgres-tools");
  await isFilled(url);
  const draft = `${safety}.partial`;
  await dumpPostgres(url, draft);
  await sync(draft);
  await rename(draft, safety);
  await sync(join(safety, ".."));
  const rows = await rowsInDump(new PostgresTools(url), snapshot);
  await restoreDump(url, { file: snapshot, rows, keys: new Map() });
  return safety;
}
