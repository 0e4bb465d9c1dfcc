import { fold } from "../../text";
import type { Facet, FacetName, SearchResult, SearchType } from "./schema";

/** Values that are counted together: they are the same to a filter. */
interface Group {
  value: string | null;
  count: number;
}

/** Values of each facet at most, the commonest. */
const mostValues = 50;
const fromColumns = ["status", "priority", "industry", "assigned_to", "tags", "file_type"] as const;

/** Counts the values of what was found. */
export function facetsOf(
  found: readonly { type: SearchType; rows: readonly Record<string, unknown>[] }[],
): SearchResult["facets"] {
  /** Many records have the same tags: read once. */
  const lists = new Map<string, string[]>();
  const facets = Object.fromEntries(
    fromColumns.map((name) => [
      name,
      count(found.flatMap(({ rows }) => rows.flatMap((row) => valuesIn(row, name, lists)))),
    ]),
  ) as Record<Exclude<FacetName, "type">, Facet>;
  const type = found
    .filter(({ rows }) => rows.length > 0)
    .map(({ type, rows }) => ({ value: type, count: rows.length }));
  return { type, ...facets };
}

/** A record without the column has no value in it, not even none. A tag counts once, however it was typed. */
function valuesIn(
  row: Record<string, unknown>,
  name: string,
  lists: Map<string, string[]>,
): (string | null)[] {
  if (!(name in row)) return [];
  const value = row[name] as string | null | string[];
  if (name !== "tags") return [value as string | null];
  return typeof value === "string"
    ? lists.getOrInsertComputed(value, (json) => distinct(JSON.parse(json)))
    : distinct(value!);
}

const distinct = (tags: string[]) => [...new Map(tags.map((tag) => [fold(tag), tag])).values()];

function count(values: readonly (string | null)[]): Facet {
  const groups = new Map<string | null, Group>();
  const keys = new Map<string, string>();
  for (const value of values) {
    const key = value === null ? null : keys.getOrInsertComputed(value, fold);
    const group = groups.get(key);
    if (group) group.count++;
    else groups.set(key, { value, count: 1 });
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count).slice(0, mostValues);
}
