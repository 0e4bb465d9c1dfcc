import { describe, expect, setSystemTime, test } from "bun:test";
import { asc, eq } from "drizzle-orm";
import { hour, isoTime, minute, now, second } from "../../src/clock";
import { AlarmClock } from "../../src/features/tasks/alarm-clock";
import { eventually } from "../support/notifier";
import { bringPeople } from "../support/people";
import { inWorld, newWorld, type By, type World } from "../support/scenario";
import { engines, startTestServer } from "../support/servers";

const inFuture = (ms: number) => isoTime(now() + ms);

/** When the task rings, by kind, in milliseconds from 1970. */
async function alarmsOf({ server, ids }: World, name: string): Promise<Record<string, number>> {
  const { q, t } = server.parts.store.read;
  const rows = await q.select().from(t.task_alarms).where(eq(t.task_alarms.task_id, ids[name]!));
  return Object.fromEntries(rows.map(({ kind, at }) => [kind, at]));
}

async function add(world: World, name: string, body: object, by: By = "lan"): Promise<void> {
  const { status, json, text } = await world.send(by, "POST", "/api/tasks", {
    body: { title: name, ...body },
  });
  expect([status, text]).toEqual([201, text]);
  world.ids[name] = json.id;
}

/** What somebody was told by alarms. */
const toldTo = async ({ server, ids }: World, who: string): Promise<[string, string, string][]> => {
  const { q, t } = server.parts.store.read;
  const rows = await q
    .select()
    .from(t.notifications)
    .where(eq(t.notifications.user_id, ids[who]!))
    .orderBy(asc(t.notifications.number));
  const rings = rows.filter(({ type }) => type !== "task_assigned");
  return rings.map(({ type, title, message }) => [type, title, message]);
};

/** A new server makes the alarms of tasks from before there were any, once: it sets right what a test has moved by then. */
const olderTasksDone = ({ server }: World): Promise<void> =>
  eventually(async () => {
    const { q, t } = server.parts.store.read;
    const rows = await q.select().from(t.schedules);
    return rows.some(({ name }) => name === "alarms of older tasks: done");
  });

/** Moves alarms back by so much, as if that time had passed. */
const passes = async (world: World, ms: number): Promise<void> => {
  await olderTasksDone(world);
  const { store } = world.server.parts;
  await store.tx(async ({ q, t }) => {
    for (const { id, at } of await q.select().from(t.task_alarms))
      await q
        .update(t.task_alarms)
        .set({ at: at - ms })
        .where(eq(t.task_alarms.id, id));
  });
};

const given = {
  given: ({ server }: World) =>
    server.parts.store.tx(async ({ q, t }) => {
      await q.delete(t.notifications);
      await q.delete(t.jobs);
    }),
};

inWorld("when a task rings", given, (world) => {
  const due = now() + 100 * hour;
  const remind = now() + 10 * hour;
  const all = { reminder: remind, due_soon: due - 24 * hour, overdue: due };
  const body = { due_date: isoTime(due), remind_at: isoTime(remind) };
  const patch = (change: object) => world().send("lan", "PATCH", "/api/tasks/$task", { body: change });

  test("follows from its dates, in the write that gives them", async () => {
    await add(world(), "task", body);
    expect(await alarmsOf(world(), "task")).toEqual(all);
    await patch({ due_date: isoTime(due + hour) });
    expect(await alarmsOf(world(), "task")).toEqual({
      ...{ reminder: remind, due_soon: due - 23 * hour, overdue: due + hour },
    });
    await patch({ due_date: null });
    expect(await alarmsOf(world(), "task")).toEqual({ reminder: remind });
    await patch({ remind_at: null });
    expect(await alarmsOf(world(), "task")).toEqual({});
    await patch({ ...body, title: "Other" });
    expect(await alarmsOf(world(), "task")).toEqual(all);
  });

  test.each([
    ["done", () => world().send("lan", "POST", "/api/tasks/$task/complete"), () => patch({ status: "todo" })],
    ["cancelled", () => patch({ status: "cancelled" }), () => patch({ status: "todo" })],
    [
      "deleted",
      () => world().send("lan", "DELETE", "/api/tasks/$task"),
      () => world().send("lan", "POST", "/api/tasks/$task/restore"),
    ],
  ])("is never while it is %s", async (_, end, begin) => {
    await add(world(), "task", body);
    await end();
    expect(await alarmsOf(world(), "task")).toEqual({});
    await begin();
    expect(await alarmsOf(world(), "task")).toEqual(all);
  });

  test("is not what was past when it was written", async () => {
    await add(world(), "task", { due_date: inFuture(2 * hour), remind_at: inFuture(-minute) });
    expect(Object.keys(await alarmsOf(world(), "task"))).toEqual(["overdue"]);
    await add(world(), "task", { due_date: inFuture(-hour) });
    expect(await alarmsOf(world(), "task")).toEqual({});
    await add(world(), "task", { ...body, status: "done" });
    expect(await alarmsOf(world(), "task")).toEqual({});
  });

  test("goes by the setting, from then on", async () => {
    const hours = (value: number | null) =>
      world().send("admin", "PATCH", "/api/admin/settings/tasks.due_soon_hours", { body: { value } });
    await hours(3);
    await add(world(), "task", body);
    expect(await alarmsOf(world(), "task")).toEqual({ ...all, due_soon: due - 3 * hour });
    await hours(0);
    await add(world(), "task", body);
    expect(Object.keys(await alarmsOf(world(), "task")).toSorted()).toEqual(["overdue", "reminder"]);
    await hours(null);
  });

  const later = { due_date: isoTime(due + 48 * hour) };
  test.each([
    ["is done", { status: "done" }, {}],
    ["is due later", later, { reminder: remind, overdue: due + 48 * hour }],
  ])(
    "is forgotten with a task that %s, also of those told no more of what is due soon",
    async (_, change, left) => {
      const hours = (value: number | null) =>
        world().send("admin", "PATCH", "/api/admin/settings/tasks.due_soon_hours", { body: { value } });
      await add(world(), "task", body);
      await hours(0);
      expect((await patch(change)).status).toBe(200);
      expect(await alarmsOf(world(), "task")).toEqual(left);
      await hours(null);
      expect((await patch({ status: "todo", ...body })).status).toBe(200);
      expect(await alarmsOf(world(), "task")).toEqual(all);
    },
  );
});

inWorld("a task that rings", given, (world) => {
  test("is told to whoever has it, in their words for the time, by a server that runs, each alarm once", async () => {
    await world().send("minh", "PATCH", "/api/users/me", {
      body: { time_zone: "Asia/Ho_Chi_Minh", locale: "en-GB" },
    });
    const due = Math.ceil(now() / hour) * hour + 48 * hour;
    const body = { due_date: isoTime(due), remind_at: isoTime(now() + hour), assigned_to: "$minh" };
    await add(world(), "ring", body);
    await passes(world(), 2 * hour);
    await eventually(async () => (await toldTo(world(), "minh")).length === 1);
    const [[type, title, message] = []] = await toldTo(world(), "minh");
    expect([type, title]).toEqual(["task_reminder", "Remember: ring"]);
    const local = Temporal.Instant.fromEpochMilliseconds(due).toZonedDateTimeISO("Asia/Ho_Chi_Minh");
    expect(message).toContain(`${local.day} `);
    expect(message).toContain(`${String(local.hour).padStart(2, "0")}:00`);
    await passes(world(), 23 * hour);
    await eventually(async () => (await toldTo(world(), "minh")).length === 2);
    await passes(world(), 24 * hour);
    await eventually(async () => (await toldTo(world(), "minh")).length === 3);
    expect((await toldTo(world(), "minh")).map(([type]) => type)).toEqual([
      ...["task_reminder", "task_due_soon", "task_overdue"],
    ]);
    expect(await toldTo(world(), "lan")).toEqual([]);
    expect(await alarmsOf(world(), "ring")).toEqual({});
  });

  test("is told to who made it where nobody has it, and to nobody once it is gone or its owner is", async () => {
    await world().server.parts.alarms.close();
    await add(world(), "own", { remind_at: inFuture(hour) });
    await add(world(), "gone", { remind_at: inFuture(hour), assigned_to: "$stranger" });
    await passes(world(), 2 * hour);
    await world().server.parts.store.tx(({ q, t }) =>
      q.update(t.tasks).set({ deleted_at: now() }).where(eq(t.tasks.id, world().ids.gone!)),
    );
    expect(await world().server.parts.alarms.ringDue()).toBe(2);
    expect(await toldTo(world(), "lan")).toEqual([["task_reminder", "Remember: own", "It has no due date."]]);
    expect(await toldTo(world(), "stranger")).toEqual([]);
    world().server.parts.alarms.start();
  });

  test("rings once, however many look at the same time, and the bell is rung for whom it concerns", async () => {
    const { parts } = world().server;
    await parts.alarms.close();
    for (let i = 0; i < 150; i++) await add(world(), `many${i}`, { remind_at: inFuture(hour) });
    await passes(world(), 2 * hour);
    const rung: string[] = [];
    const { store, tasks } = parts;
    const clocks = Array.from(
      { length: 4 },
      () => new AlarmClock({ store, tasks, ring: (userId) => rung.push(userId) }),
    );
    let taken = 0;
    for (let found = 1; found > 0; taken += found) {
      const counts = await Promise.all(clocks.map((clock) => clock.ringDue()));
      found = counts.reduce((sum, count) => sum + count, 0);
    }
    expect(taken).toBe(150);
    const titles = (await toldTo(world(), "lan")).map(([, title]) => title);
    expect(titles).toHaveLength(150);
    expect(new Set(titles).size).toBe(150);
    expect(new Set(rung)).toEqual(new Set([world().ids.lan!]));
    parts.alarms.start();
  }, 120_000);

  test("rings by the clock as it is then: not early when it is set back, and at once when it is set forward", async () => {
    const { alarms } = world().server.parts;
    await alarms.close();
    await add(world(), "stepped", { remind_at: inFuture(hour) });
    try {
      setSystemTime(now() - 24 * hour);
      expect(await alarms.ringDue()).toBe(0);
      setSystemTime(now() + 26 * hour);
      expect(await alarms.ringDue()).toBe(1);
      expect(await alarms.ringDue()).toBe(0);
      setSystemTime(now() - 26 * hour);
      expect(await alarms.ringDue()).toBe(0);
    } finally {
      setSystemTime();
    }
    expect((await toldTo(world(), "lan")).map(([, title]) => title)).toEqual(["Remember: stepped"]);
    alarms.start();
  });

  test("rings once what holds everybody up is over", async () => {
    const { parts } = world().server;
    await parts.alarms.close();
    let isHeldUp = true;
    const { store, tasks } = parts;
    const flaky = {
      current: (...given: Parameters<typeof tasks.current>) =>
        isHeldUp ? Promise.reject(new Error("held up")) : tasks.current(...given),
      seen: (...given: Parameters<typeof tasks.seen>) => tasks.seen(...given),
    };
    await add(world(), "held up", { remind_at: inFuture(hour) });
    await passes(world(), 2 * hour);
    const clock = new AlarmClock({ store, tasks: flaky, ring: () => {} });
    await expect(clock.ringDue()).rejects.toThrow("held up");
    clock.start();
    isHeldUp = false;
    await eventually(async () => (await toldTo(world(), "lan")).length === 1);
    await clock.close();
    parts.alarms.start();
  });
});

describe.each(engines)("what was due while no server ran [%s]", (engine) => {
  test("rings when one does, once", async () => {
    const server = await startTestServer(engine);
    const world = newWorld(server, await bringPeople(server));
    try {
      await server.parts.alarms.close();
      await add(world, "late", { remind_at: inFuture(hour) });
      await passes(world, 5 * hour);
      server.parts.alarms.start();
      await eventually(async () => (await toldTo(world, "lan")).length > 0);
      await Bun.sleep(1.2 * second);
      expect(await toldTo(world, "lan")).toHaveLength(1);
    } finally {
      await server.stop();
    }
  });
});

describe.each(engines)("tasks from before there were alarms [%s]", (engine) => {
  test("ring once the server is upgraded, and others as before", async () => {
    const server = await startTestServer(engine);
    try {
      const { store, tasks } = server.parts;
      const world = newWorld(server, await bringPeople(server));
      for (let i = 0; i < 120; i++) await add(world, `late${i}`, { due_date: inFuture(100 * hour) });
      await add(world, "quiet", { due_date: inFuture(100 * hour), status: "done" });
      await add(world, "kept", { remind_at: inFuture(hour) });
      const alarms = async () => {
        const rows = await store.read.q.select().from(store.read.t.task_alarms);
        return rows.map(({ task_id, kind, at }) => `${task_id} ${kind} ${at}`).toSorted();
      };
      const wanted = await alarms();
      expect(wanted).toHaveLength(241);
      await store.tx(async ({ q, t }) => {
        for (const { id, task_id } of await q.select().from(t.task_alarms))
          if (task_id !== world.ids.kept) await q.delete(t.task_alarms).where(eq(t.task_alarms.id, id));
      });
      expect(await alarms()).toHaveLength(1);
      for (let i = 0; i < 2; i++) {
        await tasks.makeAlarms();
        expect(await alarms()).toEqual(wanted);
      }
      await olderTasksDone(world);
    } finally {
      await server.stop();
    }
  }, 60_000);
});
