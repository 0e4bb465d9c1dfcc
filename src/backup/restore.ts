import { Database } from "bun:sqlite";
import { cp, mkdir, readdir, rm, rmdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isoTime, now } from "../clock";
import type { Config } from "../config";
import { NewerDatabase, statusOf } from "../db/migrate";
import { sqliteMigrations } from "../db/migrations.generated";
import type { Blobs } from "../integrations/blobs/blobs";
import { diskBlobs } from "../integrations/blobs/disk";
import { openBlobs } from "../integrations/blobs/open";
import { checkedBytes, DamagedBlob } from "./blob-copy";
import { readBlobList } from "./blob-list";
import { databaseFiles } from "./database-files";
import { syncAll } from "./durable";
import { BackupFailed, explained } from "./failed";
import { described } from "./make";
import { findBackup, keptFolders, nameOf, type Found, type Manifest } from "./manifest";
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
export async function restore({ from, config, dataDir, mayReplace }: RestoreRequest): Promise<Restored> {
  const backup = await findBackup(from);
  const isThere = await exists(join(dataDir, databaseFiles[0]));
  if (isThere && !mayReplace) throw new BackupFailed(replaceHint(dataDir));
  const { unknown } = statusOf(sqliteMigrations, asApplied(backup.manifest));
  if (unknown.length > 0) throw new NewerDatabase(unknown);
  const staging = stagingOf(dataDir);
  try {
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { mode: 0o700 });
    const database = await placeDatabase(backup, staging);
    const blobs =
      config["s3.endpoint"] === null ? diskBlobs(join(staging, "blobs")) : openBlobs(config, dataDir);
    const { keys, missing } = await placeBlobs(backup, blobs);
    rekey(database, keys);
    await placeFolders(backup.path, staging);
    await syncAll(staging);
    const safety = join("backups", `replaced-${nameOf(isoTime(now()))}`);
    await swapIn(dataDir, safety);
    return { backup, safety: await orNull(join(dataDir, safety)), missing };
  } catch (error) {
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
    throw explained(`${backup.path} could not be restored, and nothing was changed`, error);
  }
}

const replaceHint = (dataDir: string) =>
  `${dataDir} holds data already. Name an empty --data-dir, or say --replace: what there is is kept beside it.`;

const exists = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;

/** A manifest's migrations, as a database would list them. */
const asApplied = ({ migrations }: Manifest) => migrations.map((tag) => ({ tag, applied_at: 0 }));

async function placeDatabase({ path, manifest }: Found, staging: string): Promise<string> {
  const file = join(staging, databaseFiles[0]);
  await cp(join(path, manifest.database.file), file);
  if ((await described(file)).sha256 !== manifest.database.sha256)
    throw new BackupFailed(`${join(path, manifest.database.file)} is damaged. Take another backup.`);
  const { rows } = await inspectSqlite(file);
  if (!Bun.deepEquals(rows, manifest.rows))
    throw new BackupFailed(`${path} does not hold the rows that it says it does. Take another backup.`);
  return file;
}

/** Bytes get keys of the store that they come into, whatever store they came from. */
export async function placeBlobs(backup: Found, blobs: Blobs) {
  const keys = new Map<string, string>();
  const missing = [...backup.manifest.blobs.missing];
  const folder = resolve(backup.path, "..");
  for await (const hash of readBlobList(backup.path)) {
    try {
      keys.set(hash, (await blobs.put(checkedBytes(folder, hash))).key);
    } catch (error) {
      if (!(error instanceof DamagedBlob) && !isMissing(error)) throw error;
      missing.push(hash);
    }
  }
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

async function placeFolders(backup: string, staging: string): Promise<void> {
  for (const name of keptFolders)
    if (await exists(join(backup, name)))
      await cp(join(backup, name), join(staging, name), { recursive: true });
}

/** `null` for a folder with nothing in it, which goes. */
async function orNull(folder: string): Promise<string | null> {
  if ((await readdir(folder)).length > 0) return folder;
  await rmdir(folder);
  return null;
}
