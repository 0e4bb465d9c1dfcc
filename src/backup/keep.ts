import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { day } from "../clock";
import { readBlobList } from "./blob-list";
import { backupsIn, names, timeOf } from "./manifest";

/** Of how many days, weeks and months the newest backup of each is kept; those of the last 24 hours all are. */
export interface KeepRules {
  daily: number;
  weekly: number;
  monthly: number;
}

const periods: Record<keyof KeepRules, (name: string) => string> = {
  daily: (name) => name.slice(0, 8),
  weekly: (name) => String(mondayOf(name)),
  monthly: (name) => name.slice(0, 6),
};

/** The Monday of a week, in days since 1970. */
function mondayOf(name: string): number {
  const days = Math.floor(timeOf(name) / day);
  // 1970-01-01 was a Thursday.
  return days - ((days + 3) % 7);
}

/** Those of the backups that the rules keep, seen from the newest. @param all names, in any order */
export function kept(all: readonly string[], rules: KeepRules): Set<string> {
  const newestFirst = all.toSorted().toReversed();
  const newest = timeOf(newestFirst[0] ?? "");
  const keep = new Set(newestFirst.filter((name) => newest - timeOf(name) < day));
  for (const [rule, periodOf] of Object.entries(periods)) {
    const seen = new Set<string>();
    for (const name of newestFirst) {
      const period = periodOf(name);
      if (seen.has(period) || seen.size >= rules[rule as keyof KeepRules]) continue;
      seen.add(period);
      keep.add(name);
    }
  }
  return keep;
}

/**
 * Removes the backups that the rules do not keep, and bytes that no backup has any more. For one process at a time.
 * @returns the names of the backups that are gone
 */
export async function prune(folder: string, rules: KeepRules): Promise<string[]> {
  const all = await backupsIn(folder);
  const keep = kept(
    all.map(({ name }) => name),
    rules,
  );
  const outdated = all.filter(({ name }) => !keep.has(name));
  // Its manifest goes first: what is left of it after a crash is no backup.
  for (const { path } of outdated) {
    await rm(join(path, names.manifest));
    await rm(path, { recursive: true });
  }
  if (outdated.length > 0) await removeStrays(folder);
  return outdated.map(({ name }) => name);
}

async function removeStrays(folder: string): Promise<void> {
  const wanted = new Set<string>();
  for (const { path } of await backupsIn(folder))
    for await (const hash of readBlobList(path)) wanted.add(hash);
  const shelves = join(folder, names.blobs);
  for (const shelf of await readdir(shelves).catch(() => []))
    for (const file of await readdir(join(shelves, shelf)))
      if (!wanted.has(file)) await rm(join(shelves, shelf, file));
}
