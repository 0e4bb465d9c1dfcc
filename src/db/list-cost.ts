import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import type { Field, Fields, Filter, ListRequest, Operator } from "../list";
import type { TableName } from "./rows";
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

const tableNamed: Readonly<Record<TableName, PgTable>> = tables;
const leading = new Map<TableName, ReadonlySet<string>>();

/** The columns of a table that an index starts with; both engines have the same indexes. */
function leadingColumns(table: TableName): ReadonlySet<string> {
  let columns = leading.get(table);
  if (!columns) {
    const { indexes } = getTableConfig(tableNamed[table]);
    const whole = indexes.filter(({ config }) => config.where === undefined);
    columns = new Set(whole.map(({ config }) => (config.columns[0] as { name: string }).name));
    leading.set(table, columns);
  }
  return columns;
}
