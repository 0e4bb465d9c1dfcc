import { and, sql, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { hotByShape, type Row, type Shape } from "./hot";
import { columnOf, type ListParams } from "./list-filters";
import type { Filter } from "../list";
import type { TableName } from "./rows";
import type { Store } from "./store";

/** Which records the caller may see in a list, the deleted ones included: nothing else narrows by these. */
export interface ListScope {
  /** Tells everything that `where` and `own` put into the SQL. */
  shape: string;
  where: (shape: Shape, p: ListParams) => SQL | undefined;
  /** The values of its placeholders. Names that start with `list_` are taken. */
  args: Row;
  /** Who asks, where lists that take long wait for their turn. */
  caller: string;
  /**
   * Where the caller sees only what is theirs: conditions that together are the scope, and for each of which an index
   * leads to the records.
   */
  own?: (shape: Shape, p: ListParams) => SQL[];
  /**
   * Which records the caller may see of those that the list's point to, by the name of the relation: a filter across it asks
   * nothing of others. `shape` and `args` tell theirs too.
   */
  related?: Readonly<Record<string, Pick<ListScope, "where">>>;
  /** The column in which all of them have one value: indexes that begin with it have them in order. */
  within?: string;
  /** In the order of the list, what is in the scope may be far apart: it is never looked for on the event loop. */
  isSparse?: true;
}

/** A scope of which it is known how much it holds. */
export interface SettledScope extends ListScope {
  /** Few enough records to look at all of them, whatever they are filtered and sorted by. */
  isFew: boolean;
  /** How many of them the filters of a list let through, as far as that was counted. */
  matching?: number;
  /** How they are found. */
  lead?: Lead;
  /** Of a search that finds many, where an index can tell of each whether it may be one: `where` asks the text of each. */
  numbered?: Numbered;
}

/** The numbers of the rows that a search leads to. */
export interface Numbered {
  /** That a record's number is one of them; their arguments are in `args` of the scope. */
  where: (shape: Shape, p: ListParams) => SQL;
  /** Whether these are the numbers of the records. It may take a moment. */
  agree: () => Promise<boolean>;
}

/** The filter whose index leads to the records of a list in the fewest steps. */
export interface Lead {
  filter: Filter;
  /** Its place among the filters, as `bindFilters` names its arguments. */
  at: string;
  /** Of groups of which one is enough: what leads to the records of each. */
  branches?: readonly Lead[];
  /** They are many steps, whether or not there are many records in the end. */
  isLong: boolean;
}

/** A further condition on records, with the values of its placeholders; `shape` tells everything that it puts into the SQL. */
export type Sieve = Pick<ListScope, "shape" | "where" | "args">;

/** The records in a scope that a sieve lets through. */
export const siftedBy = (sieve: Sieve, scope: SettledScope): SettledScope => ({
  ...scope,
  shape: `${scope.shape} ${sieve.shape}`,
  args: { ...scope.args, ...sieve.args },
  where: (shape, p) => and(scope.where(shape, p), sieve.where(shape, p)),
});

/** So many records are read and sorted in a few milliseconds. */
const mostFew = 1_000;
const counts = hotByShape<{ total: number }>();

/**
 * Looks whether the caller's own records are few; if so, the scope starts from those. A planner that knows only averages
 * walks through all records in the order of the list instead: quick for whoever has many of them, and half a second for
 * whoever has five among two hundred thousand.
 */
export async function settled(
  store: Pick<Store, "read">,
  resource: TableName,
  scope: ListScope,
): Promise<SettledScope> {
  const { own } = scope;
  if (!own || (await countOwn(store, resource, scope, own)) > mostFew) return { ...scope, isFew: false };
  return {
    ...scope,
    isFew: true,
    shape: `${scope.shape} few`,
    where: (shape, p) => {
      const table = shape.t[resource];
      const id = columnOf(table, "id");
      return sql`${id} in (${eachOf(table, own(shape, p), sql`${id}`, "union")})`;
    },
  };
}

async function countOwn(
  { read }: Pick<Store, "read">,
  resource: TableName,
  { shape, args }: ListScope,
  own: NonNullable<ListScope["own"]>,
): Promise<number> {
  const [row] = await counts.all(
    read,
    `${resource}|${shape}`,
    (shape, p) => {
      // A record that is the caller's in two ways counts twice: it is about how many, not about the number.
      const each = eachOf(shape.t[resource], own(shape, p), sql`1`, "union all");
      return shape.q
        .select({ total: sql<number>`count(*)`.mapWith(Number) })
        .from(sql`(${each} limit ${p.list_limit}) as own`) as never;
    },
    { ...args, list_limit: mostFew + 1 },
  );
  return row!.total;
}

const eachOf = (table: PgTable, conditions: SQL[], what: SQL, union: "union" | "union all") =>
  sql.join(
    conditions.map((condition) => sql`select ${what} from ${table} where ${condition}`),
    sql.raw(` ${union} `),
  );
