import { sql } from "drizzle-orm";
import type { Columns } from "../columns.postgres";
import type { AccountTables } from "./accounts";
import type { ClientTables } from "./clients";

const live = sql`deleted_at is null`;
const deleted = sql`deleted_at is not null`;

/** What there is to do, for a client or for none. */
export function describeTasks(c: Columns, { users, clients }: AccountTables & ClientTables) {
  const tasks = c.table(
    "tasks",
    {
      id: c.id("id").primaryKey(),
      external_id: c.text("external_id"),
      external_id_key: c.sortKey("external_id_key"),
      title: c.text("title").notNull(),
      title_key: c.sortKey("title_key").notNull(),
      description: c.text("description"),
      status: c.text("status").$type<"todo" | "in_progress" | "done" | "cancelled">().notNull(),
      priority: c.text("priority").$type<"low" | "medium" | "high" | "urgent">().notNull(),
      /** From 1, the least: by name, high would come before low. */
      priority_key: c.integer("priority_key").notNull(),
      assigned_to: c.id("assigned_to").references(() => users.id),
      /** Stays when the client is deleted, and goes when it is purged. */
      client_id: c.id("client_id").references(() => clients.id, { onDelete: "set null" }),
      due_date: c.time("due_date"),
      remind_at: c.time("remind_at"),
      /** An RRULE, RFC 5545. */
      recurrence: c.text("recurrence"),
      completed_at: c.time("completed_at"),
      created_by: c
        .id("created_by")
        .notNull()
        .references(() => users.id),
      created_at: c.time("created_at").notNull(),
      updated_at: c.time("updated_at").notNull(),
      deleted_at: c.time("deleted_at"),
      version: c.integer("version").notNull().default(1),
    },
    (t) => [
      c.uniqueIndex("tasks_external_id").on(t.external_id).where(live),
      c.index("tasks_by_external_id").on(t.external_id_key, t.id).where(live),
      c.index("tasks_by_title").on(t.title_key, t.id).where(live),
      c.index("tasks_by_status").on(t.status, t.id).where(live),
      c.index("tasks_by_priority").on(t.priority_key, t.id).where(live),
      c.index("tasks_by_due_date").on(t.due_date, t.id).where(live),
      c.index("tasks_by_completion").on(t.completed_at, t.id).where(live),
      c.index("tasks_by_creation").on(t.created_at, t.id).where(live),
      c.index("tasks_by_update").on(t.updated_at, t.id).where(live),
      // Filtered by one of these, a list is still in the order that it has without being asked for one.
      c.index("tasks_by_status_creation").on(t.status, t.created_at, t.id).where(live),
      // What is to be done, by when it is due: the list that people work by.
      c.index("tasks_by_status_due_date").on(t.status, t.due_date, t.id).where(live),
      c.index("tasks_by_assignee").on(t.assigned_to, t.created_at, t.id).where(live),
      c.index("tasks_by_assignee_due_date").on(t.assigned_to, t.due_date, t.id).where(live),
      c.index("tasks_by_client").on(t.client_id, t.created_at, t.id).where(live),
      c.index("tasks_by_creator").on(t.created_by, t.created_at, t.id).where(live),
      // What is removed for good with a client, or keeps one from going, is looked for among the deleted ones too.
      c
        .index("tasks_of_client")
        .on(t.client_id)
        .where(sql`client_id is not null`),
      c.index("tasks_by_deletion").on(t.created_at, t.id).where(deleted),
      // Whatever is counted about all tasks, without reading them.
      c.index("tasks_by_state").on(t.status, t.priority_key, t.due_date, t.assigned_to).where(live),
    ],
  );

  return { tasks };
}

/** The tables other areas refer to. */
export type TaskTables = ReturnType<typeof describeTasks>;
