import { and, eq } from "drizzle-orm";
import { hot, type Params } from "../db/hot";
import type { Session } from "../db/store";
import type { Actor } from "../policy";
import { remarkEach, type RecordName } from "./record";

/**
 * Records that records go for good, in the transaction that removes them, and blanks the values in their events: those say
 * from then on who did something to them, and when, but not what.
 */
export async function recordPurged(
  session: Session,
  actor: Actor,
  name: RecordName,
  gone: readonly { id: string; version: number }[],
): Promise<void> {
  await blank.all(session, { entity_type: name, ids: JSON.stringify(gone.map(({ id }) => id)) });
  const purged = gone.map(({ id, version }) => ({ id, version: version + 1 }));
  await remarkEach(session, actor, `${name}.purged`, purged);
}

const blank = hot(({ t: { events }, q, dialect }, p: Params<{ entity_type: string; ids: string }>) =>
  q
    .update(events)
    .set({ changes: {} })
    .where(and(eq(events.entity_type, p.entity_type), dialect.isAmong(events.entity_id, p.ids)))
    .returning({ id: events.id }),
);
