import { and, asc, desc, eq, gt, isNotNull, sql, type SQL } from "drizzle-orm";
import { hot, type Params, type Query } from "../db/hot";
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

/** The notifications of many users, of each after a number, in no order: `positions` is a JSON array of `[user_id, number]`. */
export const notificationsAfterEach = hot(
  ({ t, q, dialect }, p: Params<{ positions: string; most: number }>) => {
    const { notifications } = t;
    const positions = dialect.rowsOf([notifications.user_id, notifications.number], p.positions);
    const isAfter = sql`${notifications.user_id} = position.reader and ${notifications.number} > position.last`;
    const found = sql`(with position(reader, last) as (${positions}) select * from position) as position
      cross join ${dialect.lookedUp(notifications, isAfter)}`;
    const columns = Object.entries(recordColumns("notifications")(t));
    const selection = columns.map(([name, column]) => [
      name,
      sql`${sql.raw(`notifications.${name}`)}`.mapWith(column),
    ]);
    return q
      .select(Object.fromEntries(selection) as Record<string, SQL>)
      .from(found)
      .limit(p.most) as unknown as Query<NotificationRow>;
  },
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
