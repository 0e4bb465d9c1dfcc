import {
  and,
  eq,
  gt,
  gte,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  or,
  sql,
  type Column,
  type SQL,
} from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { isNullable, queryOf, type Field, type Fields, type Filter } from "../list";
import type { Params, Row, Shape } from "./hot";
import { bindSearch, searchCondition, searchShape } from "./search";
import type { ListScope, Sieve } from "./list-scope";
import { searchedTable } from "./search-engine";

/** Values go into a query under these names only, so that the SQL follows from fields and operators. */
export type ListParams = Params<Record<string, unknown>>;

/** Sorts after every text that starts with what it is appended to. */
const lastCharacter = "\u{10ffff}";

/** Everything about the filters that stands in the SQL. */
export const filterShape = (filters: readonly Filter[]): string =>
  filters
    .map((filter) => {
      const { field, op, values, anyOf } = filter;
      if (anyOf) return `any(${anyOf.map(filterShape).join("|")})`;
      if (op === "search") return `${op} ${searchShape(queryOf(filter))}`;
      return `${field}.${op}${op === "is_null" ? values[0] : ""}`;
    })
    .join();

/** Adds the values of the filters to the arguments of a query. @param within the group that they are in */
export function bindFilters(filters: readonly Filter[], args: Row, within = ""): void {
  filters.forEach((filter, place) => {
    const { op, values, anyOf } = filter;
    const i = within + place;
    if (anyOf) anyOf.forEach((group, g) => bindFilters(group, args, `${i}_${g}_`));
    else if (op === "search") bindSearch(queryOf(filter), args);
    else if (op === "in" || op === "nin" || op === "all") {
      args[`list_f${i}`] = JSON.stringify(values);
      args[`list_f${i}_size`] = values.length;
    } else {
      args[`list_f${i}`] = values[0];
      args[`list_f${i}_end`] = op === "starts_with" ? `${values[0]}${lastCharacter}` : values[1];
    }
  });
}

/** What filters are conditions of: the records of a list, and what the caller may see of those that they point to. */
export interface Filtered {
  fields: Fields;
  scope: Pick<ListScope, "related">;
}

/**
 * The filters as conditions; their arguments are those of `bindFilters`.
 * @param leads whether an index may lead to the records that a filter lets through
 */
export function filterConditions(
  shape: Shape,
  p: ListParams,
  filtered: Filtered,
  filters: readonly Filter[],
  leads: (filter: Filter) => boolean = () => true,
  within = "",
): SQL[] {
  const { fields } = filtered;
  return filters.map((filter, place) => {
    const i = within + place;
    if (filter.anyOf) {
      const groups = filter.anyOf.map((group, g) =>
        and(...filterConditions(shape, p, filtered, group, () => true, `${i}_${g}_`)),
      );
      const any = or(...groups)!;
      return leads(filter) ? any : shape.dialect.unindexed(any);
    }
    if (filter.op === "search") return searchCondition(shape, p, searchedTable(fields), queryOf(filter));
    const field = fields.byName.get(filter.field)!;
    const condition = field.via
      ? conditionAcross(shape, p, filtered, field.via, filter, i)
      : filterCondition(shape, p, shape.t[fields.resource], field, filter, i);
    return leads(filter) ? condition : shape.dialect.unindexed(condition);
  });
}

/**
 * A condition on the record that one of the list's points to, which the caller has to see: of what they may not, and of none, no
 * condition is met, whatever it says. So nothing can be learnt by asking, not even by the opposite.
 */
function conditionAcross(
  shape: Shape,
  p: ListParams,
  { fields, scope }: Filtered,
  { relation, field }: NonNullable<Field["via"]>,
  filter: Filter,
  i: string,
): SQL {
  const { key, fields: others } = fields.relations.get(relation)!;
  const seen = scope.related?.[relation];
  if (!seen) throw new Error(`Nothing says which ${others.resource} the caller of a list may see.`);
  const table: PgTable = shape.t[others.resource];
  const isIt = eq(columnOf(table, "id"), columnOf(shape.t[fields.resource], key));
  const condition = filterCondition(shape, p, table, others.byName.get(field)!, filter, i);
  return sql`exists (select 1 from ${table} where ${and(isIt, seen.where(shape, p), condition)})`;
}

/** The filters of a list as one condition, for records that are found without them. */
export function sieveOf(fields: Fields, filters: readonly Filter[], scope: Filtered["scope"]): Sieve {
  const args: Row = {};
  bindFilters(filters, args);
  return {
    shape: filterShape(filters),
    args,
    where: (shape, p) => and(...filterConditions(shape, p, { fields, scope }, filters, () => false)),
  };
}

/** One filter on a field of `table` itself; its arguments are those of `bindFilters`, at place `i`. */
export function filterCondition(
  shape: Shape,
  p: ListParams,
  table: PgTable,
  field: Field,
  filter: Filter,
  i: string,
): SQL {
  const value = p[`list_f${i}`]!;
  const further = p[filter.op === "all" ? `list_f${i}_size` : `list_f${i}_end`]!;
  switch (field.type) {
    case "tags":
      return tagCondition(shape, field, columnOf(table, "id"), filter, value, further);
    case "reference":
      return referenceCondition(shape, field, columnOf(table, field.column), filter, value);
    case "keys": {
      const has = shape.dialect.hasKey(columnOf(table, field.column), value);
      return filter.op === "ne" ? sql`not ${has}` : has;
    }
    default:
      return columnCondition(shape, columnOfField(table, field), filter, value, further)!;
  }
}

/** The column that a field is compared and sorted by. */
export function columnOfField(table: PgTable, field: Field): Column {
  const column = columnOf(table, field.column);
  if (isNullable(field) === !column.notNull) return column;
  throw new Error(`The field "${field.name}" and its column disagree on whether it may be null.`);
}

/** @throws Error when there is no such column */
export function columnOf(table: PgTable, name: string): Column {
  // A table is also a record of its columns; what is not one of them is told by the check below.
  const column = (table as unknown as Record<string, Column | undefined>)[name];
  if (!column) throw new Error(`There is no column "${name}" to make a list of.`);
  return column;
}

type Argument = ListParams[string];

/** Null is a value like any other for `ne` and `nin`: what has no company is not at Acme. */
function columnCondition(
  { dialect }: Shape,
  column: Column,
  { op, values }: Filter,
  value: Argument,
  end: Argument,
): SQL | undefined {
  switch (op) {
    case "eq":
      return eq(column, value);
    case "ne":
      return column.notNull ? ne(column, value) : dialect.isDistinct(column, value);
    case "in":
      return dialect.isAmong(column, value);
    case "nin": {
      const others = sql`not ${dialect.isAmong(column, value)}`;
      return column.notNull ? others : or(isNull(column), others);
    }
    case "lt":
      return lt(column, value);
    case "lte":
      return lte(column, value);
    case "gt":
      return gt(column, value);
    case "gte":
      return gte(column, value);
    case "between":
      return and(gte(column, value), lte(column, end));
    case "starts_with":
      return and(gte(column, value), lt(column, end));
    case "contains":
      return dialect.contains(column, value);
    case "is_null":
      return values[0] ? isNull(column) : isNotNull(column);
    case "search":
      throw new Error(`"search" is for records.`);
    case "all":
      throw new Error(`"all" is for fields with several values.`);
  }
}

/** A condition on the row that the record points to. */
function referenceCondition(
  shape: Shape,
  field: Field & { type: "reference" },
  pointer: Column,
  filter: Filter,
  value: Argument,
): SQL {
  const { table, id, name } = field.through(shape.t);
  const condition = columnCondition(shape, name, filter, value, value);
  return sql`exists (select 1 from ${table} where ${and(eq(id, pointer), condition)})`;
}

/** Conditions on the rows of the tags' own table, which has one for each tag of a record. */
function tagCondition(
  shape: Shape,
  field: Field & { type: "tags" },
  id: Column,
  { op, values }: Filter,
  value: Argument,
  size: Argument,
): SQL {
  const { table, record, key } = field.through(shape.t);
  const having = (condition: SQL | undefined) =>
    sql`exists (select 1 from ${table} where ${and(eq(record, id), condition)})`;
  const among = () => shape.dialect.isAmong(key, value);
  switch (op) {
    case "eq":
      return having(eq(key, value));
    case "ne":
      return sql`not ${having(eq(key, value))}`;
    case "in":
      return having(among());
    case "nin":
      return sql`not ${having(among())}`;
    case "all":
      return sql`(select count(*) from ${table} where ${and(eq(record, id), among())}) = ${size}`;
    case "is_null":
      return values[0] ? sql`not ${having(undefined)}` : having(undefined);
    default:
      throw new Error(`Tags have no operator "${op}".`);
  }
}
