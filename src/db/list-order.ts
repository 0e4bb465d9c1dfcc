import { and, asc, desc, eq, gte, isNotNull, isNull, lte, or, sql, type Column, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Fields, SortKey } from "../list";
import { columnOf, columnOfField, type ListParams } from "./list-filters";

/**
 * The order of a list, and where in it a page starts. Nulls come last in both directions, ties go by id.
 *
 * An index has its nulls at the low or the high end, so neither engine can read it both ways with the nulls
 * last. What an index is to give in order is therefore read in two segments: the records that have the first key, then
 * those that do not.
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
  readonly #all: OrderKey[];
  /** Those that sort. */
  readonly #keys: [OrderKey, ...OrderKey[]];

  /**
   * @param settledKeys so many of the first keys have one value in all records and sort nothing
   * @param startsAtNull for each key, whether it is null where the page starts; without it, at the beginning
   */
  constructor(
    table: PgTable,
    fields: Fields,
    sort: readonly SortKey[],
    { settledKeys, segment }: { settledKeys: number; segment: Segment },
    private readonly startsAtNull: readonly boolean[] | undefined,
    byColumn: (column: Column) => SQL = (column) => sql`${column}`,
  ) {
    this.#all = sort.map(({ field, descending }, i): OrderKey => {
      const column = columnOfField(table, fields.byName.get(field)!);
      return {
        ...{ column, by: byColumn(column), descending, nullable: !column.notNull },
        ...{ argument: keyName(i), startsAtNull: !!startsAtNull?.[i] },
      };
    });
    const id = columnOf(table, "id");
    const { descending } = this.#all.at(-1)!;
    this.#all.push({
      ...{ column: id, by: byColumn(id), descending, nullable: false },
      ...{ argument: idName, startsAtNull: false },
    });
    this.#keys = this.#all.slice(settledKeys) as [OrderKey, ...OrderKey[]];
    if (segment !== "whole") this.#keys[0].nullable = false;
    this.segment = segment;
  }

  private readonly segment: Segment;

  /** The columns that lists are sorted by, under the names that their values have among the arguments. */
  get columns(): Record<string, Column> {
    return Object.fromEntries(this.#all.map(({ argument, column }) => [argument, column]));
  }

  /** Where the first key is missing it stands here too: else PostgreSQL does not read the index in order. */
  by(): SQL[] {
    return this.#keys.map((key) => (key.nullable ? sql`${plainly(key)} nulls last` : plainly(key)));
  }

  /** What is in the segment and after the place where the page starts. */
  condition(p: ListParams): SQL | undefined {
    const first = this.#keys[0].by;
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
