import { cp, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import { version } from "../build";
import { isoTime, now } from "../clock";
import { holdExclusively } from "../ops/data-lock";
import { copyBlobs, type ReadBlob } from "./blob-copy";
import { writeBlobList, type BlobRef } from "./blob-list";
import { sync, syncAll, writeWhole } from "./durable";
import { BackupFailed, explained } from "./failed";
import { prune, type KeepRules } from "./keep";
import { unwatched, type BackupProgress, type Watch } from "./progress";
import { keptFolders, nameOf, names, type Manifest } from "./manifest";

/** A database, and how a copy of it is made. */
export interface DatabaseSource {
  engine: Manifest["engine"];
  /**
   * Copies what is committed at one instant into a folder, and checks the copy. Of the bytes that it tells of, those of files
   * are to come.
   * @returns its file's name, what is in it, and the bytes that it refers to
   */
  copyInto(
    folder: string,
    watch: Watch,
  ): Promise<{
    file: string;
    migrations: string[];
    rows: Record<string, number>;
    blobs: Iterable<BlobRef>;
  }>;
}

/** What is backed up. */
export interface Source {
  database: DatabaseSource;
  readBlob: ReadBlob;
  /** Sees to it that no bytes are removed as long as `work` runs. */
  holdBlobs<Result>(work: () => Promise<Result>): Promise<Result>;
  dataDir: string;
}

/** What was made. */
export interface Made {
  path: string;
  name: string;
  manifest: Manifest;
  /** Bytes that this backup was the first to have. */
  added: number;
  /** Names of the backups that the rules did not keep. */
  removed: string[];
}

/**
 * Backs up everything while the server works: the database as of one instant, the bytes of files that are not in
 * the folder yet, secrets and templates. It appears in the folder whole, checked and synced, or not at all.
 * @throws BackupFailed when it cannot be made, the signal's reason when it is broken off; the backups there were stay
 */
export async function makeBackup(
  source: Source,
  folder: string,
  rules: KeepRules,
  watch: Watch = unwatched,
): Promise<Made> {
  const to = resolve(folder);
  refusePlace(source.dataDir, to);
  try {
    await mkdir(to, { recursive: true, mode: 0o700 });
    const lock = holdExclusively(join(to, names.lock));
    if (!lock) throw new BackupFailed(`Another backup is being made in ${to}. Wait until it is done.`);
    try {
      await removeBroken(to);
      const made = await source.holdBlobs(() => makeIn(source, to, watch));
      return { ...made, removed: await prune(to, rules) };
    } finally {
      lock.release();
    }
  } catch (error) {
    throw explained(`No backup could be made in ${to}`, error);
  }
}

/** Among what is backed up there is no place for backups. */
function refusePlace(dataDir: string, to: string): void {
  const [data, blobs] = [resolve(dataDir), resolve(dataDir, "blobs")];
  if (to === data || to === blobs || to.startsWith(blobs + sep))
    throw new BackupFailed(`Backups need a folder of their own; ${to} is where the data is.`);
}

const partial = ".partial";

/** What a crash left behind. */
async function removeBroken(to: string): Promise<void> {
  for (const name of await readdir(to))
    if (name.endsWith(partial)) await rm(join(to, name), { recursive: true, force: true });
}

async function makeIn(
  source: Source,
  to: string,
  { onProgress, signal }: Watch,
): Promise<Omit<Made, "removed">> {
  const created_at = isoTime(now());
  const name = nameOf(created_at);
  const draft = join(to, name + partial);
  await mkdir(draft, { mode: 0o700 });
  try {
    let reached: BackupProgress = { done: 0, total: 0 };
    const { file, migrations, rows, blobs } = await source.database.copyInto(draft, {
      onProgress: (progress) => onProgress((reached = progress)),
      signal,
    });
    const onDone = (size: number) => onProgress((reached = { ...reached, done: reached.done + size }));
    const { copied, count, bytes, added, missing } = await copyBlobs(blobs, source.readBlob, to, {
      onDone,
      signal,
    });
    await writeBlobList(draft, copied);
    await copyFolders(source.dataDir, draft);
    const { engine } = source.database;
    const manifest: Manifest = {
      ...{ format: 1, neocrm: version, created_at, engine, migrations },
      database: await described(join(draft, file)),
      rows,
      blobs: { count, bytes, missing },
    };
    await writeWhole(join(draft, names.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
    await syncAll(draft);
    signal.throwIfAborted();
    await rename(draft, join(to, name));
    await sync(to);
    return { path: join(to, name), name, manifest, added };
  } catch (error) {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

async function copyFolders(from: string, to: string): Promise<void> {
  for (const name of keptFolders) {
    const isThere = await stat(join(from, name)).catch(() => undefined);
    if (isThere?.isDirectory()) await cp(join(from, name), join(to, name), { recursive: true });
  }
}

/** The size and the SHA-256 of a file. */
export async function described(path: string): Promise<Manifest["database"]> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hasher.update(chunk);
  return { file: basename(path), size: (await stat(path)).size, sha256: hasher.digest("hex") };
}
