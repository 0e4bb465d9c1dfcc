import type { ListScope } from "../../db/list";
import type { JobRow } from "../../jobs/job";
import { isUser, scopeOf, type Actor } from "../../policy";

/** Whether the actor sees how far a job is: one that they asked for, or any. */
export const seesJob = (actor: Actor, { created_by }: JobRow): boolean => {
  const scope = scopeOf(actor, "jobs.read");
  return scope === "all" || (scope === "own" && isUser(actor, created_by));
};

/** Whether the actor may end a job, or take back what it did: one that they asked for, or any for those who look after them. */
export const mayChangeJob = (actor: Actor, { created_by }: JobRow): boolean =>
  isUser(actor, created_by) || scopeOf(actor, "jobs.manage") === "all";

/** Every job, for those who look after them. */
export const jobsListed = (actor: Actor): ListScope => ({
  shape: "all",
  args: {},
  caller: `${actor.kind} ${actor.userId}`,
  where: () => undefined,
});
