import { and, eq } from "drizzle-orm";
import { hour, now, second } from "../clock";
import { hot, value, type Params } from "../db/hot";
import type { RowOf } from "../db/rows";
import type { Session, Store } from "../db/store";
import { Pulse } from "../pulse";

type Schedule = RowOf<"schedules">;

const nextOf = hot(({ t: { schedules }, q }, p: Params<{ name: string }>) =>
  q.select({ next_at: schedules.next_at }).from(schedules).where(eq(schedules.name, p.name)).limit(1),
);

const addSchedule = hot(({ t: { schedules }, q }, p: Params<Schedule>) =>
  q
    .insert(schedules)
    .values({ name: p.name, next_at: p.next_at })
    .onConflictDoNothing()
    .returning({ name: schedules.name }),
);

const moveOn = hot(({ t: { schedules }, q }, p: Params<Schedule & { seen: number }>) =>
  q
    .update(schedules)
    .set({ next_at: value(schedules.next_at, p.next_at) })
    .where(and(eq(schedules.name, p.name), eq(schedules.next_at, p.seen)))
    .returning({ name: schedules.name }),
);

/** At most this long until it looks at the clock again, which may have been set. */
const longestLookMs = 10 * second;

/**
 * Does things again and again, each time in one process however many there are: the one that moves the instant on at
 * which it is due next. That stands in a table, so it holds over restarts; what was missed meanwhile is done once.
 */
export class Scheduler {
  readonly #pulses: Pulse[] = [];
  #isStarted = false;

  constructor(private readonly store: Store) {}

  /**
   * Does `work` every `ms` milliseconds, the first time at once. When it fails, or its process dies over it, it is done
   * again when it is due next: it has to find by itself what it did not get to.
   */
  every(name: string, ms: number, work: () => Promise<void>): void {
    let nextAt: number | undefined;
    const pulse = new Pulse({
      module: "jobs",
      failure: `What is due every ${ms} ms failed: ${name}`,
      everyMs: Math.min(ms, longestLookMs),
      work: async () => {
        if (nextAt === undefined || isDue(nextAt, ms)) {
          const claim = await this.#claim(name, ms);
          nextAt = claim.nextAt;
          if (claim.isMine) await work();
        }
        return Math.max(0, Math.min(nextAt - now(), longestLookMs));
      },
    });
    this.#pulses.push(pulse);
    if (this.#isStarted) pulse.start();
  }

  /** Does `work` once for this database; when it fails, or its process dies over it, again after an hour. */
  once(name: string, work: () => Promise<void>): void {
    const done = `${name}: done`;
    this.every(name, hour, async () => {
      if (await nextOf.first(this.store.read, { name: done })) return;
      await work();
      await this.store.tx((session) => addSchedule.first(session, { name: done, next_at: now() }));
    });
  }

  /** From here on things are done. */
  start(): void {
    this.#isStarted = true;
    for (const pulse of this.#pulses) pulse.start();
  }

  /** Resolves once nothing is done here any more. */
  async close(): Promise<void> {
    await Promise.all(this.#pulses.map((pulse) => pulse.close()));
  }

  async #claim(name: string, ms: number): Promise<{ nextAt: number; isMine: boolean }> {
    const seen = (await nextOf.first(this.store.read, { name }))?.next_at;
    if (seen !== undefined && !isDue(seen, ms)) return { nextAt: seen, isMine: false };
    const next_at = now() + ms;
    const claim = (session: Session) =>
      seen === undefined
        ? addSchedule.first(session, { name, next_at })
        : moveOn.first(session, { name, next_at, seen });
    const isMine = (await this.store.tx(claim, { isolation: "read committed" })) !== undefined;
    return { nextAt: next_at, isMine };
  }
}

/** Also when it is further off than it can be: then the clock was ahead, and has been set back. */
const isDue = (nextAt: number, ms: number) => nextAt <= now() || nextAt > now() + ms;
