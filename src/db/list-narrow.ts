import { and, eq, isNull, sql, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Field, Fields, Filter } from "../list";
import { hotByShape, type Row, type Shape } from "./hot";
import { hasIndex } from "./list-cost";
import {
  bindFilters,
  columnOf,
  columnOfField,
  filterCondition,
  filterConditions,
  filterShape,
  type ListParams,
} from "./list-filters";
import type { Lead, SettledScope } from "./list-scope";
import type { Session } from "./store";

/**
 * So many records are found one by one and sorted in a few milliseconds. Where there are more, a walk in the order of the
 * list soon meets enough of them for a page, unless they all stand at its end.
 */
const mostGathered = 2_000;
/** An index with more entries for a filter leads to so many records that reading each of them takes long. */
const mostEntries = 10_000;

const gathered = hotByShape<{ ids: string; total: number }>();
const sizes = hotByShape<Record<string, number>>();

/**
 * Looks how many records the filters let through, in the index of one of them. If they are few, the scope becomes these;
 * if not, it stays, and the list is walked in its order. A planner that knows only averages, or nothing about what a
 * text contains, takes the wrong one of the two ways.
 * @param most so many are few
 */
export async function narrowed(
  session: Session,
  fields: Fields,
  filters: readonly Filter[],
  scope: SettledScope,
  most = mostGathered,
): Promise<SettledScope> {
  const lead = await leadOf(session, fields, filters);
  if (!lead) return scope;
  const field = fields.byName.get(lead.filter.field);
  if (lead.isLong && field?.type === "tags" && !field.via) {
    // Tags stand in a table of their own, which no index of the records can be compared with.
    const searched = filters.find((filter) => isSearch(filter) && isIndexed(fields, filter));
    const alone = searched && (await narrowed(session, fields, [searched], scope));
    if (alone?.isFew) return { ...alone, matching: undefined };
  }
  const args: Row = { ...scope.args, list_limit: most + 1 };
  bindFilters(filters, args);
  const [found] = await gathered.all(
    session,
    `${fields.resource}|${filterShape(filters)}|${leadShape(filters, lead)}|${scope.shape}`,
    (shape, p) =>
      shape.q
        .select({
          ids: sql<string>`${shape.dialect.gathered(sql`id`)}`,
          total: sql<number>`count(*)`.mapWith(Number),
        })
        .from(sql`(${matching(shape, p, fields, filters, lead, scope)}) as matching`) as never,
    args,
  );
  const { ids, total } = found!;
  if (total > most) return { ...scope, matching: total, lead };
  return {
    ...scope,
    ...{ isFew: true, matching: total, shape: `${scope.shape} gathered` },
    args: { ...scope.args, list_ids: ids },
    where: (shape, p) => {
      const id = columnOf(shape.t[fields.resource], "id");
      const isInScope = scope.where(shape, p);
      return and(shape.dialect.isAmong(id, p.list_ids!), isInScope && shape.dialect.unindexed(isInScope));
    },
  };
}

/** Everything about a lead that stands in the SQL. */
export const leadShape = (filters: readonly Filter[], { filter, isLong }: Lead) =>
  `${filters.indexOf(filter)}${isLong ? " long" : ""}`;

/** The ids of the records in a scope that all filters let through, as a statement, found in the index of `lead`. */
export function matching(
  shape: Shape,
  p: ListParams,
  fields: Fields,
  filters: readonly Filter[],
  lead: Lead,
  scope: SettledScope,
): SQL {
  if (lead.branches) {
    const each = lead.branches.map((branch) => matching(shape, p, fields, filters, branch, scope));
    // A record may be in several groups. The limit is that of each by itself.
    return sql`${sql.join(
      each.map((found) => sql`select id from (${found}) as branch`),
      sql` union `,
    )}`;
  }
  const table: PgTable = shape.t[fields.resource];
  const id = columnOf(table, "id");
  const field = fields.byName.get(lead.filter.field)!;
  const others = othersThan(lead, shape, p, fields, filters, scope);
  if (field.via) return matchingAcross(shape, p, fields, filters, lead, scope);
  if (field.type !== "tags") {
    const condition = conditionOf(lead, shape, p, fields);
    const isOnePlace = onePlace.has(lead.filter.op);
    const where = and(
      scope.where(shape, p),
      isOnePlace ? shape.dialect.rare(condition) : condition,
      ...others,
    );
    // An order keeps the engine in the index, and PostgreSQL out of the records: of those it expects far too many.
    const goesThere = isOnePlace || (filters.length > 1 && shape.dialect.choosesIndexes);
    const along = goesThere ? sql`` : sql` order by ${columnOfField(table, field)}`;
    return sql`select ${id} as id from ${table} where ${where}${along} limit ${p.list_limit}`;
  }
  const { table: tags, record } = field.through(shape.t);
  const where = and(
    ...[eq(id, record), scope.where(shape, p), ...others],
    lead.filter.op === "all" ? conditionOf(lead, shape, p, fields) : undefined,
  );
  // Asked of each record by itself: joined, SQLite would read the whole table first.
  const isMatching = shape.dialect.unindexed(sql`exists (select 1 from ${table} where ${where})`);
  const distinct = lead.filter.op === "in" ? sql`distinct ` : sql``;
  return sql`select ${distinct}${record} as id from ${tags} where ${entriesOf(shape, p, fields, lead)} and ${isMatching} limit ${p.list_limit}`;
}

/** The same by way of the records that these point to, which are found first; what of them the caller sees is asked of each. */
function matchingAcross(
  shape: Shape,
  p: ListParams,
  fields: Fields,
  filters: readonly Filter[],
  lead: Lead,
  scope: SettledScope,
): SQL {
  const { filter } = lead;
  const table: PgTable = shape.t[fields.resource];
  const { field, fields: others } = homeOf(fields, filter);
  const { relation } = fields.byName.get(filter.field)!.via!;
  const pointer = columnOf(table, fields.relations.get(relation)!.key);
  const from: PgTable = shape.t[others.resource];
  const { table: source, record } =
    field.type === "tags" ? field.through(shape.t) : { table: from, record: columnOf(from, "id") };
  const where = and(
    ...[entriesOf(shape, p, fields, lead), shape.dialect.rare(eq(pointer, record)), scope.where(shape, p)],
    // Whether the caller sees the record that it leads by is asked with all the others.
    ...filterConditions(shape, p, { fields, scope }, filters).map((each) => shape.dialect.unindexed(each)),
  );
  // What has no index of its own is looked for along one that all of them are in.
  const order = isByIndex(fields, filter) ? field : others.byName.get(others.defaultSort[0]!.field)!;
  const isOnePlace = field.type === "tags" || (order === field && onePlace.has(filter.op));
  const along = isOnePlace ? sql`` : sql` order by ${columnOfField(from, order)}`;
  const distinct = field.type === "tags" && filter.op === "in" ? sql`distinct ` : sql``;
  return sql`select ${distinct}${columnOf(table, "id")} as id from ${source} cross join ${table} where ${where}${along} limit ${p.list_limit}`;
}

/** Where a filter's field stands: among those of the list's records, or of the ones that they point to. */
function homeOf(fields: Fields, { field: name }: Filter): { field: Field; fields: Fields } {
  const field = fields.byName.get(name)!;
  if (!field.via) return { field, fields };
  const others = fields.relations.get(field.via.relation)!.fields;
  return { field: others.byName.get(field.via.field)!, fields: others };
}

/** Operators that lead to single places of an index, where an order adds nothing. */
const onePlace: ReadonlySet<string> = new Set(["eq", "in", "is_null"]);

/** The conditions of the other filters, out of whose indexes the engine is to stay. */
function othersThan(
  lead: Lead,
  shape: Shape,
  p: ListParams,
  fields: Fields,
  filters: readonly Filter[],
  scope: SettledScope,
): SQL[] {
  const table: PgTable = shape.t[fields.resource];
  const conditions = filterConditions(shape, p, { fields, scope }, filters);
  return filters.flatMap((filter, i) => {
    if (filter === lead.filter) return [];
    const condition = conditions[i]!;
    const isSearched = lead.isLong && isSearch(filter) && isIndexed(fields, filter);
    const field = fields.byName.get(filter.field);
    if (!isSearched || !field || field.via) return shape.dialect.unindexed(condition);
    const column = columnOfField(table, field);
    return shape.dialect.fromIndex(
      table,
      column,
      entriesOf(shape, p, fields, leadBy(fields, filter, String(i))),
    );
  });
}

/** The filter whose index is to lead to the records; none where no filter has an index. */
async function leadOf(
  session: Session,
  fields: Fields,
  filters: readonly Filter[],
): Promise<Lead | undefined> {
  const indexed = filters
    .map((filter, i) => ({ filter, at: String(i) }))
    .filter(({ filter }) => isIndexed(fields, filter))
    .map(({ filter, at }) => leadBy(fields, filter, at));
  const sized = indexed.filter((lead) => !readsWhole(fields, lead));
  if (indexed.length < 2 || sized.length === 0)
    return indexed.find(({ filter }) => filter.anyOf || isByIndex(fields, filter)) ?? indexed[0];
  const args: Row = { list_limit: mostEntries + 1 };
  bindFilters(filters, args);
  const [found] = await sizes.all(
    session,
    `${fields.resource}|${filterShape(filters)}`,
    (shape, p) => {
      const each = sized.map((lead, i) => [`size${i}`, sizeOf(shape, p, fields, lead).mapWith(Number)]);
      return shape.q.select(Object.fromEntries(each)).from(sql`(select 1) as once`) as never;
    },
    args,
  );
  const entries = sized.map((_, i) => found![`size${i}`]!);
  const least = Math.min(...entries);
  return { ...sized[entries.indexOf(least)]!, isLong: least > mostEntries };
}

function leadBy(fields: Fields, filter: Filter, at: string): Lead {
  return {
    filter,
    at,
    isLong: false,
    ...(filter.anyOf && { branches: branchesOf(fields, filter.anyOf, at) }),
  };
}

/** What leads to the records of each group: of its filters with an index, the one that most likely leads to the fewest. */
function branchesOf(fields: Fields, groups: readonly (readonly Filter[])[], at: string): Lead[] {
  return groups.flatMap((group, g) => {
    const indexed = group
      .map((filter, i) => ({ filter, at: `${at}_${g}_${i}` }))
      .filter(({ filter }) => isIndexed(fields, filter));
    const { filter, at: place } = indexed.toSorted(
      (a, b) => breadth(fields, a.filter) - breadth(fields, b.filter),
    )[0]!;
    const lead = leadBy(fields, filter, place);
    return lead.branches ?? [lead];
  });
}

function breadth(fields: Fields, filter: Filter): number {
  if (filter.anyOf) return 1;
  if (!isByIndex(fields, filter)) return 3;
  return onePlace.has(filter.op) ? 0 : isSearch(filter) ? 2 : 1;
}

/** The whole index has to be read for it, until enough is found. */
const readsWhole = (fields: Fields, { filter, branches }: Lead): boolean =>
  branches
    ? branches.some((branch) => readsWhole(fields, branch))
    : isSearch(filter) || !isByIndex(fields, filter);

function sizeOf(shape: Shape, p: ListParams, fields: Fields, lead: Lead): SQL<number> {
  if (lead.branches)
    return sql`${sql.join(
      lead.branches.map((branch) => sizeOf(shape, p, fields, branch)),
      sql` + `,
    )}`;
  const { field, fields: own } = homeOf(fields, lead.filter);
  const table = field.type === "tags" ? field.through(shape.t).table : shape.t[own.resource];
  const entries = sql`select 1 from ${table} where ${entriesOf(shape, p, fields, lead)} limit ${p.list_limit}`;
  return sql`(select count(*) from (${entries}) as entries)`;
}

/** The condition on the entries of the index that leads to what one filter lets through. */
function entriesOf(shape: Shape, p: ListParams, fields: Fields, lead: Lead): SQL {
  const { filter, at } = lead;
  const { field, fields: own } = homeOf(fields, filter);
  if (field.type === "tags") return tagsEntries(shape, p, field, filter, p[`list_f${at}`]!);
  const condition = conditionOf(lead, shape, p, fields);
  return own.softDeleted ? and(isNull(columnOf(shape.t[own.resource], "deleted_at")), condition)! : condition;
}

/** Who is to have several tags is looked for among those who have the rarest of them. */
function tagsEntries(
  { t, dialect }: Shape,
  p: ListParams,
  field: Field & { type: "tags" },
  { op }: Filter,
  value: ListParams[string],
): SQL {
  const { table, key } = field.through(t);
  if (op === "eq") return eq(key, value);
  if (op === "in") return dialect.isAmong(key, value);
  const frequency = sql`(select count(*) from (select 1 from ${table} where ${key} = value limit ${p.list_limit}) as tagged)`;
  return sql`${key} = (select value from ${dialect.each(value)} order by ${frequency} limit 1)`;
}

/** The condition of one filter on the records that have its field. */
function conditionOf({ filter, at }: Lead, shape: Shape, p: ListParams, fields: Fields): SQL {
  const { field, fields: own } = homeOf(fields, filter);
  return filterCondition(shape, p, shape.t[own.resource], field, filter, at);
}

const isSearch = ({ op }: Filter) => op === "contains";

/** Whether a filter leads to records in fewer steps than looking at all of them. */
function isIndexed(fields: Fields, filter: Filter): boolean {
  const { op, anyOf } = filter;
  if (anyOf) return anyOf.every((group) => group.some((each) => isIndexed(fields, each)));
  const { field } = homeOf(fields, filter);
  if (field.type === "tags") return op === "eq" || op === "in" || op === "all";
  if (field.type === "reference" || op === "ne" || op === "nin") return false;
  // Those that the records point to are fewer than these: all of them are looked at sooner than what each of these points to.
  return isByIndex(fields, filter) || fields.byName.get(filter.field)!.via !== undefined;
}

/** Whether an index has the values that a filter is about. */
function isByIndex(fields: Fields, filter: Filter): boolean {
  const { field, fields: own } = homeOf(fields, filter);
  return field.type === "tags" || hasIndex(own.resource, field.column);
}
