import { and, asc, eq, lt, lte, ne, sql } from "drizzle-orm";
import { hot, type Params } from "../db/hot";
import type { Session, Store } from "../db/store";
import { append } from "../events/append";
import { keepLastNumber } from "../events/relay-store";
import { changesOf, fold, type Change } from "../events/history";
import { batch, noId, recordsAfter } from "../events/replay";
import { snapshotOf } from "../events/record";
import { actionOf, isRemark, isSignIn } from "../events/types";
import type { Actor } from "../policy";

const page = 500;

/** What an event is forgotten by. */
interface Candidate {
  id: string;
  type: string;
  entity_type: string;
  created_at: number;
}

const eventsAfter = hot(
  ({ t: { events }, q }, p: Params<{ created_at: number; id: string; before: number }>) =>
    q
      .select({
        ...{ id: events.id, type: events.type },
        ...{ entity_type: events.entity_type, created_at: events.created_at },
      })
      .from(events)
      .where(
        and(
          sql`(${events.created_at}, ${events.id}) > (${p.created_at}, ${p.id})`,
          lt(events.created_at, p.before),
        ),
      )
      .orderBy(asc(events.created_at), asc(events.id))
      .limit(page),
);

const removeEvents = hot(({ t: { events }, q, dialect }, p: Params<{ ids: string }>) =>
  q.delete(events).where(dialect.isAmong(events.id, p.ids)).returning({ id: events.id }),
);

/** Removes events from before an instant of which `isForgotten` holds. @returns how many there were */
async function forget(
  store: Store,
  before: number,
  isForgotten: (event: Candidate) => boolean,
): Promise<number> {
  let removed = 0;
  for (let after = { created_at: 0, id: noId }; ;) {
    const found = await eventsAfter.all(store.read, { ...after, before });
    const ids = found.filter(isForgotten).map(({ id }) => id);
    if (ids.length > 0) {
      await store.tx(async (session) => {
        await keepLastNumber(session);
        await removeEvents.all(session, { ids: JSON.stringify(ids) });
      });
      removed += ids.length;
    }
    if (found.length < page) return removed;
    after = found.at(-1)!;
  }
}

/** Forgets who signed in, or tried to, before an instant. @returns how many events there were */
export const forgetSignIns = (store: Store, before: number): Promise<number> =>
  forget(store, before, isSignIn);

/** Records whose history starts with a snapshot, once it is cut. */
const kinds = ["client", "task", "folder", "file"] as const;

/**
 * Forgets what happened before an instant. Of each record that its events rebuild, a `snapshot` says what it was then, so
 * that it can be rebuilt still; of others, and of what was only told of a record, nothing is kept. @returns how many events there were
 */
export async function forgetEvents(store: Store, actor: Actor, before: number): Promise<number> {
  let removed = 0;
  for (const kind of kinds) {
    for (let after = noId; ;) {
      const cut = await store.tx(async (session) => {
        const records = await recordsAfter.all(session, { entity_type: kind, after });
        let events = 0;
        for (const { id } of records) events += await cutHistory(session, actor, kind, id, before);
        return { records, events };
      });
      removed += cut.events;
      if (cut.records.length < batch) break;
      after = cut.records.at(-1)!.id;
    }
  }
  const isOther = ({ entity_type, type }: Candidate) =>
    !(kinds as readonly string[]).includes(entity_type) || isRemark(type);
  return removed + (await forget(store, before, isOther));
}

const eventsBefore = hot(
  (
    { t: { events }, q },
    p: Params<{ entity_type: string; entity_id: string; before: number; version: number; kept: string }>,
  ) =>
    q
      .delete(events)
      .where(
        and(
          eq(events.entity_type, p.entity_type),
          eq(events.entity_id, p.entity_id),
          lt(events.created_at, p.before),
          lte(events.version, p.version),
          ne(events.type, p.kept),
        ),
      )
      .returning({ id: events.id }),
);

/**
 * Puts a snapshot in the place of a record's events from before an instant, unless there is nothing but one; of a record that
 * was removed for good, that alone stays.
 */
async function cutHistory(
  session: Session,
  actor: Actor,
  kind: (typeof kinds)[number],
  id: string,
  before: number,
): Promise<number> {
  const about = { entity_type: kind, entity_id: id };
  const changes = await changesOf.all(session, about);
  const later = changes.findIndex(({ created_at }) => created_at >= before);
  const old = later < 0 ? changes : changes.slice(0, later);
  const last = old.at(-1);
  if (!last || isAll(old)) return 0;
  const { version } = last;
  const told = fold(old);
  // That it was removed for good, and that nothing is to be made of it, stays.
  const kept = actionOf(last.type) === "purged" ? last.type : "";
  if (!told && !kept) return 0;
  await keepLastNumber(session);
  // Where the clock was set back, some of what follows is from before: it is in no snapshot yet.
  const removed = await eventsBefore.all(session, { ...about, before, version, kept });
  if (told) await append(session, snapshotOf(actor, kind, id, version, told, before));
  return removed.length;
}

/** Whether this is no more than what stays of a history that is cut. */
const isAll = ([first, ...others]: readonly Change[]) =>
  others.length === 0 && ["snapshot", "purged"].includes(actionOf(first!.type));
