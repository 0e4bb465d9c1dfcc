import { and, eq, sql } from "drizzle-orm";
import { hot, type Params } from "../../db/hot";
import { insertManyInto } from "../../db/rows";

/** Adds what a job left out. */
export const insertProblems = insertManyInto("job_problems");

/** Removes all that a job left out. */
export const deleteProblems = hot(({ t: { job_problems: problems }, q }, p: Params<{ job_id: string }>) =>
  q.delete(problems).where(eq(problems.job_id, p.job_id)).returning({ id: problems.id }),
);

/** What is the matter with a job. */
export const jobState = hot(({ t: { jobs }, q }, p: Params<{ id: string }>) =>
  q.select({ state: jobs.state }).from(jobs).where(eq(jobs.id, p.id)).limit(1),
);

/** What the jobs of some kinds (a JSON array) know that are still to be done. */
export const pendingImports = hot(({ t: { jobs }, q, dialect }, p: Params<{ kinds: string }>) =>
  q
    .select({ payload: jobs.payload })
    .from(jobs)
    .where(and(sql`${jobs.state} in ('queued', 'running')`, dialect.isAmong(jobs.kind, p.kinds))),
);
