import { and, eq, sql } from "drizzle-orm";
import { hot, value, type Params, type Query } from "../../db/hot";
import type { Resource } from "../../db/list";
import { recordColumns } from "../../db/rows";
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
