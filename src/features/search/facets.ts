import type { Group } from "../../db/search-find";
import { fold } from "../../text";
import type { Facet, FacetName, SearchResult, SearchType } from "./schema";

/** A value, and how many records have it. */
type Counted = Facet[number];

/** Values of each facet at most, the commonest. */
const mostValues = 50;
const fromColumns = ["status", "priority", "industry", "assigned_to", "tags", "file_type"] as const;

/** Counts the values of what was found. */
export function facetsOf(
  found: readonly { type: SearchType; groups: readonly Group[] }[],
): SearchResult["facets"] {
  const all = found.flatMap(({ groups }) => groups);
  const facets = Object.fromEntries(
    fromColumns.map((name) => [name, added(all.flatMap((group) => countedIn(group, name)))]),
  ) as Record<Exclude<FacetName, "type">, Facet>;
  const type = found
    .filter(({ groups }) => groups.length > 0)
    .map(({ type, groups }) => ({ value: type, count: groups.reduce((sum, { count }) => sum + count, 0) }));
  return { type, ...facets };
}

/** Records without the column have no value in it, not even none. A tag counts once, however it was typed. */
function countedIn({ count, values }: Group, name: string): Counted[] {
  if (!(name in values)) return [];
  const value = values[name] as string | null | string[];
  if (name !== "tags") return [{ value: value as string | null, count }];
  const tags: string[] = typeof value === "string" ? JSON.parse(value) : value!;
  return [...new Map(tags.map((tag) => [fold(tag), tag])).values()].map((value) => ({ value, count }));
}

/** Values that are the same to a filter count together, the commonest first. */
function added(values: readonly Counted[]): Facet {
  const sums = new Map<string | null, Counted>();
  const keys = new Map<string, string>();
  for (const { value, count } of values) {
    const key = value === null ? null : keys.getOrInsertComputed(value, fold);
    const sum = sums.get(key);
    if (sum) sum.count += count;
    else sums.set(key, { value, count });
  }
  return [...sums.values()].toSorted((a, b) => b.count - a.count).slice(0, mostValues);
}
