import { and, asc, desc, eq, gt, isNotNull, sql } from "drizzle-orm";
import { hot, type Params } from "../db/hot";
import { recordColumns, type RecordOf } from "../db/rows";

/** A notification as it is stored, without the columns that follow from others. */
export type NotificationRow = RecordOf<"notifications">;

/** The notifications of a user after a number, in their order. */
export const notificationsAfter = hot(
  ({ t, q }, p: Params<{ user_id: string; number: number; most: number }>) =>
    q
      .select(recordColumns("notifications")(t))
      .from(t.notifications)
      .where(and(eq(t.notifications.user_id, p.user_id), gt(t.notifications.number, p.number)))
      .orderBy(asc(t.notifications.number))
      .limit(p.most),
);

/** The last number that a user's notifications have; none before the first. */
export const lastNumber = hot(
  ({ t: { notification_counters: counters }, q }, p: Params<{ user_id: string }>) =>
    q.select({ last: counters.last_number }).from(counters).where(eq(counters.user_id, p.user_id)).limit(1),
);

/** The lowest number among the notifications of a user that are kept. */
export const oldestNumber = hot(({ t: { notifications }, q }, p: Params<{ user_id: string }>) =>
  q
    .select({ oldest: notifications.number })
    .from(notifications)
    .where(eq(notifications.user_id, p.user_id))
    .orderBy(asc(notifications.number))
    .limit(1),
);

/** How far the log of events goes; nothing while no event in it has its place. */
export const lastSeq = hot(({ t: { events }, q }) =>
  q
    .select({ last: sql<number>`${events.seq}` })
    .from(events)
    .where(isNotNull(events.seq))
    .orderBy(desc(events.seq))
    .limit(1),
);

/** What happened after a place in the log, in order. */
export const eventsAfter = hot(({ t: { events }, q }, p: Params<{ seq: number; most: number }>) =>
  q
    .select({
      seq: sql<number>`${events.seq}`,
      entity_type: events.entity_type,
      entity_id: events.entity_id,
      version: events.version,
    })
    .from(events)
    .where(gt(events.seq, p.seq))
    .orderBy(asc(events.seq))
    .limit(p.most),
);
