import { and, eq, getTableColumns, isNull, lt, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { day, now } from "../clock";
import { hot, type HotQuery, type Params, type Query } from "../db/hot";
import type { Session, Store } from "../db/store";
import { firstIdAt } from "../ids";
import type { Scheduler } from "./scheduler";

/** `firstId` is the smallest id of that instant: what is older than it has a smaller one. */
interface Asked {
  before: number;
  firstId: string;
  limit: number;
}

/** What nobody needs any more: how it is found, and how it goes. */
interface Outdated {
  table: string;
  /** How long it stays, in milliseconds. */
  keepMs: number;
  find: HotQuery<Asked, { key: string }>;
  /** Removes those of a JSON array of keys. */
  remove: HotQuery<{ keys: string }, never>;
}

/** So many go in one transaction. */
const portion = 200;

const finishedJobs: Outdated = {
  ...{ table: "jobs", keepMs: 30 * day },
  find: hot(({ t: { jobs }, q }, p: Params<Asked>) =>
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

/** What is good until an instant, unless it was used by then: its key, and where it says that it was. */
function expired(
  name: "tickets" | "password_resets" | "invitations" | "email_verifications",
  key: "hash" | "id",
  used?: "accepted_at" | "verified_at",
): Outdated {
  const columnsOf = ({ t }: Pick<Session, "t">) => {
    const table: PgTable = t[name];
    return { table, columns: getTableColumns(table) as Record<string, PgColumn> };
  };
  return {
    ...{ table: name, keepMs: 0 },
    find: hot((shape, p: Params<Asked>) => {
      const { table, columns } = columnsOf(shape);
      const isOver = and(lt(columns["expires_at"]!, p.before), used && isNull(columns[used]!));
      const found = shape.q.select({ key: columns[key]! }).from(table).where(isOver).limit(p.limit);
      return found as PromiseLike<unknown> as Query<{ key: string }>;
    }),
    remove: hot((shape, p: Params<{ keys: string }>) => {
      const { table, columns } = columnsOf(shape);
      return shape.q.delete(table).where(shape.dialect.isAmong(columns[key]!, p.keys)) as Query<never>;
    }),
  };
}

/** With their refresh tokens and tickets. */
const expiredSessions: Outdated = {
  ...{ table: "sessions", keepMs: 7 * day },
  find: hot(({ t: { sessions }, q }, p: Params<Asked>) =>
    q
      .select({ key: sessions.id })
      .from(sessions)
      .where(and(lt(sessions.id, p.firstId), lt(sessions.expires_at, p.before)))
      .limit(p.limit),
  ),
  remove: hot(
    ({ t: { sessions }, q, dialect }, p: Params<{ keys: string }>) =>
      q.delete(sessions).where(dialect.isAmong(sessions.id, p.keys)) as Query<never>,
  ),
};

/** Answers kept for those who ask twice. Whoever asks again has their own removed; these are of those who do not. */
const keptAnswers = (keepMs: number): Outdated => ({
  ...{ table: "idempotency_keys", keepMs },
  find: hot(({ t: { idempotency_keys: table }, q }, p: Params<Asked>) =>
    q.select({ key: table.id }).from(table).where(lt(table.id, p.firstId)).limit(p.limit),
  ),
  remove: hot(
    ({ t: { idempotency_keys: table }, q, dialect }, p: Params<{ keys: string }>) =>
      q.delete(table).where(dialect.isAmong(table.id, p.keys)) as Query<never>,
  ),
});

/** Removes, once a day and a little at a time, what is outdated. @param keepAnswersMs for how long answers are kept */
export function pruneDaily(scheduler: Scheduler, store: Store, keepAnswersMs: number): void {
  const all = [
    ...[finishedJobs, expiredSessions, keptAnswers(keepAnswersMs)],
    ...[expired("tickets", "hash"), expired("password_resets", "hash")],
    ...[expired("invitations", "id", "accepted_at"), expired("email_verifications", "hash", "verified_at")],
  ];
  for (const outdated of all) {
    scheduler.every(`prune ${outdated.table}`, day, () => prune(store, outdated));
  }
}

/** Looks aside, where it may take long to look. */
async function prune(store: Store, { keepMs, find, remove }: Outdated): Promise<void> {
  for (;;) {
    const before = now() - keepMs;
    const asked = { before, firstId: firstIdAt(before), limit: portion };
    const found = await find.all(store.aside("pruning"), asked);
    if (found.length === 0) return;
    const keys = JSON.stringify(found.map(({ key }) => key));
    await store.tx((session) => remove.all(session, { keys }));
  }
}
