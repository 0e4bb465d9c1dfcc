import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Type, type Static } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { BackupFailed } from "./failed";

/** What a backup says of itself, in `backup.json`; it is written last, so a backup without one is none. */
export const Manifest = Type.Object({
  /** Of the layout of a backup. Raised when an older program could not read it. */
  format: Type.Literal(1),
  /** The version that made it. */
  neocrm: Type.String(),
  /** ISO 8601: what was acknowledged until then is in it. */
  created_at: Type.String(),
  engine: Type.Union([Type.Literal("sqlite"), Type.Literal("postgres")]),
  /** Those applied, oldest first. */
  migrations: Type.Array(Type.String()),
  database: Type.Object({ file: Type.String(), size: Type.Integer(), sha256: Type.String() }),
  /** How many rows each table has. */
  rows: Type.Record(Type.String(), Type.Integer()),
  blobs: Type.Object({
    count: Type.Integer(),
    bytes: Type.Integer(),
    /** Their bytes could not be had when it was made: SHA-256 of each. */
    missing: Type.Array(Type.String()),
  }),
});
export type Manifest = Static<typeof Manifest>;

/** A backup that was found. */
export interface Found {
  /** Its folder. */
  path: string;
  /** The name of that folder, by which backups sort in the order of their time. */
  name: string;
  manifest: Manifest;
}

/** The names of files in a backup, and in the folder that backups lie in. */
export const names = {
  manifest: "backup.json",
  /** `sha256sum --check` reads it. */
  blobList: "blobs.sha256",
  blobs: "blobs",
  lock: "neocrm-backup.lock",
  sqlite: "neocrm.db",
  postgres: "neocrm.dump",
} as const;

/** What lies beside the database in a data directory and is worth keeping. */
export const keptFolders = ["secrets", "templates"] as const;

const nameShape = /^\d{8}T\d{9}Z$/;

/** The name of a backup's folder. @param createdAt ISO 8601 */
export const nameOf = (createdAt: string): string => createdAt.replace(/[-:.]/g, "");

/** When a backup was made, by its name: milliseconds since 1970. */
export const timeOf = (name: string): number =>
  Date.parse(name.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\d)(\d{3}Z)$/, "$1-$2-$3:$4:$5.$6"));

/**
 * The backup in this folder.
 * @throws BackupFailed when there is none, or it cannot be read by this program
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = Bun.file(join(folder, names.manifest));
  if (!(await file.exists())) throw new BackupFailed(`There is no backup in ${folder}.`);
  const manifest: unknown = await file.json().catch(() => undefined);
  if (Value.Check(Manifest, manifest)) return manifest;
  const format = (manifest as { format?: unknown } | undefined)?.format;
  throw new BackupFailed(
    typeof format === "number" && format > 1
      ? `The backup in ${folder} was made by a newer neocrm. Use that one.`
      : `${join(folder, names.manifest)} is damaged. Take another backup.`,
  );
}

/** The backup in this folder, or the newest one of those that lie in it. @throws BackupFailed as `readManifest` does */
export async function findBackup(from: string): Promise<Found> {
  const path = resolve(from);
  const name = (await namesIn(path)).findLast((each) => existsSync(join(path, each, names.manifest)));
  const backup = name === undefined ? path : join(path, name);
  return { path: backup, name: basename(backup), manifest: await readManifest(backup) };
}

const namesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((entry) => nameShape.test(entry)).toSorted();

/** The backups in a folder, oldest first; what is no whole backup is left out. */
export async function backupsIn(folder: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    const manifest = await readManifest(path).catch(() => undefined);
    if (manifest) found.push({ path, name, manifest });
  }
  return found;
}
