import { and, eq, isNull, sql } from "drizzle-orm";
import { now, second } from "../clock";
import { tellAfterCommit } from "../db/after-commit";
import { hot, type Params } from "../db/hot";
import { insertInto } from "../db/rows";
import type { Session } from "../db/store";
import { TooMany } from "../errors";
import { newId } from "../ids";
import { tracing } from "../ops/tracing/tracing";
import type { JobRow, NewJob } from "./job";

/** What a transaction that added a job tells after its commit. */
export const jobsTopic = "jobs";

/** What is told after a commit that changed how far a job is, to whoever watches it. */
export const jobTopic = (id: string) => `job:${id}`;

/** What a transaction that ended a job before its time tells after its commit, to whoever does it. */
export const cancelledTopic = "jobs:cancelled";

const insertJob = insertInto("jobs");

const waitingWithKey = hot(({ t: { jobs }, q }, p: Params<{ key: string }>) =>
  q
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(eq(jobs.key, p.key), sql`${jobs.state} in ('queued', 'running')`))
    .limit(1),
);

/** What waits takes room: the file of an import, or the records of a change. */
const mostOfOne = 20;

const waitingOf = hot(({ t: { jobs }, q }, p: Params<{ created_by: string }>) =>
  q
    .select({ total: sql<number>`count(*)`.mapWith(Number) })
    .from(jobs)
    .where(
      and(eq(jobs.created_by, p.created_by), isNull(jobs.key), sql`${jobs.state} in ('queued', 'running')`),
    ),
);

/**
 * @param coming how many more they are about to ask for
 * @throws TooMany when as many jobs of a user wait or run as one may have
 */
export async function assertMayAsk(session: Session, createdBy: string, coming = 1): Promise<void> {
  const waiting = await waitingOf.first(session, { created_by: createdBy });
  if (waiting!.total + coming <= mostOfOne) return;
  const message = `You have ${mostOfOne} jobs that wait or run, as many as one may have.`;
  throw new TooMany("too_many_jobs", message, 10 * second);
}

/**
 * Adds a job within a transaction; gives its id, or that of the one that has its key already.
 * @throws TooMany when whoever asks for it has as many as one may have; those with a key do not count
 */
export async function addJob(session: Session, job: NewJob): Promise<string> {
  const waiting = job.key === undefined ? undefined : await waitingWithKey.first(session, { key: job.key });
  if (waiting) return waiting.id;
  if (job.createdBy != null && job.key === undefined) await assertMayAsk(session, job.createdBy);
  const id = await insertAs(session, job, "queued", job.result);
  tellAfterCommit(session, jobsTopic);
  return id;
}

/** Adds a job that is done already, in the transaction that did it; gives its id. */
export const addDoneJob = (session: Session, job: NewJob, result: JobRow["result"]): Promise<string> =>
  insertAs(session, job, "succeeded", result);

async function insertAs(
  session: Session,
  job: NewJob,
  state: "queued" | "succeeded",
  result: JobRow["result"] = null,
): Promise<string> {
  const [id, at] = [job.id ?? newId(), now()];
  await insertJob.all(session, {
    ...{ id, kind: job.kind, key: job.key ?? null, payload: inItsTrace(job.payload) },
    ...{ state, priority: -(job.priority ?? 0), attempts: 0, run_at: job.runAt ?? at },
    ...{ leased_until: null, lease_id: null, error: null, result, progress: job.progress ?? null },
    ...{ created_by: job.createdBy ?? null, created_at: at, finished_at: state === "queued" ? null : at },
  });
  return id;
}

/** With the trace in which it was asked for, where there is one: the job goes on with it. */
function inItsTrace(payload: NewJob["payload"]): NewJob["payload"] {
  const traceparent = tracing()?.traceparent();
  return traceparent === undefined ? payload : { ...payload, traceparent };
}
