import { setImmediate } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { hot, value, type HotQuery, type Params, type Query } from "./db/hot";
import type { Session } from "./db/store";
import { recordEach, type RecordName, type Recorded } from "./events/record";
import type { Actor } from "./policy";
import type { RecordRow } from "./record-kind";

/** Records of one kind, as far as they are hidden and brought back with others. */
interface Hidden<Row> {
  name: RecordName;
  present(row: Row): Recorded;
}

type HiddenTable = "folders" | "files";

/** So many are written between two looks at what else there is to do: a few milliseconds. */
const portion = 100;

/**
 * Hides records of one table, or brings them back, many with one statement, and records it of each. Between the portions of
 * thousands, whoever reads has their turn.
 */
export function hideManyIn<Row extends RecordRow>(
  table: HiddenTable,
  { name, present }: Hidden<Row>,
): (
  session: Session,
  actor: Actor,
  rows: readonly Row[],
  deleted_at: number | null,
  at: number,
) => Promise<void> {
  const write = writeMany(table);
  return async (session, actor, rows, deleted_at, at) => {
    const action = deleted_at === null ? "restored" : "deleted";
    for (let start = 0; start < rows.length; start += portion) {
      if (start > 0) await setImmediate();
      const some = rows.slice(start, start + portion);
      const ids = JSON.stringify(some.map(({ id }) => id));
      await write.all(session, { ids, deleted_at, updated_at: at });
      const changed = some.map((row) => ({
        before: present(row),
        after: present({ ...row, deleted_at, updated_at: at, version: row.version + 1 }),
      }));
      await recordEach(session, actor, `${name}.${action}`, changed, at);
    }
  };
}

const writeMany = (
  name: HiddenTable,
): HotQuery<{ ids: string; deleted_at: number | null; updated_at: number }, never> =>
  hot(({ t, q, dialect }, p: Params<{ ids: string; deleted_at: number | null; updated_at: number }>) => {
    const table: PgTable & Record<"id" | "deleted_at" | "updated_at" | "version", PgColumn> = t[name];
    return q
      .update(table)
      .set({
        deleted_at: value(t[name].deleted_at, p.deleted_at),
        updated_at: value(t[name].updated_at, p.updated_at),
        version: sql`${table.version} + 1`,
      } as never)
      .where(dialect.isAmong(table.id, p.ids)) as unknown as Query<never>;
  });
