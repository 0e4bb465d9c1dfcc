import { eq } from "drizzle-orm";
import { hot, value, type Params } from "../../db/hot";
import type { Session, Store } from "../../db/store";
import type { JobRow } from "../../jobs/job";

/** They stand among the schedules, by name: instants that outlive the process and its jobs. */
export const successMark = "backup: succeeded";
const marks = { succeeded: successMark, failed: "backup: failed" } as const;
/** What became of a backup. */
export type Outcome = keyof typeof marks;

const mark = hot(({ t: { schedules }, q }, p: Params<{ name: string; at: number }>) =>
  q
    .insert(schedules)
    .values({ name: p.name, next_at: p.at })
    .onConflictDoUpdate({ target: schedules.name, set: { next_at: value(schedules.next_at, p.at) } })
    .returning({ name: schedules.name }),
);

const markNamed = hot(({ t: { schedules }, q }, p: Params<{ name: string }>) =>
  q.select({ at: schedules.next_at }).from(schedules).where(eq(schedules.name, p.name)).limit(1),
);

/** Remembers when a backup last succeeded or failed. */
export const remember = async (session: Session, outcome: Outcome, at: number): Promise<void> =>
  void (await mark.first(session, { name: marks[outcome], at }));

/** When a backup last succeeded or failed, in milliseconds since 1970. */
export const lastOf = async ({ read }: Pick<Store, "read">, outcome: Outcome): Promise<number | undefined> =>
  (await markNamed.first(read, { name: marks[outcome] }))?.at;

/** Writes what a job came to. */
export const writeResult = hot(({ t: { jobs }, q }, p: Params<Pick<JobRow, "id" | "result">>) =>
  q
    .update(jobs)
    .set({ result: value(jobs.result, p.result) })
    .where(eq(jobs.id, p.id))
    .returning({ id: jobs.id }),
);
