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
import { dirname, join } from "node:path";
import { databaseFiles } from "./database-files";
import { writeWhole } from "./durable";

/** Where what is restored is made ready, within the data directory, so that it only has to be renamed. */
export const stagingOf = (dataDir: string): string => join(dataDir, "restoring");

const markerOf = (dataDir: string) => join(dataDir, "restoring.json");

/** What may be put in the place of what there is. */
const swapped = [databaseFiles[0], "blobs", "secrets", "templates"] as const;

interface Marker {
  /** Where what was there goes, from the data directory. */
  safety: string;
}

/**
 * Puts what is made ready in the place of what there is, which goes to `safety`. Whole or not at all: what was decided
 * is written down first, and whoever takes the data directory after a crash goes on with it (`finishSwap`).
 * @param safety the path, from the data directory, of a folder that does not exist yet
 */
export async function swapIn(dataDir: string, safety: string): Promise<void> {
  await writeWhole(markerOf(dataDir), JSON.stringify({ safety } satisfies Marker));
  finishSwap(dataDir);
}

/** Goes on with a swap that was decided on, if there is one. For whoever holds the data directory. */
export function finishSwap(dataDir: string): void {
  const marker = markerOf(dataDir);
  if (!existsSync(marker)) return;
  const safety = join(dataDir, (JSON.parse(readFileSync(marker, "utf8")) as Marker).safety);
  mkdirSync(safety, { recursive: true, mode: 0o700 });
  for (const name of swapped) swapOne(dataDir, safety, name);
  for (const folder of [dirname(safety), safety, dataDir]) syncFolder(folder);
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
