import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import type { Field, Fields, Filter, ListRequest, Operator } from "../http/list";
import * as tables from "./tables.postgres";

/** These look at every record, whatever index there is. */
const scanning = new Set<Operator>(["contains", "ne", "nin", "all"]);

/**
 * Whether a list may have to look at many records to find a few, so that it must not run on the event loop: it counts
 * exactly, or filters by something that no index leads to.
 */
export function mayTakeLong(fields: Fields, { filters, count, deleted }: ListRequest): boolean {
  if (count === "exact" || deleted === "with") return true;
  return filters.some((filter) => isScan(fields, fields.byName.get(filter.field)!, filter));
}

function isScan({ resource }: Fields, field: Field, { op }: Filter): boolean {
  return field.type === "tags" || scanning.has(op) || !leadingColumns(resource).has(field.column);
}

const leading = new Map<string, ReadonlySet<string>>();

/** The columns of a table that an index starts with; both engines have the same indexes. */
function leadingColumns(table: string): ReadonlySet<string> {
  let columns = leading.get(table);
  if (!columns) {
    const { indexes } = getTableConfig((tables as unknown as Record<string, PgTable>)[table]!);
    const whole = indexes.filter(({ config }) => config.where === undefined);
    columns = new Set(whole.map(({ config }) => (config.columns[0] as { name: string }).name));
    leading.set(table, columns);
  }
  return columns;
}
