import { and, asc, desc, eq, gte, isNotNull, isNull, lte, or, sql, type Column, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Fields, SortKey } from "../list";
import { columnOf, columnOfField, type ListParams } from "./list-filters";

/**
 * The order of a list, and where in it a page starts. Nulls come last in both directions, ties go by id.
 *
 * An index has its nulls at the low or the high end, so neither engine can read it both ways with the nulls
 * last. A list whose first key may be null is therefore read in two segments, each in the index's order: the
 * records that have the key, then those that do not.
 */
export type Segment = "whole" | "present" | "missing";

interface OrderKey {
  column: Column;
  /** The column as it stands in conditions and in the order. */
  by: SQL;
  descending: boolean;
  nullable: boolean;
  /** The argument with the value it has where the page starts. */
  argument: string;
  /** That value is null. */
  startsAtNull: boolean;
}

/** What the pages of one order have in common. */
export class Order {
  readonly #keys: OrderKey[];

  /** @param startsAtNull for each key, whether it is null where the page starts; without it, at the beginning */
  constructor(
    table: PgTable,
    fields: Fields,
    sort: readonly SortKey[],
    private readonly segment: Segment,
    private readonly startsAtNull: readonly boolean[] | undefined,
    byColumn: (column: Column) => SQL = (column) => sql`${column}`,
  ) {
    const keys = sort.map(({ field, descending }, i): OrderKey => {
      const column = columnOfField(table, fields.byName.get(field)!);
      const argument = keyName(i);
      return {
        ...{ column, by: byColumn(column), descending, nullable: !column.notNull },
        ...{ argument, startsAtNull: !!startsAtNull?.[i] },
      };
    });
    const id = columnOf(table, "id");
    const { descending } = keys.at(-1)!;
    this.#keys = [
      ...keys,
      { column: id, by: byColumn(id), descending, nullable: false, argument: idName, startsAtNull: false },
    ];
    if (segment === "present") this.#keys[0]!.nullable = false;
  }

  /** The columns that lists are sorted by, under the names that their values have among the arguments. */
  get columns(): Record<string, Column> {
    return Object.fromEntries(this.#keys.map(({ argument, column }) => [argument, column]));
  }

  by(): SQL[] {
    const [first, ...others] = this.#keys;
    // Nulls all of them, but PostgreSQL reads the index in order only if its first column stands here.
    if (this.segment === "missing" && others.length === 1) return this.#keys.map(plainly);
    return (this.segment === "missing" ? others : [first!, ...others]).map((key) =>
      key.nullable ? sql`${plainly(key)} nulls last` : plainly(key),
    );
  }

  /** What is in the segment and after the place where the page starts. */
  condition(p: ListParams): SQL | undefined {
    const first = this.#keys[0]!.by;
    const after = this.startsAtNull && this.#after(p);
    if (this.segment === "whole") return after;
    return and(this.segment === "present" ? isNotNull(first) : isNull(first), after);
  }

  #after(p: ListParams): SQL | undefined {
    const keys = this.segment === "missing" ? this.#keys.slice(1) : this.#keys;
    const [first] = keys as [OrderKey];
    if (keys.every(({ descending, nullable }) => descending === first.descending && !nullable)) {
      return afterRowValue(keys, p);
    }
    // The bound on the first key lets the index find the page; the chain alone would read from the start.
    const bound = first.nullable ? undefined : first.descending ? lte : gte;
    return and(bound?.(first.by, valueOf(first, p)), afterChain(keys, p));
  }
}

/** The name of the argument with the value of a list's i-th key. */
export const keyName = (i: number) => `list_k${i}`;

/** The name of the argument with the id of the record where a page starts. */
export const idName = "list_id";

const plainly = ({ by, descending }: OrderKey) => (descending ? desc(by) : asc(by));

const valueOf = (key: OrderKey, p: ListParams) => sql.param(p[key.argument]!, key.column);

const isAfter = (key: OrderKey) => sql.raw(key.descending ? "<" : ">");

/** Row values: the one form that both engines answer from the index alone. */
function afterRowValue(keys: OrderKey[], p: ListParams): SQL {
  const columns = sql.join(keys.map(({ by }) => by), sql`, `); // prettier-ignore
  const values = sql.join(keys.map((key) => sql`${valueOf(key, p)}`), sql`, `); // prettier-ignore
  return sql`(${columns}) ${isAfter(keys[0]!)} (${values})`;
}

/** After in the first key, or equal there and after in the rest. */
function afterChain([key, ...rest]: OrderKey[], p: ListParams): SQL | undefined {
  if (!key) return undefined;
  if (key.startsAtNull) return and(isNull(key.by), afterChain(rest, p));
  const beyond = sql`${key.by} ${isAfter(key)} ${valueOf(key, p)}`;
  const after = key.nullable ? or(beyond, isNull(key.by)) : beyond;
  if (rest.length === 0) return after;
  return or(after, and(eq(key.by, valueOf(key, p)), afterChain(rest, p)));
}
