import { now } from "../../clock";
import { tellAfterCommit } from "../../db/after-commit";
import { listPage, pageOf } from "../../db/list";
import type { Store } from "../../db/store";
import { write } from "../../db/write";
import { Conflict, NotFound } from "../../errors";
import { jobsTopic } from "../../jobs/queue";
import type { ListRequest, Page } from "../../list";
import type { Actor } from "../../policy";
import { jobsListed, seesJob } from "./policy";
import { presentJob, type JobView } from "./schema";
import { jobById, listedJobs, queueAgain } from "./store";

/** Jobs, for those who wait for them and those who look after them. */
export class JobService {
  constructor(private readonly store: Store) {}

  /** One job. @throws NotFound without such a job, or when it is none of the actor's business */
  async get(actor: Actor, id: string): Promise<JobView> {
    const row = await jobById.first(this.store.read, { id });
    if (!row || !seesJob(actor, row)) throw new NotFound("job");
    return presentJob(row);
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
