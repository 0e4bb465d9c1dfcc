/** Jobs are done at least once whoever dies, and what belongs to their end exactly once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { now } from "../../../src/clock";
import { telling } from "../../../src/db/after-commit";
import type { Store } from "../../../src/db/store";
import { Conflict } from "../../../src/errors";
import { newId } from "../../../src/ids";
import { GiveUp, TryAgain, type JobKind, type NewJob, type RunningJob } from "../../../src/jobs/job";
import { addJob, jobsTopic } from "../../../src/jobs/queue";
import { Worker, type WorkerOptions } from "../../../src/jobs/worker";
import { newDatabase } from "../../support/postgres";
import { closeAll, storesOnOne, until } from "../../support/stores";
import { insertUser, temporaryFolder } from "../db/fixtures";

const folder = temporaryFolder();
// PostgreSQL takes longer to start than a test may.
beforeAll(async () => void (await newDatabase()), 60_000);
afterAll(folder.remove);

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe.each(["sqlite", "postgres"] as const)("the worker [%s]", (engine) => {
  let stores: Store[];
  let store: Store;
  let workers: Worker[];
  beforeEach(async () => {
    stores = await storesOnOne(engine, folder.path, 3);
    store = stores[0]!;
    workers = [];
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await closeAll(stores);
  });

  const kindOf = (run: JobKind["run"], more: Partial<JobKind> = {}): JobKind => ({
    ...{ name: "test", attempts: 3, backoff: () => 1, run },
    ...more,
  });
  const start = (kinds: JobKind[], options: Partial<WorkerOptions> = {}) => {
    const worker = new Worker({ store, kinds, pollMs: 10, ...options });
    workers.push(worker);
    worker.start();
    return worker;
  };
  const add = (more: Partial<NewJob> = {}) =>
    store.tx((session) => addJob(session, { kind: "test", payload: {}, ...more }));
  const people = async (...names: string[]) => {
    const ids = names.map(() => newId());
    await store.tx(async (session) => {
      for (const [i, name] of names.entries()) await insertUser(session, `${name}@example.com`, ids[i]!);
    });
    return ids as [string, ...string[]];
  };
  const jobs = async () => store.read.q.select().from(store.read.t.jobs);
  const job = async (id: string) => (await jobs()).find((each) => each.id === id)!;
  const isIn = (id: string, state: string) => until(async () => (await job(id)).state === state);

  test("does a job, with what it needs to know, and says how far it is", async () => {
    const seen: Partial<RunningJob>[] = [];
    const gate = Promise.withResolvers<void>();
    start([
      kindOf(async ({ id, payload, attempt, createdBy, progress }) => {
        seen.push({ id, payload, attempt, createdBy });
        await progress({ done: 3, total: 4 });
        await gate.promise;
        await Bun.sleep(2);
        await progress({ done: 4, total: 4 });
      }),
    ]);
    const id = await add({ payload: { text: "ấ" } });
    await until(async () => (await job(id)).progress !== null);
    expect(await job(id)).toMatchObject({ state: "running", attempts: 1, progress: { done: 3, total: 4 } });
    gate.resolve();
    await isIn(id, "succeeded");
    expect(seen).toEqual([{ id, payload: { text: "ấ" }, attempt: 1, createdBy: null }]);
    expect(await job(id)).toMatchObject({ lease_id: null, leased_until: null, error: null });
    expect((await job(id)).finished_at).not.toBeNull();
    // One in the time since the first count.
    const { rate, ...counts } = (await job(id)).progress!;
    expect(counts).toEqual({ done: 4, total: 4 });
    expect(rate).toBeWithin(0.01, 500);
  });

  test("wakes at once when a job was added, and leaves one alone that is not due", async () => {
    const worker = start([kindOf(async () => {})], { pollMs: 60_000 });
    const watched = telling(store, (topic) => topic === jobsTopic && worker.nudge());
    const [first, later] = await watched.tx(async (session) => [
      await addJob(session, { kind: "test", payload: {} }),
      await addJob(session, { kind: "test", payload: {}, runAt: now() + 60_000 }),
    ]);
    await isIn(first!, "succeeded");
    expect((await job(later!)).state).toBe("queued");
  });

  test("does not wait for an instant of a clock that was ahead", async () => {
    const hour = 3_600_000;
    const [atOnce, later] = [await add(), await add({ runAt: now() + 60_000 })];
    await store.tx(({ q, t }) =>
      q.update(t.jobs).set({ run_at: sql`run_at + ${hour}`, created_at: sql`created_at + ${hour}` }),
    );
    start([kindOf(async () => {})]);
    await isIn(atOnce, "succeeded");
    const { state, run_at, created_at } = await job(later);
    expect(state).toBe("queued");
    expect(created_at).toBeLessThanOrEqual(now());
    expect(run_at - created_at).toBeWithin(59_000, 60_001);
  });

  test("takes the most urgent first, then the one due longest, and so many at once and no more", async () => {
    const order: unknown[] = [];
    let most = 0;
    let atOnce = 0;
    for (const [n, priority, ago] of [
      [1, 0, 5],
      [2, 9, 1],
      [3, 0, 9],
      [4, -1, 99],
      [5, 9, 2],
    ] as const)
      // prettier-ignore
      await add({ payload: { n }, priority, runAt: now() - ago * 1_000 });
    const run: JobKind["run"] = async ({ payload }) => {
      order.push(payload.n);
      most = Math.max(most, ++atOnce);
      await Bun.sleep(2);
      atOnce--;
    };
    start([kindOf(run)], { concurrency: 1 });
    await until(() => order.length === 5);
    expect(order).toEqual([5, 2, 3, 1, 4]);
    expect(most).toBe(1);
  });

  test("whoever asks for much keeps nobody else waiting", async () => {
    const [ann, ben, cam] = await people("ann", "ben", "cam");
    const gate = Promise.withResolvers<void>();
    const kind = kindOf(() => gate.promise);
    const ids: string[] = [];
    for (const createdBy of [ann, ann, ann, ben, ben, cam]) ids.push(await add({ createdBy }));
    const underWay = async (user: string) =>
      (await jobs()).filter(({ state, created_by }) => state === "running" && created_by === user).length;
    const worker = start([kind], { concurrency: 4 });
    // Half of the places for one, and the last for the server itself.
    await until(() => worker.running === 3);
    expect([await underWay(ann), await underWay(ben!)]).toEqual([2, 1]);
    const own = await add();
    await isIn(own, "running");
    // It is read as running before that is on the disk, which the worker waits for.
    await until(() => worker.running === 4);
    gate.resolve();
    for (const id of [...ids, own]) await isIn(id, "succeeded");
  });

  test("who does one job at a time does those of all", async () => {
    const [ann] = await people("ann");
    start([kindOf(async () => {})], { concurrency: 1 });
    const ids = [await add({ createdBy: ann }), await add(), await add({ createdBy: ann })];
    for (const id of ids) await isIn(id, "succeeded");
  });

  test("a key has one job that is still to be done", async () => {
    const [first, second] = [await add({ key: "k" }), await add({ key: "k" })];
    expect(second).toBe(first);
    start([kindOf(async () => {})]);
    await isIn(first, "succeeded");
    expect(await add({ key: "k" })).not.toBe(first);
  });

  test("tries again after a pause that grows, then it is a dead letter", async () => {
    const pauses: number[] = [];
    const backoff = (attempt: number) => (pauses.push(attempt), attempt);
    start([
      kindOf(() => Promise.reject(new TryAgain("The other side sleeps: https://x?token=abc")), { backoff }),
    ]);
    const id = await add();
    await isIn(id, "failed");
    expect(pauses).toEqual([1, 2]);
    const dead = await job(id);
    expect([dead.attempts, dead.error]).toEqual([3, "The other side sleeps: https://x?token=***"]);
    expect(dead.finished_at).not.toBeNull();
  });

  test.each([
    ["a GiveUp", new GiveUp("Nobody has this address."), "Nobody has this address."],
    ["a refusal", new Conflict("email_taken", "Taken."), "Taken."],
    ["a fault", new Error("select secret from /etc/passwd"), "It failed unexpectedly. The server's log says why, under the job's id."], // prettier-ignore
  ])("what is told of %s", async (_, error, told) => {
    start([kindOf(() => Promise.reject(error), { attempts: 1 })]);
    const id = await add();
    await isIn(id, "failed");
    expect(await job(id)).toMatchObject({ attempts: 1, error: told });
  });

  test("GiveUp ends it at the first attempt, and nobody takes a kind they do not know", async () => {
    start([kindOf(() => Promise.reject(new GiveUp("no")))]);
    const [stranger, id] = [await add({ kind: "unknown" }), await add()];
    await isIn(id, "failed");
    expect((await job(id)).attempts).toBe(1);
    expect((await job(stranger)).state).toBe("queued");
  });

  test("a lease is held while the job runs, however long that is", async () => {
    const gate = Promise.withResolvers<void>();
    let runs = 0;
    const kind = kindOf(async () => (runs++, gate.promise));
    for (const each of stores) start([kind], { store: each, leaseMs: 400 });
    const id = await add();
    await until(() => runs > 0);
    const until0 = (await job(id)).leased_until!;
    await until(async () => (await job(id)).leased_until! > until0 + 400);
    gate.resolve();
    await isIn(id, "succeeded");
    expect([runs, (await job(id)).attempts]).toEqual([1, 1]);
  });

  test("who lost the lease is told, and ends nothing", async () => {
    const outcomes: unknown[] = [];
    const kind = kindOf(async ({ signal, progress, finish, attempt }) => {
      if (attempt > 1) return;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      outcomes.push((signal.reason as Error).message);
      await progress({ done: 1 }).catch((error: Error) => outcomes.push(error.name));
      await finish(async () => void outcomes.push("written")).catch((error: Error) =>
        outcomes.push(error.name),
      );
    });
    start([kind], { leaseMs: 60 });
    const id = await add();
    await isIn(id, "running");
    // As another process would that finds the lease over.
    await store.tx(({ q, t }) => q.update(t.jobs).set({ lease_id: crypto.randomUUID() }));
    await isIn(id, "succeeded");
    await until(() => outcomes.length === 3);
    expect(outcomes).toEqual(["The lease of this job is lost.", "LeaseLost", "LeaseLost"]);
    expect(await job(id)).toMatchObject({ attempts: 2, progress: null });
  });

  test("whoever is alone goes on at once with what was under way when it died", async () => {
    const id = await add();
    const lease = { lease_id: crypto.randomUUID(), leased_until: now() + 60_000 };
    await store.tx(({ q, t }) => q.update(t.jobs).set({ state: "running", attempts: 1, ...lease }));
    start([kindOf(async () => {})]);
    await Bun.sleep(50);
    expect((await job(id)).state).toBe("running");
    start([kindOf(async () => {})], { isAlone: true });
    await isIn(id, "succeeded");
    expect((await job(id)).attempts).toBe(2);
  });

  test("a job that takes each process along is a dead letter in the end", async () => {
    const id = await add();
    await store.tx(({ q, t }) =>
      q.update(t.jobs).set({ state: "running", attempts: 3, lease_id: crypto.randomUUID(), leased_until: 1 }),
    );
    let runs = 0;
    start([kindOf(async () => void runs++)]);
    await isIn(id, "failed");
    expect(runs).toBe(0);
    expect((await job(id)).error).toBe("Each process that ran it ended before it was done.");
  });

  test("attempts that got further are forgotten, those that did not are counted", async () => {
    const seen: number[] = [];
    const at = (done: number) => async () => ({ done });
    const kind = kindOf(async ({ advance, attempt, reached }) => {
      seen.push(attempt);
      const done = Number(reached["done"] ?? 0);
      // Begins anew, as a trial does, and comes as far as before: nothing is gained by that.
      await advance(at(0));
      await advance(at(Math.min(done + 1, 5)));
      throw new TryAgain("The other side sleeps.");
    });
    start([kind]);
    const id = await add();
    await isIn(id, "failed");
    expect(seen).toEqual([1, 2, 2, 2, 2, 2, 3]);
    expect(await job(id)).toMatchObject({ attempts: 3, progress: { done: 5 } });
  });

  test("what an attempt rolled back was no step further", async () => {
    const kind = kindOf(async ({ advance }) => {
      await advance(async () => ({ done: 0 }));
      await advance(async () => Promise.reject(new TryAgain("No.")));
    });
    start([kind]);
    const id = await add();
    await isIn(id, "failed");
    expect((await job(id)).attempts).toBe(3);
  });

  test("a server that stops asks its jobs to end, and gives back what it did not do", async () => {
    const asked: string[] = [];
    const kind = kindOf(async ({ payload, signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      asked.push(String(payload.what));
      if (payload.what === "hangs") await new Promise(() => {});
      if (payload.what === "breaks off") throw new Error("stopped");
    });
    const worker = start([kind]);
    const what = ["ends", "breaks off", "hangs"];
    const ids = await Promise.all(what.map((each) => add({ payload: { what: each } })));
    await until(() => worker.running === 3);
    await worker.close(50);
    expect(asked.toSorted()).toEqual(what.toSorted());
    const found = await Promise.all(ids.map(job));
    expect(found.map(({ state, attempts, lease_id }) => [state, attempts, lease_id])).toEqual([
      ["succeeded", 1, null],
      ["queued", 0, null],
      ["queued", 0, null],
    ]);
  });

  test("three processes, one of which dies: all jobs are done, and their effects once", async () => {
    const count = 300;
    await store.tx(async (session) => {
      for (const n of numbers(count)) await addJob(session, { kind: "test", payload: { n } });
    });
    let runs = 0;
    const dead = new Set<string>();
    const kindFor = (process: number) =>
      kindOf(
        async ({ id, payload, finish }) => {
          runs++;
          // The one that dies does so in the middle: it never answers, renews or ends anything again.
          if (process === 0 && runs > 60) {
            dead.add(id);
            await new Promise(() => {});
          }
          await finish(async ({ q, t }) => {
            await q.insert(t.schedules).values({ name: String(payload.n), next_at: 1 });
          });
        },
        { attempts: 5 },
      );
    const [dying] = stores.map((each, process) =>
      start([kindFor(process)], { store: each, concurrency: 8, leaseMs: process === 0 ? 300_000 : 500 }),
    );
    await until(() => dead.size > 0);
    // Its leases are over, as they would be half a minute after its death.
    workers.splice(workers.indexOf(dying!), 1);
    const left = async () => {
      await stores[1]!.tx(({ q, t }) =>
        q
          .update(t.jobs)
          .set({ leased_until: 1 })
          .where(sql`${t.jobs.state} = 'running' and ${t.jobs.leased_until} > ${now() + 60_000}`),
      );
      return (await jobs()).filter(({ state }) => state !== "succeeded").length;
    };
    await until(async () => (await left()) === 0);
    const effects = await store.read.q.select().from(store.read.t.schedules);
    expect(effects.length).toBe(count);
    expect(runs).toBeGreaterThanOrEqual(count);
    await Promise.race([dying!.close(), Bun.sleep(50)]);
  }, 60_000);
});
