import { and, count, desc, eq, lt, sql } from "drizzle-orm";
import { hot, type Params } from "../../db/hot";
import { insertManyInto } from "../../db/rows";
import type { Session, Store } from "../../db/store";
import type { EntityType } from "../../events/record";
import { newId } from "../../ids";
import { GiveUp, type JobKind, type Progress } from "../../jobs/job";
import { second } from "../../clock";
import type { Actor } from "../../policy";
import type { Left } from "../../left-out";
import type { Undone, Undoing } from "../../undoable-records";
import { account, actorOf } from "../users/accounts";

/** The name of the job that takes another one back. */
export const undoJob = "undo";

/** Records that a job can have changed. */
export interface UndoableRecords {
  undoIn(session: Session, actor: Actor, events: readonly Undone[], undoing: Undoing): Promise<Left[][]>;
  inUse?: Undoing["inUse"];
}

/** Events in one transaction. */
const portion = 100;
/** Comes after every id. */
const lastId = "ffffffff-ffff-ffff-ffff-ffffffffffff";

const eventsBefore = hot(
  ({ t: { events }, q }, p: Params<{ job_id: string; before: string; limit: number }>) =>
    q
      .select({
        ...{ id: events.id, type: events.type, entity_type: events.entity_type, entity_id: events.entity_id },
        ...{ version: events.version, changes: events.changes },
      })
      .from(events)
      .where(and(eq(events.job_id, p.job_id), lt(events.id, p.before)))
      .orderBy(desc(events.id))
      .limit(p.limit),
);

const eventsOf = hot(({ t: { events }, q }, p: Params<{ job_id: string }>) =>
  q.select({ total: count() }).from(events).where(eq(events.job_id, p.job_id)),
);

const markUndone = hot(({ t: { jobs }, q }, p: Params<{ id: string }>) =>
  q
    .update(jobs)
    .set({ state: sql`'undone'` })
    .where(eq(jobs.id, p.id))
    .returning({ id: jobs.id }),
);

const insertProblems = insertManyInto("job_problems");

/**
 * Takes back what a job did, the last first, as whoever asked for it: what it added goes, what it changed has its values of
 * before, except what somebody changed since, which is listed. Goes on where it was after a crash.
 */
export const undoKind = (
  store: Store,
  records: Readonly<Partial<Record<EntityType, UndoableRecords>>>,
): JobKind => ({
  name: undoJob,
  attempts: 5,
  waitedForAs: "Taking back a job",
  backoff: (attempt) => attempt * second,
  async run(job) {
    const undone = String(job.payload["job_id"]);
    const user = job.createdBy === null ? undefined : await account(store.read, job.createdBy);
    if (!user?.is_active) throw new GiveUp("Whoever asked for it has no account any more.");
    const actor = { ...(await actorOf(store.read, user, job.id)), jobId: job.id };
    const [events] = await eventsOf.all(store.read, { job_id: undone });
    let at: Progress = { done: 0, updated: 0, skipped: 0, ...job.reached, total: events!.total };
    for (let isOver = false; !isOver;) {
      job.signal.throwIfAborted();
      at = await job.advance(async (session) => {
        const before = String(at["before"] ?? lastId);
        const some = await eventsBefore.all(session, { job_id: undone, before, limit: portion });
        isOver = some.length < portion;
        const problems = [];
        for (const run of inRuns(some)) {
          const kind = records[run[0]!.entity_type as EntityType];
          const undoing = { jobs: [undone, job.id], ...(kind?.inUse && { inUse: kind.inUse }) };
          const lefts = (await kind?.undoIn(session, actor, run, undoing)) ?? [];
          for (const [i, left] of lefts.entries())
            problems.push(...left.map((each) => ({ ...each, record_id: run[i]!.entity_id })));
        }
        await insertProblems(
          session,
          problems.map((each) => ({ ...each, id: newId(), job_id: job.id, line: null, row: null })),
        );
        const skipped = new Set(problems.map(({ record_id }) => record_id)).size;
        return {
          ...at,
          done: Number(at["done"]) + some.length,
          updated: Number(at["updated"]) + some.length - skipped,
          skipped: Number(at["skipped"]) + skipped,
          before: some.at(-1)?.id ?? before,
        };
      });
    }
    await job.finish(async (session) => void (await markUndone.all(session, { id: undone })));
  },
});

/** The same in their order, those together that follow each other and are about records of one kind. */
function inRuns<Event extends { entity_type: string }>(events: readonly Event[]): Event[][] {
  const runs: Event[][] = [];
  for (const event of events) {
    if (runs.at(-1)?.[0]!.entity_type === event.entity_type) runs.at(-1)!.push(event);
    else runs.push([event]);
  }
  return runs;
}
