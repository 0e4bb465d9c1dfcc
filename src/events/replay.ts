import { and, asc, eq, gt, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { hot, type Params, type Query } from "../db/hot";
import type { Difference, RebuildPass, RebuiltTable } from "../db/rebuild";
import type { Session, Store } from "../db/store";
import { changesOf, fold, type Told } from "./history";
import type { RecordName } from "./record";

/** Records that their events can rebuild. */
export interface Rebuilt {
  name: RecordName;
  table: RebuiltTable;
  /** Makes the rows of one record what its events tell; gives what was wrong with them. */
  rebuild(session: Session, told: Told, pass: RebuildPass): Promise<Difference>;
}

/** What came of the records of one kind. */
export interface Replayed {
  name: RecordName;
  records: number;
  /** Rows that were missing. */
  added: number;
  /** Rows with another value than their events tell. */
  changed: number;
  /** The columns of those. */
  columns: string[];
  /** Rows that no event tells of, or whose record was removed for good. */
  removed: number;
}

/** Records in one transaction. */
export const batch = 50;
/** Comes before every id. */
export const noId = "00000000-0000-0000-0000-000000000000";

/** The ids of the next `batch` records that there are events of. */
export const recordsAfter = hot(({ t: { events }, q }, p: Params<{ entity_type: string; after: string }>) =>
  q
    .select({ id: events.entity_id })
    .from(events)
    .where(and(eq(events.entity_type, p.entity_type), gt(events.entity_id, p.after)))
    .groupBy(events.entity_id)
    .orderBy(asc(events.entity_id))
    .limit(batch),
);

/**
 * Writes records anew from the events, kind after kind as given, so that those that others point to come first. In
 * transactions of a few records each: broken off, it can be started again.
 */
export async function replay(store: Store, kinds: readonly Rebuilt[]): Promise<Replayed[]> {
  const results = new Map(kinds.map((kind) => [kind, nothingYet(kind)]));
  for (const kind of kinds) results.get(kind)!.removed += await removeStrays(store, kind);
  for (const pass of ["release", "write"] as const) {
    for (const kind of kinds) await rebuildAll(store, kind, pass, results.get(kind)!);
  }
  return [...results.values()].map(({ columns, ...counts }) => ({
    ...counts,
    columns: [...new Set(columns)].toSorted(),
  }));
}

const nothingYet = ({ name }: Rebuilt): Replayed => ({
  ...{ name, records: 0, added: 0, changed: 0 },
  ...{ columns: [], removed: 0 },
});

async function rebuildAll(store: Store, kind: Rebuilt, pass: RebuildPass, result: Replayed): Promise<void> {
  for (let after = noId; ;) {
    const outcomes = await store.tx(async (session) => {
      const ids = await recordsAfter.all(session, { entity_type: kind.name, after });
      const found = [];
      for (const { id } of ids) found.push({ id, difference: await rebuildOne(session, kind, id, pass) });
      return found;
    });
    if (pass === "write") for (const { difference } of outcomes) note(result, difference);
    if (outcomes.length < batch) return;
    after = outcomes.at(-1)!.id;
  }
}

/** `undefined` for a record that was removed for good. */
async function rebuildOne(session: Session, kind: Rebuilt, id: string, pass: RebuildPass) {
  const told = fold(await changesOf.all(session, { entity_type: kind.name, entity_id: id }));
  return told && kind.rebuild(session, told, pass);
}

function note(result: Replayed, difference: Difference | undefined): void {
  if (difference === undefined) return;
  result.records++;
  if (difference === "missing") result.added++;
  else if (difference.length > 0) {
    result.changed++;
    result.columns.push(...difference);
  }
}

async function removeStrays(store: Store, kind: Rebuilt): Promise<number> {
  const remove = strays(kind);
  for (let removed = 0; ;) {
    const gone = await store.tx((session) => remove.all(session, {}));
    removed += gone.length;
    if (gone.length < batch) return removed;
  }
}

/** Removes some rows that no event makes. */
const strays = ({ name, table: tableName }: Rebuilt) =>
  hot(({ t, q }, _: Params<object>) => {
    const table: PgTable & { id: PgColumn } = t[tableName];
    const { events } = t;
    const told = (types: string) =>
      sql`exists (select 1 from ${events} where ${events.entity_type} = ${sql.raw(`'${name}'`)} and ${events.entity_id} = ${table.id} and ${events.type} in (${sql.raw(types)}))`;
    const made = told(`'${name}.created', '${name}.snapshot'`);
    const purged = told(`'${name}.purged'`);
    const ids = sql`(select ${table.id} from ${table} where not ${made} or ${purged} limit ${sql.raw(String(batch))})`;
    return q
      .delete(table)
      .where(sql`${table.id} in ${ids}`)
      .returning({ id: table.id }) as unknown as Query<{ id: string }>;
  });
