import { and, eq, lt, sql } from "drizzle-orm";
import { day, now } from "../clock";
import { hot, type HotQuery, type Params, type Query } from "../db/hot";
import type { Store } from "../db/store";
import type { Scheduler } from "./scheduler";

/** What nobody needs any more: how it is found, and how it goes. */
interface Outdated {
  table: string;
  /** How long it stays, in milliseconds. */
  keepMs: number;
  find: HotQuery<{ before: number; limit: number }, { key: string }>;
  /** Removes those of a JSON array of keys. */
  remove: HotQuery<{ keys: string }, never>;
}

/** So many go in one transaction. */
const portion = 200;

const finishedJobs: Outdated = {
  ...{ table: "jobs", keepMs: 30 * day },
  find: hot(({ t: { jobs }, q }, p: Params<{ before: number; limit: number }>) =>
    q
      .select({ key: jobs.id })
      .from(jobs)
      // Dead letters stay until somebody has looked at them.
      .where(
        and(eq(jobs.state, sql`'succeeded'`), lt(jobs.created_at, p.before), lt(jobs.finished_at, p.before)),
      )
      .limit(p.limit),
  ),
  remove: hot(
    ({ t: { jobs }, q, dialect }, p: Params<{ keys: string }>) =>
      q.delete(jobs).where(dialect.isAmong(jobs.id, p.keys)) as Query<never>,
  ),
};

const tickets: Outdated = {
  ...{ table: "tickets", keepMs: 0 },
  find: hot(({ t: { tickets: table }, q }, p: Params<{ before: number; limit: number }>) =>
    q.select({ key: table.hash }).from(table).where(lt(table.expires_at, p.before)).limit(p.limit),
  ),
  remove: hot(
    ({ t: { tickets: table }, q, dialect }, p: Params<{ keys: string }>) =>
      q.delete(table).where(dialect.isAmong(table.hash, p.keys)) as Query<never>,
  ),
};

const passwordResets: Outdated = {
  ...{ table: "password_resets", keepMs: day },
  find: hot(({ t: { password_resets: table }, q }, p: Params<{ before: number; limit: number }>) =>
    q.select({ key: table.hash }).from(table).where(lt(table.expires_at, p.before)).limit(p.limit),
  ),
  remove: hot(
    ({ t: { password_resets: table }, q, dialect }, p: Params<{ keys: string }>) =>
      q.delete(table).where(dialect.isAmong(table.hash, p.keys)) as Query<never>,
  ),
};

/** With their refresh tokens and tickets. */
const expiredSessions: Outdated = {
  ...{ table: "sessions", keepMs: 7 * day },
  find: hot(({ t: { sessions }, q }, p: Params<{ before: number; limit: number }>) =>
    q.select({ key: sessions.id }).from(sessions).where(lt(sessions.expires_at, p.before)).limit(p.limit),
  ),
  remove: hot(
    ({ t: { sessions }, q, dialect }, p: Params<{ keys: string }>) =>
      q.delete(sessions).where(dialect.isAmong(sessions.id, p.keys)) as Query<never>,
  ),
};

/** Answers kept for those who ask twice. Whoever asks again has their own removed; these are of those who do not. */
const keptAnswers = (keepMs: number): Outdated => ({
  ...{ table: "idempotency_keys", keepMs },
  find: hot(({ t: { idempotency_keys: table }, q }, p: Params<{ before: number; limit: number }>) =>
    q.select({ key: table.id }).from(table).where(lt(table.created_at, p.before)).limit(p.limit),
  ),
  remove: hot(
    ({ t: { idempotency_keys: table }, q, dialect }, p: Params<{ keys: string }>) =>
      q.delete(table).where(dialect.isAmong(table.id, p.keys)) as Query<never>,
  ),
});

/** Removes, once a day and a little at a time, what is outdated. @param keepAnswersMs for how long answers are kept */
export function pruneDaily(scheduler: Scheduler, store: Store, keepAnswersMs: number): void {
  const all = [finishedJobs, tickets, passwordResets, expiredSessions, keptAnswers(keepAnswersMs)];
  for (const outdated of all) {
    scheduler.every(`prune ${outdated.table}`, day, () => prune(store, outdated));
  }
}

/** Looks aside, where it may take long to look; some of it has no index that leads to it. */
async function prune(store: Store, { keepMs, find, remove }: Outdated): Promise<void> {
  for (;;) {
    const found = await find.all(store.aside("pruning"), { before: now() - keepMs, limit: portion });
    if (found.length === 0) return;
    const keys = JSON.stringify(found.map(({ key }) => key));
    await store.tx((session) => remove.all(session, { keys }));
  }
}
