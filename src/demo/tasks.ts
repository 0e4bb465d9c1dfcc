import { day, hour, isoTime } from "../clock";
import type { TaskInput } from "../features/tasks/schema";
import type { DemoClient } from "./customers";

/** A task of the demo company, and what became of it. */
export interface DemoTask {
  input: TaskInput;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** Where it has got to, and when; `undefined` while nobody has begun it. */
  became?: { status: "in_progress" | "done" | "cancelled"; at: number };
}

const toDo: ((firstName: string) => string)[] = [
  (name) => `Call ${name} about the last order`,
  (name) => `Send ${name} the new catalogue`,
  (name) => `Prepare an offer for ${name}`,
  (name) => `Ask ${name} for feedback`,
  (name) => `Confirm the delivery address with ${name}`,
  (name) => `Remind ${name} of the open invoice`,
  (name) => `Invite ${name} to the summer event`,
];

const priorities = ["medium", "low", "high", "medium", "urgent", "medium", "low"] as const;

/** When tasks are due, in days from today: most of them soon, some of them overdue. */
const dueIn = [-21, -9, -4, -2, -1, 0, 0, 1, 2, 3, 5, 8, 13, 30];

/** Three tasks for each client, due around `now`, for whoever supports them. */
export const clientTasks = (
  { firstName }: DemoClient,
  clientNumber: number,
  now: number,
  ids: { client_id: string; assigned_to: string },
): DemoTask[] =>
  [0, 1, 2].map((nth) => {
    const i = clientNumber * 3 + nth;
    const due = startOfDay(now) + dueIn[(i * 5) % dueIn.length]! * day + (8 + (i % 9)) * hour;
    const createdAt = Math.min(due, now) - (3 + (i % 11)) * day;
    return {
      createdAt,
      became: whatBecame(i, due, now),
      input: {
        title: toDo[i % toDo.length]!(firstName),
        description: i % 3 === 0 ? `See the notes on ${firstName}.` : null,
        priority: priorities[i % priorities.length]!,
        due_date: isoTime(due),
        remind_at: i % 4 === 0 ? isoTime(due - hour) : null,
        ...ids,
      },
    };
  });

/** What was due is mostly done; of what is to come, some has begun. Today has something left at any hour. */
function whatBecame(i: number, due: number, now: number): DemoTask["became"] {
  if (due >= startOfDay(now)) return i % 4 === 0 ? { status: "in_progress", at: now - hour } : undefined;
  if (i % 6 === 0) return undefined;
  return { status: i % 11 === 0 ? "cancelled" : "done", at: Math.min(due + hour, now) };
}

/** What comes back every week and month, for nobody's client. */
export const recurringTasks = (now: number, assigned_to: string): DemoTask[] =>
  [
    { title: "Go through the pipeline with everybody", recurrence: "FREQ=WEEKLY;BYDAY=MO", inDays: 2 },
    { title: "Write the sales report", recurrence: "FREQ=MONTHLY;BYMONTHDAY=1", inDays: 6 },
    { title: "Check that the backups can be restored", recurrence: "FREQ=MONTHLY", inDays: 12 },
  ].map(({ title, recurrence, inDays }) => ({
    createdAt: now - 30 * day,
    input: {
      ...{ title, recurrence, assigned_to, priority: "high" as const },
      due_date: isoTime(startOfDay(now) + inDays * day + 9 * hour),
    },
  }));

const startOfDay = (instant: number) => instant - (instant % day);
