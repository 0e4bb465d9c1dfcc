import { existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";

const memory = "/dev/shm";

/** PostgreSQL's data of a whole run, at most. */
const wantedBytes = 2 ** 30;

/**
 * Where tests keep what need not survive: in memory, where there is room. Half of the time of a test would be syncs and
 * new files; those that are about what survives use the disk.
 */
export const inMemory: string = hasRoom() ? memory : tmpdir();

function hasRoom(): boolean {
  if (!existsSync(memory)) return false;
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize >= wantedBytes;
}
