import type { PgTable } from "drizzle-orm/pg-core";
import type { Fields, ListRequest } from "../list";
import { describedIndexes, tables } from "./described";
import type { TableName } from "./rows";

/** So many records are passed over quickly. */
const fewSkipped = 1_000;

/**
 * Whether a list may have to look at many records to find a few, so that it must not run on the event loop. Quick is
 * only what one index gives in order: live records by one sort key, or by one after an equality on one field.
 * @param within the column in which all records of the list have one value, where they do
 */
export function mayTakeLong(fields: Fields, request: ListRequest, within?: string): boolean {
  const { count, deleted, page, limit } = request;
  if (count === "exact" || deleted !== "none") return true;
  if (page !== null && (page - 1) * limit > fewSkipped) return true;
  return !isInOrder(fields, request, within);
}

/** Whether one index gives these records in this order: all by one sort key, or by one after an equality on one field. */
export function isInOrder(
  { resource, byName }: Fields,
  { filters, sort }: Pick<ListRequest, "filters" | "sort">,
  within?: string,
): boolean {
  if (sort.length > 1 || filters.length > 1 || filters.some(({ op }) => op !== "eq")) return false;
  const keys = [...filters, ...sort].map(({ field }) => byName.get(field)!);
  if (keys.some(({ via }) => via !== undefined)) return false;
  const columns = keys.map(({ column }) => column);
  return indexesOf(resource).has([...(within ? [within] : []), ...new Set(columns), "id"].join());
}

/** Whether an index leads to the records with certain values in `column`. */
export const hasIndex = (resource: TableName, column: string): boolean =>
  [...indexesOf(resource)].some((columns) => columns.split(",", 1)[0] === column);

/** Whether an index has the records with one value in `column` in the order of `key`. */
export const isOrderedWithin = (resource: TableName, column: string, key: string): boolean =>
  indexesOf(resource).has([column, key, "id"].join());

const tableNamed: Readonly<Record<TableName, PgTable>> = tables;
const indexes = new Map<TableName, ReadonlySet<string>>();

/**
 * The columns of each index over the live records of a table, joined; both engines have the same indexes. Behind an id there is no
 * order any more: what stands there is only read.
 */
function indexesOf(table: TableName): ReadonlySet<string> {
  let known = indexes.get(table);
  if (!known) {
    const live = describedIndexes(tableNamed[table]).filter(
      ({ where }) => where === undefined || where === "deleted_at is null",
    );
    known = new Set(
      live.map(({ columns }) =>
        (columns.includes("id") ? columns.slice(0, columns.indexOf("id") + 1) : columns).join(),
      ),
    );
    indexes.set(table, known);
  }
  return known;
}
