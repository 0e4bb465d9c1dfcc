import { and, asc, eq, gt, sql } from "drizzle-orm";
import { hot, value, type Params, type Query } from "../../db/hot";
import type { Resource } from "../../db/list";
import { recordColumns, type RowOf } from "../../db/rows";
import type { JobRow } from "../../jobs/job";
import { jobFields } from "./fields";

/** Jobs, as a list has them. */
export const listedJobs: Resource<JobRow> = { fields: jobFields, columns: recordColumns("jobs") };

/** One job by id. */
export const jobById = hot(
  ({ t, q }, p: Params<{ id: string }>) =>
    q
      .select(recordColumns("jobs")(t))
      .from(t.jobs)
      .where(eq(t.jobs.id, p.id))
      .limit(1) as unknown as Query<JobRow>,
);

/** Queues a job that failed, as if it had never been tried; gives nothing when it has not failed. */
export const queueAgain = hot(
  ({ t: { jobs }, q }, p: Params<{ id: string; run_at: number }>) =>
    q
      .update(jobs)
      .set({
        ...{ state: sql`'queued'`, attempts: sql`0`, run_at: value(jobs.run_at, p.run_at) },
        ...{ error: sql`null`, finished_at: sql`null` },
      })
      .where(and(eq(jobs.id, p.id), eq(jobs.state, sql`'failed'`)))
      .returning(recordColumns("jobs")({ jobs })) as unknown as Query<JobRow>,
);

/** Ends a job that waits or runs: whoever runs it loses its lease. Gives nothing when it has ended. */
export const cancel = hot(
  ({ t: { jobs }, q }, p: Params<{ id: string; finished_at: number }>) =>
    q
      .update(jobs)
      .set({
        ...{ state: sql`'cancelled'`, finished_at: value(jobs.finished_at, p.finished_at) },
        ...{ lease_id: sql`null`, leased_until: sql`null` },
      })
      .where(and(eq(jobs.id, p.id), sql`${jobs.state} in ('queued', 'running')`))
      .returning(recordColumns("jobs")({ jobs })) as unknown as Query<JobRow>,
);

/** What a job did not do, in its order, after one of these. */
export const problemsAfter = hot(
  ({ t: { job_problems: problems }, q }, p: Params<{ job_id: string; after: string; limit: number }>) =>
    q
      .select(recordColumns("job_problems")({ job_problems: problems }))
      .from(problems)
      .where(and(eq(problems.job_id, p.job_id), gt(problems.id, p.after)))
      .orderBy(asc(problems.id))
      .limit(p.limit) as unknown as Query<RowOf<"job_problems">>,
);
