import { Conflict } from "../../errors";
import type { TaskStatus } from "./schema";

/** Where a task may go from each state. */
const moves: Record<TaskStatus, readonly TaskStatus[]> = {
  todo: ["in_progress", "done", "cancelled"],
  in_progress: ["todo", "done", "cancelled"],
  done: ["todo"],
  cancelled: ["todo"],
};

/** @throws Conflict `invalid_transition` with the states that are `allowed` */
export function assertMove(from: TaskStatus, to: TaskStatus): void {
  if (from === to || moves[from].includes(to)) return;
  const allowed = moves[from];
  throw new Conflict(
    "invalid_transition",
    `A task that is ${from} cannot become ${to}, only ${allowed.join(", ")}.`,
    { from, allowed },
  );
}

/** When a task was done, after it moved: set by becoming `done`, cleared by leaving it. */
export function completedAt(to: TaskStatus, before: number | null, at: number): number | null {
  return to === "done" ? (before ?? at) : null;
}
