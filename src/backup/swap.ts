import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { databaseFiles } from "./database-files";
import { writeWhole } from "./durable";
import { BackupFailed } from "./failed";
import { isElsewhere } from "./mounts";

/** Where what is restored is made ready, within the data directory, so that it only has to be renamed. */
export const stagingOf = (dataDir: string): string => join(dataDir, "restoring");

const markerOf = (dataDir: string) => join(dataDir, "restoring.json");

/** What may be put in the place of what there is. */
const swapped = [databaseFiles[0], "blobs", "secrets", "templates"] as const;

interface Marker {
  /** Where in the data directory what was there goes. */
  safety: string;
}

/**
 * Puts what is made ready in the place of what there is, which goes to `safety`. Whole or not at all: what was decided
 * is written down first, and whoever takes the data directory after a crash goes on with it (`finishSwap`).
 * @param safety the name of a folder in the data directory that does not exist yet
 * @throws BackupFailed when something there is a mount of its own; nothing was changed then
 */
export async function swapIn(dataDir: string, safety: string): Promise<void> {
  const fixed = swapped.find(
    (name) => existsSync(join(stagingOf(dataDir), name)) && isElsewhere(dataDir, name),
  );
  if (fixed !== undefined)
    throw new BackupFailed(
      `${join(dataDir, fixed)} is a mount or a link and cannot be put aside. Remove it for as long as the restore takes.`,
    );
  await writeWhole(markerOf(dataDir), JSON.stringify({ safety } satisfies Marker));
  finishSwap(dataDir);
}

/** Goes on with a swap that was decided on, if there is one, and forgets one that was not. For whoever takes the data directory. */
export function finishSwap(dataDir: string): void {
  const marker = markerOf(dataDir);
  if (!existsSync(marker)) {
    // Of one that was broken off before it was decided.
    rmSync(stagingOf(dataDir), { recursive: true, force: true });
    return;
  }
  const safety = join(dataDir, (JSON.parse(readFileSync(marker, "utf8")) as Marker).safety);
  mkdirSync(safety, { recursive: true, mode: 0o700 });
  for (const name of swapped) swapOne(dataDir, safety, name);
  for (const folder of [safety, dataDir]) syncFolder(folder);
  rmSync(marker);
  syncFolder(dataDir);
  rmSync(stagingOf(dataDir), { recursive: true, force: true });
}

/** What is not made ready any more is in its place; what is not in its place any more was put aside. */
function swapOne(dataDir: string, safety: string, name: string): void {
  const ready = join(stagingOf(dataDir), name);
  if (!existsSync(ready)) return;
  const parts = name === databaseFiles[0] ? databaseFiles.toReversed() : [name];
  for (const part of parts) {
    const present = join(dataDir, part);
    if (existsSync(present)) renameSync(present, join(safety, part));
  }
  renameSync(ready, join(dataDir, name));
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
