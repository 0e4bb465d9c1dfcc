import { and, asc, eq, gt, isNotNull, sql } from "drizzle-orm";
import { hot, type Params, type Query } from "../../db/hot";
import { recordColumns } from "../../db/rows";
import type { Session } from "../../db/store";
import type { Tables } from "../../db/tables";
import type { JobRow } from "../../jobs/job";

const isOpen = ({ state }: Tables["jobs"]) => sql`${state} in ('queued', 'running', 'failed')`;

/**
 * How many jobs there are of each kind that still concern somebody: those to be done, under way, and failed for good; and when
 * the first of them was due.
 */
export const openJobs = hot(({ t: { jobs }, q }) =>
  q
    .select({
      kind: jobs.kind,
      state: jobs.state,
      count: sql<number>`count(*)`.mapWith(Number),
      first: sql<number>`min(${jobs.run_at})`.mapWith(Number),
    })
    .from(jobs)
    .where(isOpen(jobs))
    .groupBy(jobs.kind, jobs.state),
);

/** Jobs under way that say how far they are, the first one first. */
export const countedJobs = hot(
  ({ t, q }, p: Params<{ limit: number }>) =>
    q
      .select(recordColumns("jobs")(t))
      .from(t.jobs)
      .where(and(sql`${t.jobs.state} = 'running'`, isNotNull(t.jobs.progress)))
      .orderBy(asc(t.jobs.created_at), asc(t.jobs.id))
      .limit(p.limit) as unknown as Query<JobRow>,
);

/** How many people were here since an instant: an app that is used refreshes its session every few minutes. */
export const activeUsers = hot(({ t: { users, sessions }, q }, p: Params<{ since: number }>) => {
  const used = and(eq(sessions.user_id, users.id), gt(sessions.last_used_at, p.since));
  return q
    .select({ count: sql<number>`count(*)`.mapWith(Number) })
    .from(users)
    .where(sql`exists (select 1 from ${sessions} where ${used})`);
});

const few = 1_000;
const afterFewUsers = hot(({ t: { users }, q }) =>
  q.select({ id: users.id }).from(users).limit(1).offset(few),
);
const afterFewJobs = hot(({ t: { jobs }, q }) =>
  q.select({ id: jobs.id }).from(jobs).where(isOpen(jobs)).limit(1).offset(few),
);

/** Whether there are so few people and open jobs that counting them keeps nobody waiting. */
export async function isQuicklyCounted(session: Session): Promise<boolean> {
  return !(await afterFewUsers.first(session, {})) && !(await afterFewJobs.first(session, {}));
}
