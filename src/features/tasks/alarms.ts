import { hour, now } from "../../clock";
import type { Session } from "../../db/store";
import { newId } from "../../ids";
import { pendingStatuses } from "./schema";
import { deleteAlarm, insertAlarm, type AlarmRow, type TaskRow } from "./store";

/** What somebody is told about a task when its time comes. */
export const alarmKinds = ["reminder", "due_soon", "overdue"] as const;

type Alarms = Record<AlarmRow["kind"], number | null>;

/** When a task rings: not at all unless it has still to be done. */
function alarmsOf(task: TaskRow | null, dueSoonHours: number): Alarms {
  const isPending = task?.deleted_at === null && pendingStatuses.some((status) => status === task.status);
  const due = isPending ? task.due_date : null;
  return {
    reminder: isPending ? task.remind_at : null,
    due_soon: due === null || dueSoonHours === 0 ? null : due - dueSoonHours * hour,
    overdue: due,
  };
}

/**
 * Sets what has changed about when a task rings, in the transaction that changes the task. What is past by then does not
 * ring: whoever writes it knows, and so does an import.
 * @param before `null` for a new task
 */
export async function setAlarms(
  session: Session,
  before: TaskRow | null,
  after: TaskRow,
  dueSoonHours: number,
): Promise<void> {
  const [old, wanted] = [alarmsOf(before, dueSoonHours), alarmsOf(after, dueSoonHours)];
  for (const kind of alarmKinds) {
    const at = wanted[kind];
    if (old[kind] === at) continue;
    if (old[kind] !== null) await deleteAlarm.all(session, { task_id: after.id, kind });
    if (at !== null && at > now())
      await insertAlarm.all(session, { id: newId(), task_id: after.id, kind, at });
  }
}
