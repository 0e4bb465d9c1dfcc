import { and, eq, gt, isNull, lt, lte, not, or, sql } from "drizzle-orm";
import { hot, value, type Params, type Query, type Shape } from "../db/hot";
import { recordColumns, type RowOf } from "../db/rows";
import type { JobRow } from "./job";

/** One process's hold on a job. */
export type Lease = Pick<RowOf<"jobs">, "id"> & { lease_id: string };

const isQueued = ({ t: { jobs } }: Shape) => sql`${jobs.state} = 'queued'`;
const isRunning = ({ t: { jobs } }: Shape) => sql`${jobs.state} = 'running'`;

/** Which jobs are looked for. */
export interface Wanted {
  /** Their kinds, a JSON array. */
  kinds: string;
  now: number;
  /** How many more of those that somebody asked for may begin. */
  asked: number;
  /** Whose do not begin now, a JSON array of ids of users. */
  full: string;
}

const isDue = (shape: Shape, p: Params<Wanted>) => {
  const { t: { jobs }, dialect } = shape; // prettier-ignore
  const isTheirTurn = and(sql`${p.asked} > 0`, not(dialect.isAmong(jobs.created_by, p.full)));
  return and(
    isQueued(shape),
    lte(jobs.run_at, p.now),
    dialect.isAmong(jobs.kind, p.kinds),
    or(isNull(jobs.created_by), isTheirTurn),
  );
};

/** Jobs that are due, the most urgent first, and who asked for each; for the transaction that leases them. */
export const dueJobs = hot((shape: Shape, p: Params<Wanted & { limit: number }>) => {
  const { t: { jobs }, q, dialect } = shape; // prettier-ignore
  const order = sql`${jobs.priority}, ${jobs.run_at}, ${jobs.id}`;
  const due = sql`select ${jobs.id}, ${jobs.created_by} from ${jobs} where ${isDue(shape, p)} order by ${order} limit ${p.limit}`;
  return q
    .select({ id: sql<string>`due.id`, created_by: sql<string | null>`due.created_by` })
    .from(sql`(${due}${dialect.skipLocked}) as due`);
});

/** Added later than now: then the clock was ahead, and has been set back. */
const isAhead = (shape: Shape, p: Params<{ now: number }>) =>
  and(isQueued(shape), gt(shape.t.jobs.created_at, p.now));

/** Whether there is something to lease, a lease to end, or a job that was added later than now. Cheaper than a transaction. */
export const somethingDue = hot((shape: Shape, p: Params<Wanted>) => {
  const { t: { jobs }, q } = shape; // prettier-ignore
  const lapsed = and(isRunning(shape), lt(jobs.leased_until, p.now));
  return q
    .select({ due: sql<number>`1` })
    .from(sql`(select 1) as one`)
    .where(
      sql`exists (select 1 from ${jobs} where ${isDue(shape, p)}) or exists (select 1 from ${jobs} where ${lapsed}) or exists (select 1 from ${jobs} where ${isAhead(shape, p)})`,
    );
});

/** Leases the jobs of a JSON array of ids. */
export const leaseJobs = hot(
  ({ t, q, dialect }, p: Params<{ ids: string; lease_id: string; leased_until: number }>) =>
    q
      .update(t.jobs)
      .set({
        state: sql`'running'`,
        lease_id: value(t.jobs.lease_id, p.lease_id),
        leased_until: value(t.jobs.leased_until, p.leased_until),
        attempts: sql`${t.jobs.attempts} + 1`,
      })
      .where(dialect.isAmong(t.jobs.id, p.ids))
      .returning(recordColumns("jobs")(t)) as unknown as Query<JobRow>,
);

/** Queues what processes left behind that are no more. */
export const takeBackLapsed = hot((shape: Shape, p: Params<{ now: number }>) => {
  const { t: { jobs }, q } = shape; // prettier-ignore
  return q
    .update(jobs)
    .set({ state: sql`'queued'`, lease_id: sql`null`, leased_until: sql`null` })
    .where(and(isRunning(shape), lt(jobs.leased_until, p.now)))
    .returning({ id: jobs.id });
});

/** Has what was added while the clock was ahead wait from now on, as long as it was to wait then. */
export const pullBackAhead = hot((shape: Shape, p: Params<{ now: number }>) => {
  const { t: { jobs }, q } = shape; // prettier-ignore
  return q
    .update(jobs)
    .set({ run_at: sql`${jobs.run_at} - ${jobs.created_at} + ${p.now}`, created_at: sql`${p.now}` })
    .where(isAhead(shape, p))
    .returning({ id: jobs.id });
});

/** Holds leases (JSON arrays of their jobs' ids and of their own) for longer; gives those that are still held. */
export const renewLeases = hot(
  (shape: Shape, p: Params<{ ids: string; leases: string; leased_until: number }>) => {
    const { t: { jobs }, q, dialect } = shape; // prettier-ignore
    const mine = and(dialect.isAmong(jobs.id, p.ids), dialect.isAmong(jobs.lease_id, p.leases));
    return q
      .update(jobs)
      .set({ leased_until: value(jobs.leased_until, p.leased_until) })
      .where(and(isRunning(shape), mine))
      .returning({ id: jobs.id, lease_id: jobs.lease_id });
  },
);

const held = (shape: Shape, p: Params<Lease>) =>
  and(eq(shape.t.jobs.id, p.id), eq(shape.t.jobs.lease_id, p.lease_id), isRunning(shape));

/** Writes how far a job is, and how often it was tried to get there; gives nothing when the lease is lost. */
export const writeProgress = hot(
  (shape: Shape, p: Params<Lease & Pick<RowOf<"jobs">, "progress" | "attempts">>) => {
    const { t: { jobs }, q } = shape; // prettier-ignore
    return q
      .update(jobs)
      .set({ progress: value(jobs.progress, p.progress), attempts: value(jobs.attempts, p.attempts) })
      .where(held(shape, p))
      .returning({ id: jobs.id });
  },
);

/** What becomes of a job at the end of an attempt. */
export type Ending = Pick<RowOf<"jobs">, "state" | "attempts" | "run_at" | "error" | "finished_at">;

/** Ends a lease; gives nothing when it is lost. */
export const endLease = hot((shape: Shape, p: Params<Lease & Ending>) => {
  const { t: { jobs }, q } = shape; // prettier-ignore
  return q
    .update(jobs)
    .set({
      state: value(jobs.state, p.state),
      attempts: value(jobs.attempts, p.attempts),
      run_at: value(jobs.run_at, p.run_at),
      error: value(jobs.error, p.error),
      finished_at: value(jobs.finished_at, p.finished_at),
      ...{ lease_id: sql`null`, leased_until: sql`null` },
    })
    .where(held(shape, p))
    .returning({ id: jobs.id });
});
