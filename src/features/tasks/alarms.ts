import { hour, now } from "../../clock";
import type { Session } from "../../db/store";
import { newId } from "../../ids";
import { pendingStatuses } from "./schema";
import { alarmsOfTask, deleteAlarm, insertAlarm, insertAlarms, type AlarmRow, type TaskRow } from "./store";

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

/** Whether a task is still to ring. */
export const rings = (task: TaskRow, dueSoonHours: number): boolean =>
  Object.values(alarmsOf(task, dueSoonHours)).some((at) => at !== null && at > now());

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
  // Where nobody is told any more of what is due soon, a task may have its alarm from before.
  const old = alarmsOf(before, dueSoonHours || 1);
  await move(session, after.id, old, alarmsOf(after, dueSoonHours));
}

/** Sets when new tasks ring, likewise. */
export async function setNewAlarms(
  session: Session,
  tasks: readonly TaskRow[],
  dueSoonHours: number,
): Promise<void> {
  const at = now();
  const ringing = tasks.flatMap((task) => {
    const alarms = alarmsOf(task, dueSoonHours);
    return alarmKinds.map((kind) => ({ id: newId(), task_id: task.id, kind, at: alarms[kind] ?? 0 }));
  });
  await insertAlarms(
    session,
    ringing.filter((alarm) => alarm.at > at),
  );
}

/** Makes the alarms of a task what it says, whichever there are. What is past by then does not ring, as in `setAlarms`. */
export async function remakeAlarms(session: Session, task: TaskRow, dueSoonHours: number): Promise<void> {
  const there = { ...noAlarms };
  for (const { kind, at } of await alarmsOfTask.all(session, { task_id: task.id })) there[kind] = at;
  await move(session, task.id, there, alarmsOf(task, dueSoonHours));
}

const noAlarms: Alarms = { reminder: null, due_soon: null, overdue: null };

async function move(session: Session, task_id: string, old: Alarms, wanted: Alarms): Promise<void> {
  for (const kind of alarmKinds) {
    const at = wanted[kind];
    if (old[kind] === at) continue;
    if (old[kind] !== null) await deleteAlarm.all(session, { task_id, kind });
    if (at !== null && at > now()) await insertAlarm.all(session, { id: newId(), task_id, kind, at });
  }
}
