import type { Columns } from "../columns.postgres";
import type { AccountTables } from "./accounts";
import type { TaskTables } from "./tasks";

/** What people are told, and when. */
export function describeNotifications(c: Columns, { users, tasks }: AccountTables & TaskTables) {
  const notifications = c.table(
    "notifications",
    {
      id: c.id("id").primaryKey(),
      user_id: c
        .id("user_id")
        .notNull()
        .references(() => users.id, { onDelete: "cascade" }),
      /** The user's own counter, from 1 and without gaps: what a client gives to get everything after it. */
      number: c.integer("number").notNull(),
      type: c.text("type").notNull(),
      title: c.text("title").notNull(),
      message: c.text("message").notNull(),
      /** Where in a web client it leads, such as `/tasks/<id>`. */
      link: c.text("link"),
      /** Equal ones within a minute are one. */
      fold_key: c.text("fold_key").notNull(),
      /** Whether it stands in its user's list, as they chose; one that does not counts as read. */
      in_app: c.boolean("in_app").notNull(),
      /** Whether it goes out over each kind of connection, as its user chose. */
      websocket: c.boolean("websocket").notNull(),
      sse: c.boolean("sse").notNull(),
      is_read: c.boolean("is_read").notNull(),
      read_at: c.time("read_at"),
      created_at: c.time("created_at").notNull(),
    },
    (t) => [
      c.uniqueIndex("notifications_by_number").on(t.user_id, t.number),
      c.index("notifications_by_creation").on(t.user_id, t.created_at, t.id),
      c.index("notifications_by_reading").on(t.user_id, t.is_read, t.created_at, t.id),
      c.index("notifications_by_fold").on(t.user_id, t.fold_key, t.created_at),
    ],
  );

  /** The last number that each user's notifications have: raised in the transaction that adds one. */
  const notification_counters = c.table("notification_counters", {
    user_id: c
      .id("user_id")
      .primaryKey()
      .references(() => users.id, { onDelete: "cascade" }),
    last_number: c.integer("last_number").notNull(),
  });

  /** What a user wants of each type of notification; without a row, everything. */
  const notification_preferences = c.table(
    "notification_preferences",
    {
      id: c.id("id").primaryKey(),
      user_id: c
        .id("user_id")
        .notNull()
        .references(() => users.id, { onDelete: "cascade" }),
      type: c.text("type").notNull(),
      in_app: c.boolean("in_app").notNull(),
      websocket: c.boolean("websocket").notNull(),
      sse: c.boolean("sse").notNull(),
      mail: c.boolean("mail").notNull(),
    },
    (t) => [c.uniqueIndex("notification_preferences_by_type").on(t.user_id, t.type)],
  );

  /** When somebody is to be told about a task. Written with the task, gone once they were told. */
  const task_alarms = c.table(
    "task_alarms",
    {
      id: c.id("id").primaryKey(),
      task_id: c
        .id("task_id")
        .notNull()
        .references(() => tasks.id, { onDelete: "cascade" }),
      kind: c.text("kind").$type<"reminder" | "due_soon" | "overdue">().notNull(),
      at: c.time("at").notNull(),
    },
    (t) => [
      c.uniqueIndex("task_alarms_by_task").on(t.task_id, t.kind),
      c.index("task_alarms_by_time").on(t.at),
    ],
  );

  return { notifications, notification_counters, notification_preferences, task_alarms };
}
