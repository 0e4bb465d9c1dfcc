import { insertInto, insertManyInto, type RowOf } from "../db/rows";
import type { Session } from "../db/store";
import { gaveNumber, lastNumber } from "./relay-store";

/** An event that is to be written; its number follows from when that is. */
export type NewEvent = Omit<RowOf<"events">, "seq">;

const insertEvent = insertInto("events");
const insertEvents = insertManyInto("events");

/** Adds an event to the log, and gives it as it stands there. */
export async function append(session: Session, event: NewEvent): Promise<RowOf<"events">> {
  const row = { ...event, seq: await nextNumber(session) };
  await insertEvent.all(session, row);
  if (row.seq !== null) gaveNumber(session, row.seq);
  return row;
}

/** Adds many, in this order. */
export async function appendAll(session: Session, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const first = await nextNumber(session);
  await insertEvents(
    session,
    events.map((event, place) => ({ ...event, seq: first === null ? null : first + place })),
  );
  if (first !== null) gaveNumber(session, first + events.length - 1);
}

/**
 * On SQLite one transaction commits after the other, so events have their numbers from the start: the relay would write each of
 * them once more. On PostgreSQL transactions overlap, and there the relay numbers them.
 */
async function nextNumber(session: Session): Promise<number | null> {
  return session.dialect.engine === "postgres" ? null : (await lastNumber(session)) + 1;
}
