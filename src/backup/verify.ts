import { isSound } from "./blob-copy";
import { readBlobList } from "./blob-list";
import { described } from "./make";
import { backupsIn, type Found } from "./manifest";
import { join } from "node:path";

/** What was found when everything in a folder of backups was read. */
export interface VerifiedBackups {
  backups: number;
  blobs: number;
  /** Paths of databases that are not as they were written. */
  damagedDatabases: string[];
  /** SHA-256 of bytes that are missing or damaged. */
  damagedBlobs: string[];
}

/** Reads all backups in a folder, and compares what they hold with its checksums. Changes nothing. */
export async function verifyBackups(folder: string): Promise<VerifiedBackups> {
  const found: VerifiedBackups = { backups: 0, blobs: 0, damagedDatabases: [], damagedBlobs: [] };
  const looked = new Set<string>();
  for (const backup of await backupsIn(folder)) {
    found.backups++;
    if (!(await isDatabaseSound(backup)))
      found.damagedDatabases.push(join(backup.path, backup.manifest.database.file));
    for await (const hash of readBlobList(backup.path)) {
      if (looked.has(hash)) continue;
      looked.add(hash);
      if (!(await isSound(folder, hash))) found.damagedBlobs.push(hash);
    }
  }
  return { ...found, blobs: looked.size };
}

async function isDatabaseSound({ path, manifest }: Found): Promise<boolean> {
  const file = join(path, manifest.database.file);
  const now = await described(file).catch(() => undefined);
  return now?.sha256 === manifest.database.sha256;
}
