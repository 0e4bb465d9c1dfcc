import { and, isNull, sql, type Column, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Fields, Filter, ListRequest, Position } from "../list";
import { hotByShape, type Query, type Row, type Shape } from "./hot";
import { isOrderedWithin } from "./list-cost";
import { bindFilters, columnOf, filterConditions, filterShape, type ListParams } from "./list-filters";
import { leadShape, matching } from "./list-narrow";
import { idName, keyName, Order } from "./list-order";
import type { SettledScope } from "./list-scope";
import type { Stretch } from "./list-stretches";
import type { Session } from "./store";
import type { Tables } from "./tables";

/** What can be listed: the rows of the table that the fields are of. */
export interface Resource<Item> {
  fields: Fields;
  /** What a row has, under its column's name, `id` among them; or an expression, for what stands in another table. */
  columns: (t: Tables) => Record<keyof Item & string, Column | SQL>;
  /** Tells resources with the same fields and other columns apart. */
  part?: string;
}

/** Of the same records nothing but which they are, and in which version. */
export const versionsOf = ({
  fields,
}: Pick<Resource<never>, "fields">): Resource<{ id: string; version: number }> => ({
  fields,
  columns: (t) => {
    const table: PgTable = t[fields.resource];
    return { id: columnOf(table, "id"), version: columnOf(table, "version") };
  },
  part: "versions",
});

const pages = hotByShape<Row>(1_024);
const counts = hotByShape<{ total: number }>();

/** More than there are of anything: a limit has to be there for the order beside it to count. */
const unlimited = 2_147_483_647;

/**
 * Of a search that finds many, so many records of the list's order are asked for each that is wanted, before all numbers are looked
 * up that the search leads to: for a million records that takes as long as asking some thousands.
 */
const askedForEach = 24;

/**
 * How the records of a stretch are met: each in its order; only the next ones; or only those whose numbers a search leads to.
 */
type Way = "each" | "next" | "numbered";

/** One stretch of a list, of the records in one scope, on its way through the database. */
export class Part {
  readonly #fields: Fields;
  readonly #args: Row;
  readonly #shapeKey: string;

  constructor(
    private readonly session: Session,
    private readonly resource: Resource<object>,
    private readonly request: ListRequest,
    private readonly scope: SettledScope,
    private readonly stretch: Stretch,
  ) {
    const { filters, settledKeys, segment } = stretch;
    this.#fields = resource.fields;
    this.#args = { ...scope.args };
    bindFilters(filters, this.#args);
    const order = request.sort.map(({ field, descending }) => (descending ? `-${field}` : field)).join();
    this.#shapeKey = [
      ...[resource.fields.resource, filterShape(filters), order, settledKeys, segment],
      ...[request.deleted, scope.shape, resource.part ?? ""],
    ].join("|");
  }

  /** At most `wanted` rows behind the first `offset`, or behind the place where the page before ended. */
  async rows(wanted: number, offset: number, after: Position | null): Promise<Row[]> {
    if (this.#numbered) {
      const next = await this.#rowsBy("next", wanted, offset, after);
      if (next.length === wanted) return next;
    }
    return this.#rowsBy(await this.#wayToAll(), wanted, offset, after);
  }

  #rowsBy(way: Way, wanted: number, offset: number, after: Position | null): Promise<Row[]> {
    const startsAtNull = after?.values.map((value) => value === null);
    const args: Row = { ...this.#args, list_limit: wanted, list_offset: offset, [idName]: after?.id };
    args.list_next = (wanted + offset) * askedForEach;
    after?.values.forEach((value, i) => (args[keyName(i)] = value));
    return pages.all(
      this.session,
      `${this.#shapeKey}|${startsAtNull?.map(Number).join("") ?? ""}|${offset > 0}|${way}`,
      (shape, p) =>
        way === "next"
          ? this.#nextQuery(shape, p, startsAtNull, offset > 0)
          : this.#pageQuery(shape, p, startsAtNull, offset > 0, way),
      args,
    );
  }

  /** How many records it has; `limit`, when there are as many or more. */
  async count(limit: number | null): Promise<number> {
    const way = await this.#wayToAll();
    const args = { ...this.#args, list_limit: limit ?? unlimited };
    const build = (shape: Shape, p: ListParams) =>
      shape.q
        .select({ total: sql<number>`count(*)`.mapWith(Number) })
        .from(sql`(${this.#counted(shape, p, way)}) as counted`) as never;
    const { lead } = this.scope;
    const shapeKey = `${this.#shapeKey}|${lead ? leadShape(this.stretch.filters, lead) : ""}|${way}`;
    const [row] = await counts.all(this.session, shapeKey, build, args);
    return row!.total;
  }

  /** Few records are read by their ids, whatever found them. */
  get #numbered() {
    return this.scope.isFew ? undefined : this.scope.numbered;
  }

  async #wayToAll(): Promise<Way> {
    return (await this.#numbered?.agree()) ? "numbered" : "each";
  }

  /** Whole rows are wide to sort: of few records, those of the page are found first. */
  #pageQuery(
    shape: Shape,
    p: ListParams,
    startsAtNull: boolean[] | undefined,
    skips: boolean,
    way: Way,
  ): Query<Row> {
    const table: PgTable = shape.t[this.#fields.resource];
    const order = this.#order(shape, startsAtNull);
    const id = columnOf(table, "id");
    const selected = this.#selected(shape, order);
    const select = (what: Record<string, Column | SQL>) => {
      const query = shape.q
        .select(what as never)
        .from(table)
        .where(and(...this.#conditions(shape, p, way), order.condition(p)))
        .orderBy(...order.by())
        .limit(p.list_limit!);
      return skips ? query.offset(p.list_offset!) : query;
    };
    // Which columns there are is known when a list is asked for, so Drizzle cannot infer the row; `Row` promises nothing more.
    if (!this.scope.isFew) return select(selected) as unknown as Query<Row>;
    return shape.q
      .select(selected as never)
      .from(table)
      .where(sql`${id} in ${select({ id })}`)
      .orderBy(...order.by()) as unknown as Query<Row>;
  }

  /**
   * What a page has of the next records of the list's order alone, which an index gives without reading one. They are asked one by
   * one in that order, until the page is full: SQLite runs a subquery that has a limit first, and a cross join from left to right
   * (https://sqlite.org/optoverview.html#crossjoin).
   */
  #nextQuery(shape: Shape, p: ListParams, startsAtNull: boolean[] | undefined, skips: boolean): Query<Row> {
    const table: PgTable = shape.t[this.#fields.resource];
    const { filters } = this.stretch;
    const filtered = { fields: this.#fields, scope: this.scope };
    const along = this.#order(shape, startsAtNull);
    const leading = filterConditions(shape, p, filtered, filters).filter((_, i) => this.#leads(filters[i]!));
    const isNext = and(isNull(columnOf(table, "deleted_at")), ...leading, along.condition(p));
    const next = sql`select rowid as next from ${table} where ${isNext} order by ${sql.join(along.by(), sql`, `)} limit ${p.list_next}`;
    const conditions = [
      this.scope.where(shape, p),
      ...filterConditions(shape, p, filtered, filters, () => false),
    ];
    const query = shape.q
      .select(this.#selected(shape, along) as never)
      .from(sql`(${next})`)
      .crossJoin(table)
      .where(and(sql`${table}.rowid = next`, ...conditions))
      .limit(p.list_limit!);
    // As above: Drizzle cannot infer the row.
    return (skips ? query.offset(p.list_offset!) : query) as unknown as Query<Row>;
  }

  /** The columns of a row, and those that its place in the list follows from. */
  #selected(shape: Shape, order: Order): Record<string, Column | SQL> {
    const columns: Record<string, Column | SQL> = this.resource.columns(shape.t);
    const extra = Object.entries(order.columns).filter(([, column]) => !(column.name in columns));
    return { ...columns, ...Object.fromEntries(extra) };
  }

  #counted(shape: Shape, p: ListParams, way: Way): SQL {
    const { lead } = this.scope;
    const { filters, segment } = this.stretch;
    const isTags = lead && this.#fields.byName.get(lead.filter.field)?.type === "tags";
    const isWay = lead && segment === "whole" && !isTags;
    if (isWay) return matching(shape, p, this.#fields, filters, lead, this.scope);
    const table: PgTable = shape.t[this.#fields.resource];
    const where =
      and(...this.#conditions(shape, p, way), this.#order(shape, undefined).condition(p)) ?? sql`true`;
    const isEverything = filters.length === 0 && !this.scope.own && !shape.dialect.choosesIndexes;
    // A condition that makes an index partial keeps SQLite from knowing that the index is enough, until an order needs it.
    const along = isEverything ? sql` order by ${columnOf(table, this.#firstKey)}` : sql``;
    return sql`select 1 from ${table} where ${where}${along} limit ${p.list_limit}`;
  }

  #conditions(shape: Shape, p: ListParams, way: Way): (SQL | undefined)[] {
    const leads = (filter: Filter) => this.#leads(filter);
    const filtered = { fields: this.#fields, scope: this.scope };
    const isNumbered = way === "numbered" ? this.#numbered?.where(shape, p) : undefined;
    return [
      isNumbered,
      this.scope.where(shape, p),
      ...filterConditions(shape, p, filtered, this.stretch.filters, leads),
    ];
  }

  /**
   * Whether the index of a filter is a good way to the first records of the list. Where it lets many through, it is not,
   * unless it has them in the list's order.
   */
  #leads({ field, op }: Filter): boolean {
    if (this.scope.isFew || op === "any") return false;
    if (this.request.deleted !== "none") return true;
    const { column, via } = this.#fields.byName.get(field)!;
    const key = this.#firstKey;
    if (via) return false;
    return column === key || (op === "eq" && isOrderedWithin(this.#fields.resource, column, key));
  }

  /** The column that sorts first. */
  get #firstKey(): string {
    const { field } = this.request.sort[this.stretch.settledKeys]!;
    return this.#fields.byName.get(field)!.column;
  }

  #order(shape: Shape, startsAtNull: boolean[] | undefined): Order {
    const table: PgTable = shape.t[this.#fields.resource];
    // Few records are found first and sorted then: no index of the order is to lead away from them.
    const byColumn = this.scope.isFew ? shape.dialect.unindexed : undefined;
    return new Order(table, this.#fields, this.request.sort, this.stretch, startsAtNull, byColumn);
  }
}
