import { and, asc, eq, gt, lt, sql } from "drizzle-orm";
import { hot, value, type Params } from "../../db/hot";
import type { ListScope, Resource } from "../../db/list";
import { insertInto, insertManyInto, recordColumns, updateIn, type RecordOf } from "../../db/rows";
import { notificationFields } from "./fields";

/** A notification as it is read back. */
export type NotificationRow = RecordOf<"notifications">;

/** Adds notifications. */
export const insertNotifications = insertManyInto("notifications");

/** Raises the counters of a JSON array of `[user_id, by how much]`, each user once, and gives where they are then. */
export const raiseCounters = hot(
  ({ t: { notification_counters: counters }, q, dialect }, p: Params<{ raises: string }>) => {
    const raises = dialect.rowsOf([counters.user_id, counters.last_number], p.raises);
    return (
      q
        .insert(counters)
        // Without a condition, SQLite would take what follows for that of a join.
        .select(sql`${raises} where true`)
        .onConflictDoUpdate({
          target: counters.user_id,
          set: { last_number: sql`${counters.last_number} + excluded.last_number` },
        })
        .returning({ user_id: counters.user_id, last_number: counters.last_number })
    );
  },
);

/** Which of a JSON array of `[user_id, fold_key]` there are notifications for between two instants. */
export const equalBetween = hot(
  ({ t: { notifications: n }, q, dialect }, p: Params<{ folds: string; since: number; until: number }>) => {
    const isListed = sql`(${n.user_id}, ${n.fold_key}) in (${dialect.rowsOf([n.user_id, n.fold_key], p.folds)})`;
    return q
      .select({ user_id: n.user_id, fold_key: n.fold_key })
      .from(n)
      .where(and(isListed, gt(n.created_at, p.since), lt(n.created_at, p.until)));
  },
);

/** Notifications, as a list has them. */
export const listedNotifications: Resource<NotificationRow> = {
  fields: notificationFields,
  columns: recordColumns("notifications"),
};

/** Those in a user's list. */
export const notificationsOf = (userId: string): ListScope => ({
  shape: "own",
  where: ({ t: { notifications } }, p) =>
    and(eq(notifications.user_id, p.me!), eq(notifications.in_app, sql`true`)),
  args: { me: userId },
  caller: `user ${userId}`,
  within: "user_id",
});

/** How many a user has of each type, read and unread. */
export const countByType = hot(({ t: { notifications }, q }, p: Params<{ user_id: string }>) =>
  q
    .select({
      type: notifications.type,
      is_read: notifications.is_read,
      total: sql<number>`count(*)`.mapWith(Number),
    })
    .from(notifications)
    .where(and(eq(notifications.user_id, p.user_id), eq(notifications.in_app, sql`true`)))
    .groupBy(notifications.type, notifications.is_read),
);

/** How many a user has not read; those outside the list count as read. */
export const countUnread = hot(({ t: { notifications }, q }, p: Params<{ user_id: string }>) =>
  q
    .select({ count: sql<number>`count(*)`.mapWith(Number) })
    .from(notifications)
    .where(and(eq(notifications.user_id, p.user_id), eq(notifications.is_read, sql`false`))),
);

/** Those of a JSON array of ids that are in a user's list. */
export const ownAmong = hot(
  ({ t: { notifications }, q, dialect }, p: Params<{ user_id: string; ids: string }>) =>
    q
      .select({ id: notifications.id })
      .from(notifications)
      .where(
        and(
          dialect.isAmong(notifications.id, p.ids),
          eq(notifications.user_id, p.user_id),
          eq(notifications.in_app, sql`true`),
        ),
      ),
);

/** Marks those of a JSON array of ids that are unread; gives the ones that were. */
export const markRead = hot(
  ({ t: { notifications }, q, dialect }, p: Params<{ ids: string; read_at: number }>) =>
    q
      .update(notifications)
      .set({ is_read: sql`true`, read_at: value(notifications.read_at, p.read_at) })
      .where(and(dialect.isAmong(notifications.id, p.ids), eq(notifications.is_read, sql`false`)))
      .returning({ id: notifications.id }),
);

/** Marks everything that a user has not read. */
export const markAllRead = hot(
  ({ t: { notifications }, q }, p: Params<{ user_id: string; read_at: number }>) =>
    q
      .update(notifications)
      .set({ is_read: sql`true`, read_at: value(notifications.read_at, p.read_at) })
      .where(and(eq(notifications.user_id, p.user_id), eq(notifications.is_read, sql`false`)))
      .returning({ id: notifications.id }),
);

/** Removes those of a JSON array of ids. */
export const deleteAmong = hot(({ t: { notifications }, q, dialect }, p: Params<{ ids: string }>) =>
  q.delete(notifications).where(dialect.isAmong(notifications.id, p.ids)).returning({ id: notifications.id }),
);

/** Removes everything that a user has read. */
export const deleteRead = hot(({ t: { notifications }, q }, p: Params<{ user_id: string }>) =>
  q
    .delete(notifications)
    .where(
      and(
        eq(notifications.user_id, p.user_id),
        eq(notifications.is_read, sql`true`),
        eq(notifications.in_app, sql`true`),
      ),
    )
    .returning({ id: notifications.id }),
);

/** What a user chose, by type. */
export const preferencesOf = hot(({ t: { notification_preferences }, q }, p: Params<{ user_id: string }>) =>
  q
    .select()
    .from(notification_preferences)
    .where(eq(notification_preferences.user_id, p.user_id))
    .orderBy(asc(notification_preferences.type)),
);

/** What those of a JSON array of users chose, whatever the type. */
export const preferencesAmong = hot(
  ({ t: { notification_preferences: chosen }, q, dialect }, p: Params<{ users: string }>) =>
    q.select().from(chosen).where(dialect.isAmong(chosen.user_id, p.users)),
);

/** What a user chose for one type. */
export const preferenceOf = hot(
  ({ t: { notification_preferences }, q }, p: Params<{ user_id: string; type: string }>) =>
    q
      .select()
      .from(notification_preferences)
      .where(and(eq(notification_preferences.user_id, p.user_id), eq(notification_preferences.type, p.type)))
      .limit(1),
);

/** Adds a choice. Fails as `unique` when there is one for the type. */
export const insertPreference = insertInto("notification_preferences");

/** Writes another choice. */
export const updatePreference = updateIn("notification_preferences", ["user_id", "type"]);
