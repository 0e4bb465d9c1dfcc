import { Type, type Static } from "@sinclair/typebox";
import { isoTime, isoTimeOrNull } from "../../clock";
import { Body, Id, Instant, InstantInput, Nullable, Text } from "../../http/schema";
import type { TaskRow } from "./store";

/** How far a task has come. */
export const taskStatuses = ["todo", "in_progress", "done", "cancelled"] as const;
/** One of `taskStatuses`. */
export type TaskStatus = (typeof taskStatuses)[number];

/** What is still to be done: what `pending` means in a filter. */
export const pendingStatuses = ["todo", "in_progress"] as const;

/** How much a task matters, the least first. */
export const taskPriorities = ["low", "medium", "high", "urgent"] as const;

const Status = Type.Union(taskStatuses.map((status) => Type.Literal(status)));
const Priority = Type.Union(taskPriorities.map((priority) => Type.Literal(priority)));

/** A task as the API shows it. */
export const TaskView = Type.Object(
  {
    id: Type.String(),
    external_id: Nullable(Type.String()),
    title: Type.String(),
    description: Nullable(Type.String()),
    status: Status,
    priority: Priority,
    assigned_to: Nullable(Type.String()),
    client_id: Nullable(Type.String()),
    due_date: Nullable(Instant),
    remind_at: Nullable(Instant),
    /** An RRULE, RFC 5545. */
    recurrence: Nullable(Type.String()),
    completed_at: Nullable(Instant),
    created_by: Type.String(),
    created_at: Instant,
    updated_at: Instant,
    deleted_at: Nullable(Instant),
    version: Type.Integer(),
  },
  { title: "Task" },
);
export type TaskView = Static<typeof TaskView>;

const optional = {
  external_id: Nullable(Text(200)),
  description: Nullable(Type.String({ maxLength: 20_000 })),
  status: Status,
  priority: Priority,
  assigned_to: Nullable(Id),
  client_id: Nullable(Id),
  due_date: Nullable(InstantInput),
  remind_at: Nullable(InstantInput),
  recurrence: Nullable(Text(200)),
};

/** What a new task is made from: a title, and whatever else is known. */
export const TaskInput = Type.Composite(
  [Body({ title: Text(300) }), Type.Partial(Body(optional), { additionalProperties: false })],
  { title: "TaskInput", additionalProperties: false },
);
export type TaskInput = Static<typeof TaskInput>;

/** The fields to change; `null` clears. */
export const TaskPatch = Type.Partial(Body({ title: Text(300), ...optional }), {
  title: "TaskPatch",
  additionalProperties: false,
});
export type TaskPatch = Static<typeof TaskPatch>;

/** How many tasks there are, of those the caller may see and the filters let through. */
export const TaskStats = Type.Object(
  {
    total: Type.Integer(),
    by_status: Type.Object({
      todo: Type.Integer(),
      in_progress: Type.Integer(),
      done: Type.Integer(),
      cancelled: Type.Integer(),
    }),
    by_priority: Type.Object({
      low: Type.Integer(),
      medium: Type.Integer(),
      high: Type.Integer(),
      urgent: Type.Integer(),
    }),
    /** `todo` and `in_progress`. */
    pending: Type.Integer(),
    completed: Type.Integer(),
    /** Pending, and due before now. */
    overdue: Type.Integer(),
    /** Pending, and due today in the caller's time zone. */
    due_today: Type.Integer(),
    /** Pending, and nobody's. */
    unassigned: Type.Integer(),
  },
  { title: "TaskStats" },
);
export type TaskStats = Static<typeof TaskStats>;

/** The row as the API shows it. */
export const presentTask = (row: TaskRow): TaskView => ({
  id: row.id,
  external_id: row.external_id,
  title: row.title,
  description: row.description,
  status: row.status,
  priority: row.priority,
  assigned_to: row.assigned_to,
  client_id: row.client_id,
  due_date: isoTimeOrNull(row.due_date),
  remind_at: isoTimeOrNull(row.remind_at),
  recurrence: row.recurrence,
  completed_at: isoTimeOrNull(row.completed_at),
  created_by: row.created_by,
  created_at: isoTime(row.created_at),
  updated_at: isoTime(row.updated_at),
  deleted_at: isoTimeOrNull(row.deleted_at),
  version: row.version,
});
