import { and, asc, eq, gt, inArray, lte } from "drizzle-orm";
import { hot, type Params, type Query } from "../../db/hot";
import { rebuildIn } from "../../db/rebuild";
import {
  insertInto,
  insertManyInto,
  liveAmong,
  liveWith,
  recordById,
  recordColumns,
  recordsAmong,
  updateChangedIn,
  withDerived,
  type RecordOf,
  type RowOf,
} from "../../db/rows";
import { rankOf } from "../../list";
import { taskPriorities } from "./schema";

/** A task without the columns that follow from the others. */
export type TaskRow = RecordOf<"tasks">;

/** The columns of a `TaskRow`. */
export const taskColumns = recordColumns("tasks");

/** One task by id, deleted or not. */
export const taskById = recordById("tasks");

/** The tasks with these ids, deleted or not. */
export const tasksById = recordsAmong("tasks");

/** The id of the live task with this external id. */
export const taskWithExternalId = liveWith("tasks", "external_id");

/** The ids of the live tasks with one of these external ids. */
export const tasksWithExternalIds = liveAmong("tasks", "external_id");

/** Some of a client's tasks, deleted or not. */
export const tasksOfClient = hot(({ t, q }, p: Params<{ client_id: string; most: number }>) => {
  const found = q
    .select(taskColumns(t))
    .from(t.tasks)
    .where(eq(t.tasks.client_id, p.client_id))
    .limit(p.most);
  return found as PromiseLike<unknown> as Query<TaskRow>;
});

/** Those of some clients (a JSON array of ids) that have tasks, deleted or not. */
export const clientsOfTasks = hot(({ t: { tasks }, q, dialect }, p: Params<{ ids: string }>) =>
  q
    .select({ id: tasks.client_id })
    .from(tasks)
    .where(dialect.isAmong(tasks.client_id, p.ids))
    .groupBy(tasks.client_id),
);

/** Adds a task. Fails as `unique` when its external id is taken. */
export const insertTask = insertInto("tasks");

/** Adds many tasks, whose external ids are free. */
export const insertTasks = insertManyInto("tasks");

/** Writes what changed about a task. Fails as `unique` like an insert. */
export const updateTask = updateChangedIn("tasks");

/** The row with the columns that follow from the others. */
export const wholeTask = (row: TaskRow): RowOf<"tasks"> =>
  withDerived("tasks", row, { priority_key: rankOf(taskPriorities, row.priority) });

/** When a task rings for one reason. */
export type AlarmRow = RowOf<"task_alarms">;

/** Adds an alarm. */
export const insertAlarm = insertInto("task_alarms");

/** Adds many alarms. */
export const insertAlarms = insertManyInto("task_alarms");

/** Removes a task's alarm of one kind, if it has one. */
export const deleteAlarm = hot(({ t: { task_alarms }, q }, p: Params<Pick<AlarmRow, "task_id" | "kind">>) =>
  q
    .delete(task_alarms)
    .where(and(eq(task_alarms.task_id, p.task_id), eq(task_alarms.kind, p.kind)))
    .returning({ id: task_alarms.id }),
);

/** The alarms of a task. */
export const alarmsOfTask = hot(({ t: { task_alarms }, q }, p: Params<Pick<AlarmRow, "task_id">>) =>
  q
    .select({ kind: task_alarms.kind, at: task_alarms.at })
    .from(task_alarms)
    .where(eq(task_alarms.task_id, p.task_id)),
);

/** Tasks, deleted or not, in the order of their ids. */
export const tasksAfter = hot(({ t, q }, p: Params<{ id: string; most: number }>) => {
  const found = q
    .select(taskColumns(t))
    .from(t.tasks)
    .where(gt(t.tasks.id, p.id))
    .orderBy(asc(t.tasks.id))
    .limit(p.most);
  return found as PromiseLike<unknown> as Query<TaskRow>;
});

/** An alarm that is due at `at`, if there is one. */
export const dueAlarm = hot(({ t: { task_alarms }, q }, p: Params<Pick<AlarmRow, "at">>) =>
  q.select({ id: task_alarms.id }).from(task_alarms).where(lte(task_alarms.at, p.at)).limit(1),
);

/** Takes away the alarms that are due at `at`, the first ones first, and gives them: each to one taker alone. */
export const takeDueAlarms = hot(
  ({ t: { task_alarms }, q }, p: Params<Pick<AlarmRow, "at"> & { most: number }>) => {
    const due = q
      .select({ id: task_alarms.id })
      .from(task_alarms)
      .where(lte(task_alarms.at, p.at))
      .orderBy(asc(task_alarms.at))
      .limit(p.most);
    return q
      .delete(task_alarms)
      .where(inArray(task_alarms.id, due))
      .returning({ task_id: task_alarms.task_id, kind: task_alarms.kind, at: task_alarms.at });
  },
);

/** Makes the row of a task what it has to be; gives the columns in which it was not. */
export const rebuildTask = rebuildIn("tasks", ["external_id"]);
