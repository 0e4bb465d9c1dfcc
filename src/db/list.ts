import { and, sql, type Column, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { encodeCursor, isNullable, type Fields, type ListRequest, type ListResult } from "../list";
import { hotByShape, type Query, type Row, type Shape } from "./hot";
import { bindFilters, filterConditions, filterShape, type ListParams } from "./list-filters";
import { merge } from "./list-merge";
import { idName, keyName, Order, type Segment } from "./list-order";
import { mayTakeLong } from "./list-cost";
import { settled, type ListScope, type SettledScope } from "./list-scope";
import type { Session, Store } from "./store";
import type { Tables } from "./tables";

export { pageOf } from "../list";
export type { ListScope } from "./list-scope";

/** What can be listed: the rows of the table that the fields are of. */
export interface Resource<Item> {
  fields: Fields;
  /** What a row has, under its column's name, `id` among them; or an expression, for what stands in another table. */
  columns: (t: Tables) => Record<keyof Item & string, Column | SQL>;
}

const countedAtMost = 1_000;
const pages = hotByShape<Row>(512);
const counts = hotByShape<{ total: number }>();

/**
 * One page of a list, and as much of a count as the request asks for.
 * @param scopes what the list holds: records that are in one of them, and none in two
 */
export async function listPage<Item extends object>(
  store: Pick<Store, "read" | "aside">,
  resource: Resource<Item>,
  request: ListRequest,
  scopes: readonly ListScope[],
): Promise<ListResult<Item>> {
  const lists = await Promise.all(
    scopes.map((scope) => openList(store, resource as Resource<object>, request, scope)),
  );
  const [list] = lists as [List];
  const wanted = request.limit + 1;
  const rows =
    lists.length === 1 ? await list.rows(wanted) : await mergedRows(lists, resource.fields, request);
  const hasMore = rows.length > request.limit;
  if (hasMore) rows.pop();
  const nextCursor = hasMore ? list.cursorAfter(rows.at(-1)!) : null;
  const atEnd = hasMore || lists.length > 1 ? null : rows.length;
  const total = totalOf(await Promise.all(lists.map((each) => each.count(atEnd))), request);
  return { rows: list.withoutKeys(rows) as Item[], nextCursor, ...total };
}

async function openList(
  store: Pick<Store, "read" | "aside">,
  resource: Resource<object>,
  request: ListRequest,
  scope: ListScope,
): Promise<List> {
  const from = await settled(store, resource.fields.resource, scope);
  const isQuick = from.isFew || (!from.own && !from.isSparse && !mayTakeLong(resource.fields, request));
  return new List(isQuick ? store.read : store.aside(scope.caller), resource, request, from);
}

/** Each list gives what the page might need of it: no index has the records of several in one order. */
async function mergedRows(lists: List[], fields: Fields, request: ListRequest): Promise<Row[]> {
  const offset = offsetOf(request);
  const wanted = offset + request.limit + 1;
  const parts = await Promise.all(lists.map((list) => list.rows(wanted, 0)));
  return merge(parts, fields, request.sort).slice(offset, wanted);
}

const offsetOf = ({ page, limit }: ListRequest) => ((page ?? 1) - 1) * limit;

function totalOf(totals: (number | null)[], { count }: ListRequest) {
  const total = totals.reduce<number | null>(
    (sum, each) => (sum === null || each === null ? null : sum + each),
    0,
  );
  const isCapped = count === "capped" && total !== null && total > countedAtMost;
  return { total: isCapped ? countedAtMost : total, totalCapped: isCapped };
}

/** One request for a list on its way through the database. */
class List {
  readonly #args: Row;
  readonly #filters: string;

  constructor(
    private readonly session: Session,
    private readonly resource: Resource<object>,
    private readonly request: ListRequest,
    private readonly scope: SettledScope,
  ) {
    this.#args = { ...scope.args };
    bindFilters(request.filters, this.#args);
    this.#filters = filterShape(request.filters);
  }

  /** At most `wanted` rows from where the request starts, or from `offset`. */
  async rows(wanted: number, offset = offsetOf(this.request)): Promise<Row[]> {
    const { after, sort } = this.request;
    if (!isNullable(this.resource.fields.byName.get(sort[0]!.field)!)) {
      return this.#segment("whole", wanted, offset);
    }
    if (after && after.values[0] === null) return this.#segment("missing", wanted, 0);
    const present = await this.#segment("present", wanted, offset);
    if (present.length === wanted) return present;
    const start = present.length > 0 || offset === 0 ? 0 : offset - (await this.#count("present", offset));
    const missing = await this.#segment("missing", wanted - present.length, start);
    return present.concat(missing);
  }

  /**
   * How many records there are: beyond what is counted at most, one more than that; null when nobody asked.
   * @param atEnd how many rows the page has, when it is the last one; then they need not be counted
   */
  async count(atEnd: number | null): Promise<number | null> {
    const { count, page } = this.request;
    if (count === "none") return null;
    const isKnown = atEnd !== null && (page === 1 || (page !== null && atEnd > 0));
    if (isKnown) return offsetOf(this.request) + atEnd;
    return this.#count("whole", count === "capped" ? countedAtMost + 1 : null);
  }

  cursorAfter(row: Row): string {
    const values = this.request.sort.map(({ field }, i) => {
      const alias = keyName(i);
      return row[alias in row ? alias : this.resource.fields.byName.get(field)!.column];
    });
    return encodeCursor(this.request, { values: values as (string | number | null)[], id: row.id as string });
  }

  /** Takes off the values that were read for the cursor alone. */
  withoutKeys(rows: Row[]): Row[] {
    this.request.sort.forEach((_, i) => {
      const alias = keyName(i);
      if (rows.length > 0 && alias in rows[0]!) for (const row of rows) delete row[alias];
    });
    return rows;
  }

  #segment(segment: Segment, wanted: number, offset: number): Promise<Row[]> {
    const { sort, after } = this.request;
    // The segment of those without the key starts anew when the page began among those with it.
    const start = segment === "missing" && after?.values[0] !== null ? null : after;
    const startsAtNull = start?.values.map((value) => value === null);
    const args: Row = { ...this.#args, list_limit: wanted, list_offset: offset, [idName]: start?.id };
    start?.values.forEach((value, i) => (args[keyName(i)] = value));
    const order = sort.map(({ field, descending }) => (descending ? `-${field}` : field)).join();
    return pages.all(
      this.session,
      this.#shape(`${order}|${segment}|${startsAtNull?.map(Number).join("") ?? ""}|${offset > 0}`),
      (shape, p) => this.#pageQuery(shape, p, segment, startsAtNull, offset > 0),
      args,
    );
  }

  #pageQuery(
    shape: Shape,
    p: ListParams,
    segment: Segment,
    startsAtNull: boolean[] | undefined,
    skips: boolean,
  ): Query<Row> {
    const { resource, request } = this;
    const table: PgTable = shape.t[resource.fields.resource];
    const order = new Order(
      table,
      resource.fields,
      request.sort,
      segment,
      startsAtNull,
      this.#unindexed(shape),
    );
    const columns: Record<string, Column | SQL> = resource.columns(shape.t);
    const extra = Object.entries(order.columns).filter(([, column]) => !(column.name in columns));
    const query = shape.q
      .select({ ...columns, ...Object.fromEntries(extra) } as never)
      .from(table)
      .where(and(...this.#conditions(shape, p), order.condition(p)))
      .orderBy(...order.by())
      .limit(p.list_limit!);
    return (skips ? query.offset(p.list_offset!) : query) as unknown as Query<Row>;
  }

  async #count(segment: "whole" | "present", limit: number | null): Promise<number> {
    const build = (shape: Shape, p: ListParams) => {
      const { resource, request } = this;
      const table: PgTable = shape.t[resource.fields.resource];
      const order = new Order(
        table,
        resource.fields,
        request.sort,
        segment,
        undefined,
        this.#unindexed(shape),
      );
      const matching = shape.q
        .select({ one: sql`1`.as("one") })
        .from(table)
        .where(and(...this.#conditions(shape, p), order.condition(p)));
      const counted = (limit === null ? matching : matching.limit(p.list_limit!)).as("counted");
      return shape.q.select({ total: sql<number>`count(*)`.mapWith(Number) }).from(counted);
    };
    // Only the first key decides who is in the segment.
    const key = segment === "present" ? this.request.sort[0]!.field : "";
    const shapeKey = this.#shape(`${key}|${limit !== null}`);
    const [row] = await counts.all(this.session, shapeKey, build, { ...this.#args, list_limit: limit });
    return row!.total;
  }

  #conditions(shape: Shape, p: ListParams): (SQL | undefined)[] {
    const { resource, request, scope } = this;
    const table: PgTable = shape.t[resource.fields.resource];
    const filters = filterConditions(shape, p, table, resource.fields, request.filters);
    return [scope.where(shape, p), ...filters];
  }

  /** Few records are found first and sorted then: no index of the order is to lead away from them. */
  #unindexed({ dialect }: Shape) {
    return this.scope.isFew ? dialect.unindexed : undefined;
  }

  #shape(rest: string) {
    return `${this.resource.fields.resource}|${this.#filters}|${rest}|${this.scope.shape}`;
  }
}
