import { now } from "../../clock";
import { tellAfterCommit } from "../../db/after-commit";
import { listPage, pageOf } from "../../db/list";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Conflict, Forbidden, NotFound } from "../../errors";
import type { JobKind, JobRow } from "../../jobs/job";
import { addJob, cancelledTopic, jobsTopic, jobTopic } from "../../jobs/queue";
import type { ListRequest, Page } from "../../list";
import type { Actor } from "../../policy";
import { jobsListed, mayChangeJob, seesJob } from "./policy";
import { problemsCsv } from "./problems-csv";
import { presentJob, type JobView } from "./schema";
import { cancel, jobById, listedJobs, problemsAfter, queueAgain } from "./store";
import { undoJob } from "./undo";

/** A job that was added in the same transaction, as the API shows it. */
export const jobIn = async (session: Session, id: string): Promise<JobView> =>
  presentJob((await jobById.first(session, { id }))!);

/** Who sees a job, as it is now: for those who watch it. */
export async function jobSeenBy(
  session: Session,
  id: string,
): Promise<((actor: Actor) => boolean) | undefined> {
  const row = await jobById.first(session, { id });
  return row && ((actor) => seesJob(actor, row));
}

/** Jobs, for those who wait for them and those who look after them. */
export class JobService {
  /** @param kinds what is done with jobs */
  constructor(
    private readonly store: Store,
    private readonly kinds: readonly JobKind[],
  ) {}

  /** One job. @throws NotFound without such a job, or when it is none of the actor's business */
  async get(actor: Actor, id: string): Promise<JobView> {
    const row = await jobById.first(this.store.read, { id });
    if (!row || !seesJob(actor, row)) throw new NotFound("job");
    return presentJob(row);
  }

  /**
   * Ends a job that waits or runs. What it did stays, and can be taken back with `undo`.
   * @throws NotFound as `get` does, Conflict when it has ended
   */
  cancel(actor: Actor, id: string): Promise<JobView> {
    return write(this.store, actor, async (session) => {
      await this.#changeable(session, actor, id);
      const cancelled = await cancel.first(session, { id, finished_at: now() });
      if (cancelled) {
        tellAfterCommit(session, jobTopic(id));
        tellAfterCommit(session, cancelledTopic);
        return presentJob(cancelled);
      }
      const { state } = (await jobById.first(session, { id }))!;
      throw new Conflict("job_ended", `This job has ended: it is ${state}.`, { state });
    });
  }

  /**
   * Has what a job did taken back, by a job of its own.
   * @returns that job
   * @throws NotFound as `get` does, Conflict when it cannot be taken back: it still runs, was taken back, or is of such a kind
   */
  undo(actor: Actor, id: string): Promise<JobView> {
    return write(this.store, actor, async (session) => {
      const row = await this.#changeable(session, actor, id);
      const isUndoable = this.kinds.find(({ name }) => name === row.kind)?.isUndoable;
      const { state, kind } = row;
      if (!isUndoable || state === "undone" || state === "queued" || state === "running") {
        const why = isUndoable ? `it is ${state}` : `a job of the kind ${kind} cannot be`;
        throw new Conflict("job_not_undoable", `This job cannot be taken back: ${why}.`, { state, kind });
      }
      const job = { kind: undoJob, key: `undo ${id}`, payload: { job_id: id }, createdBy: actor.userId };
      const undoing = await addJob(session, job);
      return jobIn(session, undoing);
    });
  }

  /** What a job did not do and why, as CSV, read while it is taken. @throws NotFound as `get` does */
  async problems(actor: Actor, id: string): Promise<AsyncGenerator<string>> {
    const { result } = await this.get(actor, id);
    const headers = (result?.["columns"] ?? []) as string[];
    return problemsCsv(headers, (after, limit) =>
      problemsAfter.all(this.store.read, { job_id: id, after, limit }),
    );
  }

  async #changeable(session: Session, actor: Actor, id: string): Promise<JobRow> {
    const row = await jobById.first(session, { id });
    if (!row || !seesJob(actor, row)) throw new NotFound("job");
    if (!mayChangeJob(actor, row)) throw new Forbidden("Only whoever asked for this job may do that.");
    return row;
  }

  /** Every job. */
  async list(actor: Actor, request: ListRequest): Promise<Page<JobView>> {
    const result = await listPage(this.store, listedJobs, request, [jobsListed(actor)]);
    return { data: result.rows.map(presentJob), pagination: pageOf(result, request) };
  }

  /**
   * Has a dead letter tried again, with all of its attempts.
   * @throws NotFound without such a job, Conflict when it has not failed, or when another has its key by now
   */
  retry(actor: Actor, id: string): Promise<JobView> {
    return write(this.store, actor, async (session) => {
      const queued = await queueAgain.first(session, { id, run_at: now() });
      if (queued) {
        tellAfterCommit(session, jobsTopic);
        return presentJob(queued);
      }
      const row = await jobById.first(session, { id });
      if (!row) throw new NotFound("job");
      throw new Conflict(
        "job_not_failed",
        `Only a job that failed is tried again; this one is ${row.state}.`,
        {
          state: row.state,
        },
      );
    });
  }
}
