import { and, eq, gt, gte, lt } from "drizzle-orm";
import { minute, now } from "../../clock";
import { hot, value, type Params, type Query } from "../../db/hot";
import type { Session, Store } from "../../db/store";
import { newId } from "../../ids";
import { log } from "../../ops/logging";

/** They stand among the schedules: until when nothing is removed. */
const first = "blobs held by ";
const last = "blobs held bz";

/** For so long a hold is good after its holder died. */
const holdMs = 5 * minute;

interface Hold {
  name: string;
  until: number;
}

const addHold = hot(({ t: { schedules }, q }, p: Params<Hold>) =>
  q.insert(schedules).values({ name: p.name, next_at: p.until }).returning({ name: schedules.name }),
);

const renewHold = hot(({ t: { schedules }, q }, p: Params<Hold>) =>
  q
    .update(schedules)
    .set({ next_at: value(schedules.next_at, p.until) })
    .where(eq(schedules.name, p.name))
    .returning({ name: schedules.name }),
);

const endHold = hot(
  ({ t: { schedules }, q }, p: Params<{ name: string }>) =>
    q.delete(schedules).where(eq(schedules.name, p.name)) as Query<never>,
);

const holdsAfter = hot(({ t: { schedules }, q }, p: Params<{ now: number }>) =>
  q
    .select({ name: schedules.name })
    .from(schedules)
    .where(and(gte(schedules.name, first), lt(schedules.name, last), gt(schedules.next_at, p.now)))
    .limit(1),
);

const endLapsed = hot(
  ({ t: { schedules }, q }, p: Params<{ now: number }>) =>
    q
      .delete(schedules)
      .where(
        and(gte(schedules.name, first), lt(schedules.name, last), lt(schedules.next_at, p.now)),
      ) as Query<never>,
);

/** Whether somebody needs all bytes to stay, in whatever process. */
export const areHeld = async (session: Session): Promise<boolean> =>
  (await holdsAfter.first(session, { now: now() })) !== undefined;

/**
 * Sees to it that no bytes are removed, by any process, as long as `work` runs. Where that cannot be written down, as on a disk
 * that is full, no row can go either, and so no bytes.
 */
export async function holding<Result>(store: Store, work: () => Promise<Result>): Promise<Result> {
  const name = first + newId();
  const begin = async (session: Session) => {
    await endLapsed.all(session, { now: now() });
    await addHold.all(session, { name, until: now() + holdMs });
  };
  await store.tx(begin).catch((error: unknown) => log.warn("Blobs could not be held", { error }));
  const renew = () =>
    store
      .tx((session) => renewHold.all(session, { name, until: now() + holdMs }))
      .catch((error: unknown) => log.warn("A hold on blobs could not be renewed", { error }));
  const timer = setInterval(() => void renew(), minute);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    // When this fails, it lapses.
    await store.tx((session) => endHold.all(session, { name })).catch(() => undefined);
  }
}
