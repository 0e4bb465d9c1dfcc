import { and, asc, eq, gt, isNull, lt, sql } from "drizzle-orm";
import { now } from "../clock";
import { hot, value, type Params, type Query } from "../db/hot";
import { recordColumns, type RowOf } from "../db/rows";
import type { Session } from "../db/store";
import type { SequencedEvent } from "./consumer";

/**
 * The last number given, or one before it, as if that were a consumer: on SQLite it is brought up to date from time to time. No
 * consumer has this name.
 */
export const relay = "relay";

/** What says where an event belongs. */
export type Unordered = Pick<RowOf<"events">, "id" | "entity_type" | "entity_id" | "version" | "created_at">;

/** As expressions: Drizzle does not see what table `dialect.by` reads from. */
const place = ({ events }: Session["t"]) => ({
  id: sql<string>`${events.id}`,
  entity_type: sql<string>`${events.entity_type}`,
  entity_id: sql<string>`${events.entity_id}`,
  version: sql<number>`${events.version}`.mapWith(events.version),
  created_at: sql<number>`${events.created_at}`.mapWith(events.created_at),
});

/** The oldest events that have no number yet. SQLite would rather look for null among the numbers, and sort. */
export const unordered = hot(({ t, q, dialect }, p: Params<{ limit: number }>) =>
  q
    .select(place(t))
    .from(dialect.by(t.events, "events_unsequenced"))
    .where(isNull(t.events.seq))
    .orderBy(asc(t.events.created_at), asc(t.events.id))
    .limit(p.limit),
);

/** Those events of some records of a type that have no number yet and come before a version. */
export const unorderedOf = hot(
  ({ t, q, dialect }, p: Params<{ entity_type: string; entity_ids: string; version: number }>) =>
    q
      .select(place(t))
      .from(t.events)
      .where(
        and(
          eq(t.events.entity_type, p.entity_type),
          dialect.isAmong(t.events.entity_id, p.entity_ids),
          lt(t.events.version, p.version),
          isNull(t.events.seq),
        ),
      ),
);

/** PostgreSQL only. */
const numberTogether = hot(
  ({ t: { events }, q }, p: Params<{ ids: string; before: number }>) =>
    // Without `returning` a write gives no rows, which Drizzle's type for PostgreSQL does not say.
    q
      .update(events)
      .set({ seq: sql`listed.place + ${value(events.seq, p.before)}` })
      .from(sql`json_array_elements_text(${p.ids}::text::json) with ordinality as listed(value, place)`)
      .where(eq(events.id, sql`listed.value::uuid`)) as unknown as Query<never>,
);
const numberOne = hot(
  ({ t: { events }, q }, p: Params<{ id: string; seq: number }>) =>
    q
      .update(events)
      .set({ seq: value(events.seq, p.seq) })
      .where(eq(events.id, p.id)) as unknown as Query<never>,
);

/**
 * Numbers events in their order, the first one with `first`. On SQLite one by one: there no statement has a way to go, and one for all
 * of them gathers them in a table of its own first, which takes twice as long.
 */
export async function numberEvents(session: Session, ids: readonly string[], first: number): Promise<void> {
  if (session.dialect.engine === "postgres") {
    await numberTogether.all(session, { ids: JSON.stringify(ids), before: first - 1 });
    return;
  }
  for (const [place, id] of ids.entries()) await numberOne.all(session, { id, seq: first + place });
}

const positions = hot(({ t: { consumers }, q }, p: Params<{ name: string }>) =>
  q.select({ position: consumers.position }).from(consumers).where(eq(consumers.name, p.name)).limit(1),
);

const numbersGiven = hot(({ t: { events, consumers }, q }, p: Params<{ name: string }>) => {
  const position = sql`(select ${consumers.position} from ${consumers} where ${consumers.name} = ${p.name})`;
  return q
    .select({
      last: sql<number | null>`max(${events.seq})`.mapWith(events.seq),
      known: sql<number | null>`${position}`.mapWith(consumers.position),
    })
    .from(events);
});

/** The last number in a transaction that many share: who comes next need not look. */
const lastIn = new WeakMap<object, number>();

/** The number of the last event, whether that is kept or not; 0 before there was one. */
export async function lastNumber(session: Session): Promise<number> {
  const given = session.batch && lastIn.get(session.batch);
  if (given !== undefined) return given;
  const { last, known } = (await numbersGiven.first(session, { name: relay }))!;
  return Math.max(last ?? 0, known ?? 0);
}

/** Told once events up to this number are written. */
export function gaveNumber(session: Session, last: number): void {
  if (session.batch) lastIn.set(session.batch, last);
}

/**
 * Writes down the last number. Before events are removed: if the last of them got lost, the next one would have its number, and whoever
 * has read that far miss it. And while the log is read, as programs before this one number events by what is written down. On
 * PostgreSQL the relay has done so with each number that it gave, and would wait for whoever did it here.
 */
export async function keepLastNumber(session: Session): Promise<void> {
  if (session.dialect.engine === "postgres") return;
  await moveTo.all(session, { name: relay, position: await lastNumber(session), updated_at: now() });
}

/** How far somebody is who reads the log; 0 before they began. */
export async function positionOf(session: Session, name: string): Promise<number> {
  return (await positions.first(session, { name }))?.position ?? 0;
}

/** Moves somebody on. */
export const moveTo = hot(({ t: { consumers }, q }, p: Params<RowOf<"consumers">>) =>
  q
    .insert(consumers)
    .values({ name: p.name, position: p.position, updated_at: p.updated_at })
    .onConflictDoUpdate({
      target: consumers.name,
      set: {
        position: value(consumers.position, p.position),
        updated_at: value(consumers.updated_at, p.updated_at),
      },
    })
    .returning({ name: consumers.name }),
);

/** The events after a number, in order. */
export const eventsAfter = hot(
  ({ t, q }, p: Params<{ seq: number; limit: number }>) =>
    // What is greater than a number is not null, which the column's type does not know.
    q
      .select(recordColumns("events")(t))
      .from(t.events)
      .where(gt(t.events.seq, p.seq))
      .orderBy(asc(t.events.seq))
      .limit(p.limit) as unknown as Query<SequencedEvent>,
);
