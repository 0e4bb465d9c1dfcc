import { and, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { hotByShape } from "./hot";
import { columnOf } from "./list-filters";
import type { ListScope } from "./list-scope";
import type { TableName } from "./rows";
import type { Store } from "./store";

/** From one instant up to another, in milliseconds since 1970. */
export interface Span {
  since: number;
  until: number;
}

/** How many rows of one group are in the span that begins then. */
export interface Counted {
  since: number;
  /** The value that they share; empty where nothing tells them apart. */
  group: string;
  total: number;
}

const counts = hotByShape<Counted>();

/**
 * Counts rows by spans of time that do not overlap, off the event loop. Each span is looked up in the index that begins with
 * `time`; where there are none, nothing is said of it.
 */
export function countIn(
  store: Pick<Store, "aside">,
  spans: readonly Span[],
  name: TableName,
  time: string,
  scope: ListScope,
  groupBy?: string,
): Promise<Counted[]> {
  const rows = JSON.stringify(spans.map(({ since, until }) => [since, until]));
  return counts.all(
    store.aside(scope.caller),
    `${name}|${time}|${groupBy ?? ""}|${scope.shape}`,
    (shape, p) => {
      const table: PgTable = shape.t[name];
      const at = columnOf(table, time);
      const group = groupBy === undefined ? sql`''` : sql`${columnOf(table, groupBy)}`;
      const where = and(sql`${at} >= span.since and ${at} < span.until`, scope.where(shape, p));
      // A cross join: span by span, for SQLite would read the whole table otherwise.
      const found = sql`(with span(since, until) as (${shape.dialect.rowsOf([at, at], p.rows!)})
        select span.since as since, ${group} as grp from span cross join ${table} where ${where}) as found`;
      return shape.q
        .select({
          since: sql<number>`since`.mapWith(Number),
          group: sql<string>`grp`,
          total: sql<number>`count(*)`.mapWith(Number),
        })
        .from(found)
        .groupBy(sql`since`, sql`grp`) as never;
    },
    { ...scope.args, rows },
  );
}
