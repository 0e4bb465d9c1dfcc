/**
 * Events come into one order, on SQLite with their commit and on PostgreSQL after it, and each consumer gets all of them in it, once.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { and, asc, eq, sql } from "drizzle-orm";
import { now } from "../../../src/clock";
import { telling } from "../../../src/db/after-commit";
import type { Session, Store } from "../../../src/db/store";
import type { Consumer, SequencedEvent } from "../../../src/events/consumer";
import { eventsTopic, record, recordEach, remark, remarkEach } from "../../../src/events/record";
import { Relay, type RelayOptions } from "../../../src/events/relay";
import { forgetEvents, forgetSignIns } from "../../../src/retention/events";
import { newId } from "../../../src/ids";
import { systemActor } from "../../../src/policy";
import { closeAll, storesOnOne, until } from "../../support/stores";
import { newDatabase } from "../../support/postgres";
import { temporaryFolder } from "../db/fixtures";

const folder = temporaryFolder();
// PostgreSQL takes longer to start than a test may.
beforeAll(async () => void (await newDatabase()), 60_000);
afterAll(folder.remove);

const actor = systemActor("test-relay");
const happened = (session: Session, id: string, version: number, at = now()) =>
  record(session, actor, "client.updated", null, { id, version }, at);

const about = () => ({ id: newId(), version: 1 });
const changed = () => ({ before: null, after: about() });

const eventsOf = ({ read: { q, t } }: Store) => q.select().from(t.events).orderBy(asc(t.events.seq));
const numbered = async (store: Store) => (await eventsOf(store)).filter(({ seq }) => seq !== null);
const oneTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe.each(["sqlite", "postgres"] as const)("the relay [%s]", (engine) => {
  let stores: Store[];
  let store: Store;
  let relays: Relay[];
  beforeEach(async () => {
    stores = await storesOnOne(engine, folder.path, 2);
    store = stores[0]!;
    relays = [];
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.close()));
    await closeAll(stores);
  });

  const start = (options: Partial<RelayOptions> = {}) => {
    const relay = new Relay({ store, consumers: [], ordered: () => {}, gatherMs: 1, pollMs: 10, ...options });
    relays.push(relay);
    relay.start();
    return relay;
  };
  /** Keeps what it was given. */
  const reader = (name: string, more: Partial<Consumer> = {}) => {
    const seen: SequencedEvent[] = [];
    const consumer = {
      name,
      take: async () => {},
      taken: (events: readonly SequencedEvent[]) => void seen.push(...events),
      ...more,
    };
    return { consumer, seen };
  };
  const commit = (count: number, at?: (i: number) => number) =>
    store.tx(async (session) => {
      for (let i = 0; i < count; i++) await happened(session, newId(), 1, at?.(i));
    });

  /** As an older version left them on SQLite, when it ended before their turn. */
  const forgetNumbers = () => store.tx(({ q, t }) => q.update(t.events).set({ seq: null }));

  test("numbers events by their time, without gaps, over several passes", async () => {
    const start0 = now();
    await commit(23, (i) => start0 - ((i * 7) % 23));
    expect(await numbered(store)).toHaveLength(engine === "sqlite" ? 23 : 0);
    await forgetNumbers();
    start({ batch: 5 });
    await until(async () => (await numbered(store)).length === 23);
    const events = await eventsOf(store);
    expect(events.map(({ seq }) => seq)).toEqual(oneTo(23));
    const times = events.map(({ created_at }) => created_at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("many that are recorded together are numbered in their order, and who rolls back takes no number", async () => {
    start();
    const many = oneTo(3).map(changed);
    await store.tx((session) => recordEach(session, actor, "client.updated", []));
    await store.tx((session) => recordEach(session, actor, "client.updated", many));
    const failing = store.tx(async (session) => {
      await recordEach(session, actor, "client.updated", [changed()]);
      throw new Error("no");
    });
    await failing.catch(() => {});
    await commit(1);
    await until(async () => (await numbered(store)).length === 4);
    const events = await eventsOf(store);
    expect(events.map(({ seq }) => seq)).toEqual(oneTo(4));
    if (engine === "sqlite") {
      expect(events.slice(0, 3).map(({ entity_id }) => entity_id)).toEqual(many.map(({ after }) => after.id));
    }
  });

  test("writers who share a commit number on from each other, whoever of them fails", async () => {
    start();
    const failing = (i: number) => i % 5 === 4;
    const writers = oneTo(40).map((i) =>
      store.tx(async (session) => {
        if (i % 3 === 0) await recordEach(session, actor, "client.updated", [changed(), changed()]);
        else await happened(session, newId(), 1);
        if (failing(i)) throw new Error("no");
      }),
    );
    await Promise.allSettled(writers);
    const events = oneTo(40).reduce((sum, i) => sum + (failing(i) ? 0 : i % 3 === 0 ? 2 : 1), 0);
    await until(async () => (await numbered(store)).length === events);
    expect((await eventsOf(store)).map(({ seq }) => seq)).toEqual(oneTo(events));
  });

  test("a record's versions ascend, whatever the clock said, also beyond a pass", async () => {
    const [mended, other] = [newId(), newId()];
    await store.tx(async (session) => {
      for (const version of oneTo(12)) await happened(session, mended, version, 1_000_000 - version);
      for (const version of oneTo(12)) await happened(session, other, version, 999_993 + version);
    });
    await forgetNumbers();
    start({ batch: 4 });
    await until(async () => (await numbered(store)).length === 24);
    const events = await eventsOf(store);
    expect(events.map(({ seq }) => seq)).toEqual(oneTo(24));
    for (const id of [mended, other])
      expect(events.filter(({ entity_id }) => entity_id === id).map(({ version }) => version)).toEqual(
        oneTo(12),
      );
  });

  test("several writers and relays at once: nothing is lost, numbered twice or out of its record's order", async () => {
    const records = oneTo(4).map(() => newId());
    const { consumer, seen } = reader("watch");
    const all = stores.map((each) => start({ store: each, batch: 7, consumers: [consumer] }));
    /** Raises a record's version, as a change of it does. */
    const change = (writer: Store, id: string) =>
      writer.tx(async (session) => {
        const { q, t } = session;
        const [last] = await q
          .select({ version: sql<number>`max(${t.events.version})`.mapWith(Number) })
          .from(t.events)
          .where(and(eq(t.events.entity_type, "client"), eq(t.events.entity_id, id)));
        await happened(session, id, (last!.version ?? 0) + 1, now() + Math.round(Math.random() * 50));
        // Who began first does not have to be the first to commit.
        await Bun.sleep(Math.random() * 3);
      });
    const writers = oneTo(8).map(async (i) => {
      for (let n = 0; n < 15; n++) {
        await change(stores[i % 2]!, records[(i + n) % 4]!);
        all[i % 2]!.nudge();
      }
    });
    await Promise.all(writers);
    await until(() => seen.length >= 120);
    expect(seen.map(({ seq }) => seq)).toEqual(oneTo(120));
    expect((await eventsOf(store)).map(({ seq }) => seq)).toEqual(oneTo(120));
    for (const id of records) {
      const versions = seen.filter(({ entity_id }) => entity_id === id).map(({ version }) => version);
      expect(versions).toEqual(oneTo(versions.length));
    }
  }, 30_000);

  test("an event that commits late comes after those that were numbered before", async () => {
    start();
    const late = newId();
    const gate = Promise.withResolvers<void>();
    // On SQLite writers come one after the other: there is no such event.
    if (engine === "sqlite") gate.resolve();
    const slow = stores[1]!.tx(async (session) => {
      await happened(session, late, 1, 1_000);
      await gate.promise;
    });
    await commit(3);
    await until(async () => (await numbered(store)).length >= 3);
    gate.resolve();
    await slow;
    await until(async () => (await numbered(store)).length === 4);
    const seqs = (await eventsOf(store)).map(({ seq }) => seq);
    expect(seqs).toEqual(oneTo(4));
    if (engine === "postgres") expect((await eventsOf(store)).at(-1)!.entity_id).toBe(late);
  });

  test("a commit nudges it; many nudges are one pass", async () => {
    let passes = 0;
    const relay = start({ ordered: () => void passes++, gatherMs: 50, pollMs: 60_000 });
    const watched = telling(store, (topic) => {
      for (let i = 0; i < 20; i++) if (topic === eventsTopic) relay.nudge();
    });
    await watched.tx((session) => happened(session, newId(), 1));
    await until(() => passes > 0);
    await relay.close();
    expect((await numbered(store)).length).toBe(1);
    expect(passes).toBe(1);
  });

  test.each([
    ["a change", (session: Session) => happened(session, newId(), 1)],
    ["many changes", (session: Session) => recordEach(session, actor, "client.updated", [changed()])],
    ["a remark", (session: Session) => remark(session, actor, "client.note", about(), { text: "x" })],
    ["many remarks", (session: Session) => remarkEach(session, actor, "client.purged", [about()])],
  ])("%s is told after its commit, however it was recorded", async (_, write) => {
    const told: string[] = [];
    const watched = telling(store, (topic) => told.push(topic));
    await watched.tx(async (session) => void (await write(session)));
    expect(told).toEqual([eventsTopic]);
  });

  test("who rolls back tells nobody", async () => {
    const told: string[] = [];
    const watched = telling(store, (topic) => told.push(topic));
    const failing = watched.tx(async (session) => {
      await happened(session, newId(), 1);
      throw new Error("no");
    });
    await failing.catch(() => {});
    await watched.tx((session) => session.q.select().from(session.t.roles));
    expect(told).toEqual([]);
    await watched.tx(async (session) => {
      for (const version of [1, 2]) await happened(session, newId(), version);
    });
    expect(told).toEqual([eventsTopic]);
  });

  test("one consumer that fails keeps no other back, and takes everything once it is mended", async () => {
    let isMended = false;
    const written: string[] = [];
    const broken = reader("broken", {
      async take(session, events) {
        await session.q.insert(session.t.schedules).values({ name: `taken ${events[0]!.id}`, next_at: 1 });
        if (!isMended) throw new Error("broken");
        written.push(...events.map(({ id }) => id));
      },
    });
    const sound = reader("sound");
    const relay = start({ consumers: [broken.consumer, sound.consumer] });
    await commit(3);
    await until(() => sound.seen.length === 3);
    await commit(2);
    await until(() => sound.seen.length === 5);
    expect(broken.seen).toEqual([]);
    const taken = () => store.read.q.select().from(store.read.t.schedules);
    expect(await taken()).toEqual([]);
    await until(() => relay.lagSeconds > 0 && relay.lags()["broken"] === 5);
    isMended = true;
    await until(() => broken.seen.length === 5);
    expect(broken.seen.map(({ seq }) => seq)).toEqual(oneTo(5));
    expect(new Set(written).size).toBe(5);
    expect(await taken()).toHaveLength(1);
  });

  test("a new consumer catches up from the beginning; one that was there goes on where it was", async () => {
    await commit(230);
    const first = reader("first");
    const relay = start({ consumers: [first.consumer] });
    await until(() => first.seen.length === 230);
    await relay.close();
    await commit(1);
    const again = reader("first");
    const portions: number[] = [];
    const later = reader("later", { take: async (_, events) => void portions.push(events.length) });
    const next = start({ consumers: [again.consumer, later.consumer] });
    await until(() => later.seen.length === 231 && again.seen.length === 1);
    expect(again.seen.map(({ seq }) => seq)).toEqual([231]);
    expect(later.seen.map(({ seq }) => seq)).toEqual(oneTo(231));
    expect(Math.max(...portions)).toBe(100);
    await until(() => Bun.deepEquals([next.lagSeconds, next.lags()], [0, { first: 0, later: 0 }]));
  });

  test("what number was last is written down for a program before this one", async () => {
    const kept = async () =>
      (await store.read.q.select().from(store.read.t.consumers)).find(({ name }) => name === "relay");
    const first = reader("first");
    const relay = start({ consumers: [first.consumer] });
    await commit(3);
    await until(async () => (await kept())?.position === 3);
    await until(() => first.seen.length === 3);
    await relay.close();
    await commit(2);
    const next = start();
    await until(async () => (await numbered(store)).length === 5);
    await next.close();
    expect((await kept())!.position).toBe(5);
  });

  test("numbers are not given again when their events are gone, be it all of them", async () => {
    start();
    const numbers: number[] = [];
    for (const type of [
      "session.created",
      "session.created",
      "user.updated",
      "client.created",
      "user.updated",
    ] as const) {
      await store.tx((session) => record(session, actor, type, null, about()));
      await until(async () => (await eventsOf(store)).every(({ seq }) => seq !== null));
      // Of the client a snapshot stays, with a number of its own.
      for (const { seq } of await eventsOf(store)) if (!numbers.includes(seq!)) numbers.push(seq!);
      expect((await forgetSignIns(store, now() + 1)) + (await forgetEvents(store, actor, now() + 1))).toBe(1);
    }
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
