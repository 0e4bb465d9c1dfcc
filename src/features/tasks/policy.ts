import { OwnPolicy, type Readers } from "../../own-policy";
import type { TaskRow } from "./store";

/**
 * Who may see and change which tasks: those they made or work on, or all.
 * @param clients who may see which clients: a list of tasks asks nothing of others
 */
export const taskPolicy = (clients: Readers): OwnPolicy<TaskRow> =>
  new OwnPolicy("tasks", undefined, { client: clients });
