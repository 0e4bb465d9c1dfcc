import { Database } from "bun:sqlite";
import { cp, mkdir, readdir, rm, rmdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isoTime, now } from "../clock";
import type { Config } from "../config";
import { NewerDatabase, statusOf } from "../db/migrate";
import { postgresMigrations, sqliteMigrations } from "../db/migrations.generated";
import type { Blobs } from "../integrations/blobs/blobs";
import { diskBlobs } from "../integrations/blobs/disk";
import { openBlobs } from "../integrations/blobs/open";
import { eachAtOnce } from "./at-once";
import { checkedBytes, DamagedBlob, filesAtOnce } from "./blob-copy";
import { readBlobList } from "./blob-list";
import { databaseFile, databaseFiles } from "./database-files";
import { sync, syncAll } from "./durable";
import { BackupFailed, explained } from "./failed";
import type { KeepRules } from "./keep";
import { described, makeBackup, type Source } from "./make";
import { findBackup, keptFolders, nameOf, type Found, type Manifest } from "./manifest";
import { isElsewhere } from "./mounts";
import { inspectSqlite } from "./sqlite";
import { stagingOf, swapIn } from "./swap";

/** What is restored, and over what. */
export interface RestoreRequest {
  /** A backup, or the folder that backups lie in: then the newest. */
  from: string;
  config: Config;
  /** Held by the caller. */
  dataDir: string;
  /** What there is may be replaced. */
  mayReplace: boolean;
}

/** What was restored. */
export interface Restored {
  backup: Found;
  /** Where what there was before is now; `null` where there was nothing. */
  safety: string | null;
  /** SHA-256 of bytes that the backup does not have, whole: their files are there and cannot be read. */
  missing: string[];
}

/**
 * Puts a backup in the place of what there is. It is made ready and checked first: its database opened, read and counted,
 * all bytes compared with their hashes. Whatever goes wrong, and whenever it is broken off, there is either what was there
 * before or what was restored.
 * @throws BackupFailed, NewerDatabase; nothing was changed then
 */
export async function restore(request: RestoreRequest): Promise<Restored> {
  const backup = await findBackup(request.from);
  const url = request.config["database.url"];
  refuseOther(backup, url === null ? "sqlite" : "postgres");
  const staging = stagingOf(request.dataDir);
  try {
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { mode: 0o700 });
    return await (url === null ? restoreFile(backup, request) : restoreServer(backup, request, url));
  } catch (error) {
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
    throw explained(`${backup.path} could not be restored, and nothing was changed`, error);
  }
}

/** @throws BackupFailed for one of the other engine, NewerDatabase for one of a newer program */
function refuseOther({ path, manifest }: Found, engine: Manifest["engine"]): void {
  if (manifest.engine !== engine) {
    const [theirs, ours] = engine === "sqlite" ? ["PostgreSQL", "SQLite"] : ["SQLite", "PostgreSQL"];
    const mend = engine === "sqlite" ? "Set DATABASE_URL" : "Unset DATABASE_URL";
    throw new BackupFailed(`${path} is of ${theirs}, and the settings name ${ours}. ${mend}.`);
  }
  const migrations = engine === "sqlite" ? sqliteMigrations : postgresMigrations;
  const applied = manifest.migrations.map((tag) => ({ tag, applied_at: 0 }));
  const { unknown } = statusOf(migrations, applied);
  if (unknown.length > 0) throw new NewerDatabase(unknown);
}

/** Everything is made ready within the data directory; then it only has to be renamed. */
async function restoreFile(
  backup: Found,
  { config, dataDir, mayReplace }: RestoreRequest,
): Promise<Restored> {
  const staging = stagingOf(dataDir);
  const isThere = await exists(databaseFile(dataDir));
  if (isThere && !mayReplace) throw new BackupFailed(replaceHint(dataDir));
  const database = await placeDatabase(backup, staging);
  // Bytes on a disk of their own, or in a bucket, come beside those that are there.
  const isInPlace = config["s3.endpoint"] !== null || isElsewhere(dataDir, "blobs");
  const blobs = isInPlace ? openBlobs(config, dataDir) : diskBlobs(join(staging, "blobs"));
  const { keys, missing } = await placeBlobs(backup, blobs);
  rekey(database, keys);
  return { backup, missing, safety: await swapFolders(backup, dataDir) };
}

/** What is on the server is replaced in one transaction, after bytes came under new keys. */
async function restoreServer(
  backup: Found,
  { config, dataDir, mayReplace }: RestoreRequest,
  url: string,
): Promise<Restored> {
  const { isFilled, restoreDump } = await import("./restore-postgres");
  const isThere = await isFilled(url);
  if (isThere && !mayReplace) throw new BackupFailed(replaceHint("The database"));
  const file = join(backup.path, backup.manifest.database.file);
  await assertWhole(file, backup.manifest);
  const blobs = openBlobs(config, dataDir);
  const safety = isThere ? await backUpBefore(url, dataDir, blobs) : null;
  const { keys, missing } = await placeBlobs(backup, blobs);
  await restoreDump(url, { file, rows: backup.manifest.rows, keys });
  await swapFolders(backup, dataDir);
  return { backup, missing, safety };
}

/** @returns the backup of what there was */
async function backUpBefore(url: string, dataDir: string, blobs: Blobs): Promise<string> {
  const { postgresSource } = await import("./postgres");
  const source: Source = {
    ...{ database: postgresSource(url), dataDir },
    readBlob: ({ key }) => blobs.read(key),
    // No server runs on it, and so nothing sweeps.
    holdBlobs: (work) => work(),
  };
  return (await makeBackup(source, join(dataDir, "backups", "replaced"), all)).path;
}

/** Nothing that was put aside goes by itself. */
const all: KeepRules = { daily: Infinity, weekly: 0, monthly: 0 };

/** @returns where what was there is now, `null` where nothing was */
async function swapFolders(backup: Found, dataDir: string): Promise<string | null> {
  const staging = stagingOf(dataDir);
  await placeFolders(backup.path, staging, dataDir);
  // Bytes were synced as they were put.
  for (const name of [databaseFiles[0], ...keptFolders])
    if (await exists(join(staging, name))) await syncAll(join(staging, name));
  await sync(staging);
  const safety = `replaced-${nameOf(isoTime(now()))}`;
  await swapIn(dataDir, safety);
  return orNull(join(dataDir, safety));
}

const replaceHint = (what: string) =>
  `${what} holds data already. Name an empty one, or say --replace: what there is is put aside, not deleted.`;

const exists = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;

async function placeDatabase({ path, manifest }: Found, staging: string): Promise<string> {
  const file = join(staging, databaseFiles[0]);
  await assertWhole(join(path, manifest.database.file), manifest);
  await cp(join(path, manifest.database.file), file);
  const { rows } = await inspectSqlite(file);
  if (!Bun.deepEquals(rows, manifest.rows))
    throw new BackupFailed(`${path} does not hold the rows that it says it does. Take another backup.`);
  return file;
}

async function assertWhole(file: string, { database }: Manifest): Promise<void> {
  if ((await described(file)).sha256 !== database.sha256)
    throw new BackupFailed(`${file} is damaged. Take another backup.`);
}

/** Bytes get keys of the store that they come into, whatever store they came from. */
async function placeBlobs(backup: Found, blobs: Blobs) {
  const keys = new Map<string, string>();
  const missing = [...backup.manifest.blobs.missing];
  const folder = resolve(backup.path, "..");
  await eachAtOnce(readBlobList(backup.path), filesAtOnce, async (hash) => {
    try {
      keys.set(hash, (await blobs.put(checkedBytes(folder, hash))).key);
    } catch (error) {
      if (!(error instanceof DamagedBlob) && !isMissing(error)) throw error;
      missing.push(hash);
    }
  });
  // A key of any store, under which none has anything.
  for (const hash of missing) keys.set(hash, `${hash.slice(0, 2)}/${hash}`);
  return { keys, missing };
}

function isMissing(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return code === "ENOENT" || (cause !== undefined && isMissing(cause));
}

function rekey(file: string, keys: ReadonlyMap<string, string>): void {
  if (keys.size === 0) return;
  const db = new Database(file);
  try {
    const update = db.prepare("UPDATE blobs SET key = ? WHERE hash = ?");
    db.transaction(() => {
      for (const [hash, key] of keys) update.run(key, hash);
    })();
  } finally {
    db.close();
  }
}

/** What is mounted there, as secrets may be, stays. */
async function placeFolders(backup: string, staging: string, dataDir: string): Promise<void> {
  for (const name of keptFolders)
    if ((await exists(join(backup, name))) && !isElsewhere(dataDir, name))
      await cp(join(backup, name), join(staging, name), { recursive: true });
}

/** `null` for a folder with nothing in it, which goes. */
async function orNull(folder: string): Promise<string | null> {
  if ((await readdir(folder)).length > 0) return folder;
  await rmdir(folder);
  return null;
}
