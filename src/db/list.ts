import { and, sql, type Column, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { encodeCursor, isNullable, type Fields, type ListRequest, type ListResult } from "../list";
import { hotByShape, type Query, type Row, type Shape } from "./hot";
import { bindFilters, filterConditions, filterShape, type ListParams } from "./list-filters";
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
  /** What a row has, under its column's name; `id` among them. */
  columns: (t: Tables) => Record<keyof Item & string, Column>;
}

const countedAtMost = 1_000;
const pages = hotByShape<Row>(512);
const counts = hotByShape<{ total: number }>();

/** One page of a list, and as much of a count as the request asks for. */
export async function listPage<Item extends object>(
  store: Pick<Store, "read" | "aside">,
  resource: Resource<Item>,
  request: ListRequest,
  scope: ListScope,
): Promise<ListResult<Item>> {
  const from = await settled(store, resource.fields.resource, scope);
  const isQuick = from.isFew || (!from.own && !mayTakeLong(resource.fields, request));
  const session = isQuick ? store.read : store.aside(scope.caller);
  const list = new List(session, resource as Resource<object>, request, from);
  const rows = await list.rows(request.limit + 1);
  const hasMore = rows.length > request.limit;
  if (hasMore) rows.pop();
  const nextCursor = hasMore ? list.cursorAfter(rows.at(-1)!) : null;
  const { total, totalCapped } = await list.total(hasMore ? null : rows.length);
  return { rows: list.withoutKeys(rows) as Item[], nextCursor, total, totalCapped };
}

/** One request for a list on its way through the database. */
class List {
  readonly #args: Row;
  readonly #filters: string;
  readonly #offset: number;

  constructor(
    private readonly session: Session,
    private readonly resource: Resource<object>,
    private readonly request: ListRequest,
    private readonly scope: SettledScope,
  ) {
    this.#args = { ...scope.args };
    bindFilters(request.filters, this.#args);
    this.#filters = filterShape(request.filters);
    this.#offset = ((request.page ?? 1) - 1) * request.limit;
  }

  /** At most `wanted` rows from where the request starts. */
  async rows(wanted: number): Promise<Row[]> {
    const { after, sort } = this.request;
    if (!isNullable(this.resource.fields.byName.get(sort[0]!.field)!)) {
      return this.#segment("whole", wanted, this.#offset);
    }
    if (after && after.values[0] === null) return this.#segment("missing", wanted, 0);
    const present = await this.#segment("present", wanted, this.#offset);
    if (present.length === wanted) return present;
    const start = present.length > 0 || this.#offset === 0 ? 0 : this.#offset - (await this.#present());
    const missing = await this.#segment("missing", wanted - present.length, start);
    return present.concat(missing);
  }

  /** @param atEnd how many rows the page has, when it is the last one; then they need not be counted */
  async total(atEnd: number | null): Promise<{ total: number | null; totalCapped: boolean }> {
    const { count, page } = this.request;
    if (count === "none") return { total: null, totalCapped: false };
    const isKnown = atEnd !== null && (page === 1 || (page !== null && atEnd > 0));
    const capped = count === "capped";
    const total = isKnown
      ? this.#offset + atEnd
      : await this.#count("whole", capped ? countedAtMost + 1 : null);
    if (capped && total > countedAtMost) return { total: countedAtMost, totalCapped: true };
    return { total, totalCapped: false };
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

  /** How many records have the first key, no further than the page starts. */
  #present() {
    return this.#count("present", this.#offset);
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
    const columns: Record<string, Column> = resource.columns(shape.t);
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
