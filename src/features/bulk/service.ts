import { second } from "../../clock";
import type { Walk } from "../../db/list-walk";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Forbidden, Invalid } from "../../errors";
import { newId } from "../../ids";
import { GiveUp, type JobKind, type Progress, type RunningJob } from "../../jobs/job";
import { addDoneJob, addJob } from "../../jobs/queue";
import { fieldsFor, type Fields, type ListRequest } from "../../list";
import { scopeOf, type Actor } from "../../policy";
import type { Left } from "../../left-out";
import type { JobView } from "../jobs/schema";
import { jobIn } from "../jobs/service";
import { account, actorOf } from "../users/accounts";
import { listOf } from "./filter";
import { mostRecords, type Selection } from "./schema";
import { inputOf, insertInput, insertProblems } from "./store";

/** What records of one kind offer to those who change many of them. */
export interface BulkRecords {
  fields: Fields;
  walk(actor: Actor, request: ListRequest): Promise<Walk<{ id: string }>>;
  /** Changes or deletes one of them; says whether anything changed, or why not. */
  applyIn(session: Session, actor: Actor, item: Item, change: Change): Promise<boolean | Left>;
}

/** A record, at a version if one is given. */
export interface Item {
  id: string;
  version?: number;
}

/** A patch as the resource takes it, or that the records are deleted. */
export type Change = { set: never } | "delete";

/** The resources of which many records can be changed at once. */
export type BulkResource = "clients" | "tasks";

/** What a job knows about its work; the records stand in its inputs. */
interface BulkPayload extends Record<string, unknown> {
  resource: BulkResource;
  change: Change;
}

/** Records that are changed at once and in one transaction; more are changed by a job. */
const mostAtOnce = 500;
/** Records in one transaction of a job. */
const portion = 100;
/** What was left out, of what stands in the job itself; the rest is in its errors.csv. */
const mostShown = 100;
/** Records that are read at once to learn which ones a filter means. */
const page = 1_000;

/** The names of the jobs that change many records. */
const kindOf = (change: Change) => (change === "delete" ? "bulk_delete" : "bulk_update");

/** Changes and deletes many records: each by the rules of a single one, with an event of its own. */
export class BulkService {
  constructor(
    private readonly store: Store,
    private readonly resources: Readonly<Record<BulkResource, BulkRecords>>,
    private readonly defaultCountry: () => string | null,
  ) {}

  /** What is done with the jobs. */
  get kinds(): JobKind[] {
    const shared = {
      ...{ attempts: 5, isUndoable: true as const },
      backoff: (attempt: number) => attempt * second,
      run: (job: RunningJob) => this.#run(job),
    };
    return [
      { ...shared, name: "bulk_update", waitedForAs: "Your change of many records" },
      { ...shared, name: "bulk_delete", waitedForAs: "Your deletion of many records" },
    ];
  }

  /**
   * Sets fields of many records: at once up to 500, as a job beyond.
   * @throws Invalid for a filter that is empty or lets through another number than expected
   */
  update(
    actor: Actor,
    resource: BulkResource,
    { set, ...selection }: Selection & { set: object },
  ): Promise<JobView> {
    if (Object.keys(set).length === 0)
      throw new Invalid([{ field: "set", code: "empty", message: "must name a field to change" }]);
    return this.#begin(actor, resource, selection, { set: set as never });
  }

  /** Deletes many records, likewise. @throws Forbidden without the grant, Invalid as `update` does */
  delete(actor: Actor, resource: BulkResource, selection: Selection): Promise<JobView> {
    if (scopeOf(actor, `${resource}.delete`) === undefined)
      throw new Forbidden(`Your role does not allow ${resource}.delete.`);
    return this.#begin(actor, resource, selection, "delete");
  }

  async #begin(actor: Actor, resource: BulkResource, selection: Selection, change: Change): Promise<JobView> {
    const items = await this.#itemsOf(actor, resource, selection);
    const payload: BulkPayload = { resource, change };
    return write(this.store, actor, async (session) => {
      const job = { id: newId(), kind: kindOf(change), payload, createdBy: actor.userId };
      if (items.length <= mostAtOnce) await this.#doAtOnce(session, { ...actor, jobId: job.id }, job, items);
      else await queue(session, job, items);
      return jobIn(session, job.id);
    });
  }

  async #doAtOnce(
    session: Session,
    actor: Actor,
    job: { id: string; kind: string; payload: BulkPayload; createdBy: string | null },
    items: readonly Item[],
  ): Promise<void> {
    const { counts, problems } = await this.#apply(
      session,
      actor,
      job.payload,
      items,
      nothingDone(items.length),
      0,
    );
    const skipped = problems
      .slice(0, mostShown)
      .map(({ record_id, field, code, message }) => ({ id: record_id, field, code, message }));
    await addDoneJob(session, { ...job, progress: counts }, { skipped });
    await insertProblems(
      session,
      problems.map((each) => ({ ...each, job_id: job.id })),
    );
  }

  async #run(job: RunningJob): Promise<void> {
    const user = job.createdBy === null ? undefined : await account(this.store.read, job.createdBy);
    if (!user?.is_active) throw new GiveUp("Whoever asked for it has no account any more.");
    const actor = { ...(await actorOf(this.store.read, user, job.id)), jobId: job.id };
    const payload = job.payload as unknown as BulkPayload;
    for (let reached = job.reached; ;) {
      job.signal.throwIfAborted();
      const part = Number(reached["part"] ?? 0);
      const input = await inputOf.first(this.store.read, { job_id: job.id, part });
      if (!input) return;
      const items = JSON.parse(Buffer.from(input.bytes).toString()) as Item[];
      reached = await job.advance(async (session) => {
        const first = Number(reached["done"]);
        const { counts, problems } = await this.#apply(session, actor, payload, items, reached, first);
        await insertProblems(
          session,
          problems.map((each) => ({ ...each, job_id: job.id })),
        );
        return { ...counts, part: part + 1 };
      });
    }
  }

  /** @param first how many records came before these */
  async #apply(
    session: Session,
    actor: Actor,
    { resource, change }: BulkPayload,
    items: readonly Item[],
    before: Progress,
    first: number,
  ) {
    let [updated, skipped] = [Number(before["updated"]), Number(before["skipped"])];
    const problems = [];
    for (const [i, item] of items.entries()) {
      const outcome = await this.resources[resource].applyIn(session, actor, item, change);
      if (typeof outcome === "object") {
        skipped++;
        problems.push({ ...outcome, id: newId(), line: first + i + 1, record_id: item.id, row: null });
      } else if (outcome) updated++;
    }
    return { counts: { ...before, done: first + items.length, updated, skipped }, problems };
  }

  async #itemsOf(
    actor: Actor,
    resource: BulkResource,
    { items, filter, expected_count }: Selection,
  ): Promise<Item[]> {
    if ((items === undefined) === (filter === undefined)) {
      const message = "must say which records are meant: by items or by filter, and not by both";
      throw new Invalid([{ field: "items", code: "items_or_filter", message }]);
    }
    if (items) return distinct(items);
    if (expected_count === undefined) {
      const message = "must say how many records the filter means, so that a slip changes nothing";
      throw new Invalid([{ field: "expected_count", code: "required", message }]);
    }
    const ids = await this.#matching(actor, resource, filter!);
    if (ids.length === expected_count) return ids;
    const found = ids.length > mostRecords ? `more than ${mostRecords}` : String(ids.length);
    const message = `is ${expected_count}, and the filter lets ${found} through`;
    throw new Invalid([{ field: "expected_count", code: "count_mismatch", message }]);
  }

  async #matching(actor: Actor, resource: BulkResource, filter: Record<string, unknown>): Promise<Item[]> {
    const { fields, walk } = this.resources[resource];
    const options = { timeZone: actor.timeZone, country: this.defaultCountry() };
    const next = await walk(actor, listOf(fieldsFor(fields, actor.grants), filter, options));
    const ids: Item[] = [];
    for (let some = await next(page); some.length > 0; some = await next(page)) {
      ids.push(...some.map(({ id }) => ({ id })));
      if (ids.length > mostRecords) return ids;
    }
    return ids;
  }
}

const nothingDone = (total: number): Progress => ({ done: 0, total, updated: 0, skipped: 0 });

/** A record that is named twice is changed once; ids are compared in lower case. */
function distinct(items: readonly Item[]): Item[] {
  const byId = new Map(items.map((item) => [item.id.toLowerCase(), item]));
  return [...byId].map(([id, item]) => ({ ...item, id }));
}

async function queue(
  session: Session,
  job: { id: string; kind: string; payload: BulkPayload; createdBy: string | null },
  items: readonly Item[],
): Promise<void> {
  await addJob(session, { ...job, progress: nothingDone(items.length) });
  for (let part = 0; part * portion < items.length; part++) {
    const some = items.slice(part * portion, (part + 1) * portion);
    await insertInput.all(session, { job_id: job.id, part, bytes: Buffer.from(JSON.stringify(some)) });
  }
}
