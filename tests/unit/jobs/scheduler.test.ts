/** What is due is done once, however many processes there are, and whatever their clocks did. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { hour, now } from "../../../src/clock";
import { eq } from "drizzle-orm";
import type { Store } from "../../../src/db/store";
import { Scheduler } from "../../../src/jobs/scheduler";
import { newDatabase } from "../../support/postgres";
import { closeAll, storesOnOne, until } from "../../support/stores";
import { temporaryFolder } from "../db/fixtures";

const folder = temporaryFolder();
// PostgreSQL takes longer to start than a test may.
beforeAll(async () => void (await newDatabase()), 60_000);
afterAll(folder.remove);

describe.each(["sqlite", "postgres"] as const)("the scheduler [%s]", (engine) => {
  let stores: Store[];
  let schedulers: Scheduler[];
  beforeEach(async () => {
    stores = await storesOnOne(engine, folder.path, 3);
    schedulers = stores.map((store) => new Scheduler(store));
  });
  afterEach(async () => {
    await Promise.all(schedulers.map((scheduler) => scheduler.close()));
    await closeAll(stores);
  });

  const startAll = () => schedulers.forEach((scheduler) => scheduler.start());
  const nextAt = async (name = "count") => {
    const { q, t } = stores[0]!.read;
    return (await q.select().from(t.schedules).where(eq(t.schedules.name, name)))[0]?.next_at;
  };
  const setNext = (next_at: number) => stores[0]!.tx(({ q, t }) => q.update(t.schedules).set({ next_at }));

  test("one of several processes does it, and again when it is due", async () => {
    let done = 0;
    for (const each of schedulers) each.every("count", hour, async () => void done++);
    startAll();
    await until(() => done > 0);
    const first = (await nextAt())!;
    expect(first).toBeWithin(now() + hour - 60_000, now() + hour + 1);
    // Everybody has looked, and found that it is done.
    const late = new Scheduler(stores[1]!);
    schedulers.push(late);
    let looked = 0;
    late.every("count", hour, async () => void done++);
    late.every("look", hour, async () => void looked++);
    late.start();
    await until(() => looked > 0);
    expect(done).toBe(1);
  });

  test.each([
    ["it came due while nobody was there", () => now() - 10 * hour],
    ["the clock was ahead and is right again", () => now() + 100 * hour],
  ])("it is done once when %s", async (_name, stored) => {
    let done = 0;
    await stores[0]!.tx(({ q, t }) => q.insert(t.schedules).values({ name: "count", next_at: stored() }));
    for (const each of schedulers) each.every("count", hour, async () => void done++);
    startAll();
    await until(() => done > 0);
    await Promise.all(schedulers.map((scheduler) => scheduler.close()));
    expect(done).toBe(1);
    expect(await nextAt()).toBeWithin(now() + hour - 60_000, now() + hour + 1);
  });

  test("short ones go on, also after a failure, and never more often than they are due", async () => {
    const times: number[] = [];
    for (const each of schedulers)
      each.every("tick", 20, async () => {
        times.push(now());
        if (times.length === 2) throw new Error("no");
      });
    startAll();
    await until(() => times.length >= 6);
    expect(times.length - 1).toBeLessThanOrEqual((times.at(-1)! - times[0]!) / 20 + 1);
  });

  test("what is done once is done again only until it succeeds", async () => {
    let tried = 0;
    const work = async () => {
      if (++tried === 1) throw new Error("no");
    };
    for (const each of schedulers) each.once("upgrade", work);
    startAll();
    await until(() => tried === 1);
    await Promise.all(schedulers.map((scheduler) => scheduler.close()));
    for (let i = 0; i < 3; i++) {
      await stores[0]!.tx(({ q, t }) => q.delete(t.schedules).where(eq(t.schedules.name, "upgrade")));
      const next = new Scheduler(stores[0]!);
      schedulers.push(next);
      next.once("upgrade", work);
      next.start();
      await until(async () => (await nextAt("upgrade")) !== undefined);
      await next.close();
    }
    expect(tried).toBe(2);
  });

  test("nothing is done before the start, nor after the end", async () => {
    let done = 0;
    schedulers[0]!.every("count", 1, async () => void done++);
    expect([done, await nextAt()]).toEqual([0, undefined]);
    schedulers[0]!.start();
    await until(() => done > 0);
    await schedulers[0]!.close();
    const atEnd = done;
    await setNext(now() - 1);
    await Bun.sleep(30);
    expect(done).toBe(atEnd);
  });
});
