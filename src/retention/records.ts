import { and, asc, lt, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { hot, type Params, type Query } from "../db/hot";
import { removeFrom } from "../db/rows";
import type { Session, Store } from "../db/store";
import { recordPurged } from "../events/purged";
import type { Rebuilt } from "../events/replay";
import type { Actor } from "../policy";

/** Records that are removed for good some time after they were deleted. */
export interface Purged extends Pick<Rebuilt, "name" | "table"> {
  /**
   * Takes from a record, before it goes, some of what points to it; as many as `most` as long as there may be more.
   */
  detach?(session: Session, actor: Actor, id: string, most: number): Promise<number>;
  /** Removes its row, where more than that goes with it. */
  remove?(session: Session, id: string): Promise<void>;
}

/** Records, and what points to one of them, in one transaction. */
const batch = 50;

/**
 * Removes what was deleted before an instant: its rows, and the values in its events. A few records in each transaction.
 * @returns how many there were
 */
export async function purgeRecords(
  store: Store,
  actor: Actor,
  kind: Purged,
  before: number,
): Promise<number> {
  const deleted = deletedBefore(kind);
  const remove = removeFrom(kind.table);
  for (let removed = 0; ;) {
    const { gone, isWhole } = await store.tx(async (session) => {
      const rows = await deleted.all(session, { before });
      for (const [gone, row] of rows.entries()) {
        const left = (await kind.detach?.(session, actor, row.id, batch)) ?? 0;
        // There may be more: what is done stays done, and the rest comes with the next transaction.
        if (left === batch) return { gone, isWhole: false };
        await recordPurged(session, actor, kind.name, [row]);
        if (kind.remove) await kind.remove(session, row.id);
        else await remove.all(session, { id: row.id });
      }
      return { gone: rows.length, isWhole: true };
    });
    removed += gone;
    if (isWhole && gone < batch) return removed;
  }
}

const deletedBefore = ({ table: name }: Purged) =>
  hot(({ t, q }, p: Params<{ before: number }>) => {
    const table: PgTable & Record<"id" | "version" | "deleted_at" | "created_at", PgColumn> = t[name];
    return q
      .select({ id: table.id, version: table.version })
      .from(table)
      .where(and(sql`${table.deleted_at} is not null`, lt(table.deleted_at, p.before)))
      .orderBy(asc(table.created_at), asc(table.id))
      .limit(batch) as PromiseLike<unknown> as Query<{ id: string; version: number }>;
  });
