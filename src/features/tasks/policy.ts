import { OwnPolicy } from "../../own-policy";
import type { TaskRow } from "./store";

/** Who may see and change which tasks: those they made or work on, or all. */
export const taskPolicy = (): OwnPolicy<TaskRow> => new OwnPolicy("tasks");
