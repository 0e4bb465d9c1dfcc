import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { newId } from "../../src/ids";
import { account, actorOf } from "../../src/features/users/accounts";
import { addJob } from "../../src/jobs/queue";
import type { JobRow } from "../../src/jobs/job";
import { sendFile } from "../support/imports";
import { idle } from "../support/jobs";
import { told } from "../support/notifier";
import { inWorld, scenarios, type Scenario, type Setting, type World } from "../support/scenario";

const unknown = "01941f29-7c00-7000-8000-00000000dead";
const day = 86_400_000;
const start = Date.UTC(2026, 0, 1);

/** Adds a job of a kind that nobody does, so that it stays as it is. */
async function put(world: World, name: string, change: Partial<JobRow>, key?: string): Promise<void> {
  const { store } = world.server.parts;
  world.ids[name] = await store.tx(async (session) => {
    const payload = { secret: "sealed-payload" };
    const id = await addJob(session, { kind: change.kind ?? "of nobody's", payload, key });
    await session.q.update(session.t.jobs).set(change).where(eq(session.t.jobs.id, id));
    return id;
  });
}

const given: Setting = {
  async given(world) {
    const { store } = world.server.parts;
    await store.tx(({ q, t }) => q.delete(t.jobs));
    const { lan, minh } = world.people;
    await put(world, "waiting", { created_by: minh.id, created_at: start + day });
    await put(world, "running", {
      ...{ state: "running", lease_id: newId(), leased_until: Date.now() + day, attempts: 1 },
      ...{ created_by: lan.id, created_at: start + 2 * day },
      progress: { done: 30, total: 100, created: 20, updated: 5, skipped: 3, failed: 2, rate: 7 },
    });
    await put(world, "dead", {
      ...{ kind: "letter of nobody", state: "failed", error: "Nobody has this address.", attempts: 3 },
      ...{ created_at: start + 3 * day, finished_at: start + 4 * day },
    });
  },
};

const never = [/payload|lease|attempts|priority|run_at/];

scenarios("one job", given, [
  {
    by: "lan",
    get: "/api/jobs/$running",
    status: 200,
    never,
    events: [],
    then(world, { json }) {
      expect(json).toEqual({
        ...{ id: world.ids.running, kind: "of nobody's", state: "running" },
        ...{ done: 30, total: 100, created: 20, updated: 5, skipped: 3, failed: 2, rate: 7, eta_seconds: 10 },
        ...{ error: null, result: null, created_by: world.people.lan.id, finished_at: null },
        created_at: "2026-01-03T00:00:00.000Z",
      });
    },
  },
  {
    name: "with nothing to count",
    by: "admin",
    get: "/api/jobs/$dead",
    status: 200,
    never,
    has: {
      ...{ state: "failed", error: "Nobody has this address.", created_by: null },
      ...{ done: null, total: null, rate: null, eta_seconds: null, finished_at: "2026-01-05T00:00:00.000Z" },
    },
  },
  { by: "minh", get: "/api/jobs/$waiting", status: 200, has: { state: "queued" } },
  ...(["minh", "stranger", "manager"] as const).map((by): Scenario => ({
    by,
    get: "/api/jobs/$running",
    status: 404,
    problem: { code: "not_found" },
  })),
  { name: "nobody's own", by: "lan", get: "/api/jobs/$dead", status: 404 },
  { by: "admin", get: "/api/jobs/$running", status: 200 },
  { by: "admin", get: `/api/jobs/${unknown}`, status: 404 },
]);

scenarios("all jobs", given, [
  {
    by: "admin",
    get: "/api/admin/jobs",
    status: 200,
    never,
    has: { data: [{ id: "$dead" }, { id: "$running" }, { id: "$waiting" }], pagination: { total: 3 } },
  },
  ...(
    [
      ["filter[state]=failed", "$dead"],
      ["state=queued", "$waiting"],
      ["filter[kind]=letter+of+nobody", "$dead"],
      ["filter[created_by]=$lan", "$running"],
      ["filter[created_by][is_null]=true", "$dead"],
      ["filter[created_at][lt]=2026-01-02T12:00:00Z", "$waiting"],
      ["filter[finished_at][is_null]=false", "$dead"],
      ["sort=created_at&limit=1", "$waiting"],
    ] as const
  ).map(([query, id]): Scenario => ({
    by: "admin",
    get: `/api/admin/jobs?${query}`,
    status: 200,
    then: (world, { json }) =>
      expect(json.data.map((job: { id: string }) => job.id)).toEqual([world.ids[id.slice(1)]!]),
  })),
  { by: "admin", get: "/api/admin/jobs?filter[payload]=x", status: 400, problem: { code: "unknown_field" } },
  ...(["lan", "manager"] as const).map((by): Scenario => ({ by, get: "/api/admin/jobs", status: 403 })),
]);

scenarios("a dead letter is tried again", given, [
  {
    by: "admin",
    post: "/api/admin/jobs/$dead/retry",
    status: 200,
    never,
    has: { id: "$dead", state: "queued", error: null, finished_at: null },
    async then(world) {
      const { q, t } = world.server.parts.store.read;
      const [row] = await q.select().from(t.jobs).where(eq(t.jobs.id, world.ids.dead!));
      expect(row).toMatchObject({ state: "queued", attempts: 0 });
    },
  },
  ...(["waiting", "running"] as const).map((name): Scenario => ({
    by: "admin",
    post: `/api/admin/jobs/$${name}/retry`,
    status: 409,
    problem: { code: "job_not_failed", state: name === "waiting" ? "queued" : "running" },
  })),
  {
    name: "another with its key waits already",
    by: "admin",
    post: "/api/admin/jobs/$dead/retry",
    async after(world) {
      const { store } = world.server.parts;
      await store.tx(({ q, t }) =>
        q.update(t.jobs).set({ key: "once" }).where(eq(t.jobs.id, world.ids.dead!)),
      );
      await put(world, "other", { kind: "of nobody's" }, "once");
    },
    status: 409,
    problem: { code: "already_exists" },
  },
  {
    name: "twice with one key",
    by: "admin",
    post: "/api/admin/jobs/$dead/retry",
    key: "again",
    after: (world) =>
      world.send("admin", "POST", "/api/admin/jobs/$dead/retry", { headers: { "idempotency-key": "again" } }),
    status: 200,
    hasHeaders: { "idempotency-replayed": "true" },
  },
  { by: "admin", post: `/api/admin/jobs/${unknown}/retry`, status: 404 },
  ...(["lan", "manager"] as const).map((by): Scenario => ({
    by,
    post: "/api/admin/jobs/$dead/retry",
    status: 403,
    events: [],
  })),
]);

inWorld("events and the server", given, (world) => {
  test("every event gets its number soon after its commit", async () => {
    const { status } = await world().send("lan", "POST", "/api/clients", { body: { name: "Acme" } });
    expect(status).toBe(201);
    await told(world());
  });
});

inWorld("jobs that somebody asks for", given, (world) => {
  /** More than are changed at once, so that a job does it. */
  const many = {
    items: Array.from({ length: 501 }, () => ({ id: newId() })),
    set: { status: "active" },
  };
  const ask = (by: "lan" | "minh") => world().send(by, "POST", "/api/bulk/clients/update", { body: many });
  const importOf = (by: "lan" | "minh") => sendFile(world(), by, "clients", "name\nAcme\n");

  test("are twenty at a time; others, and what is done at once, wait for none of them", async () => {
    // One of them is under way as it is.
    for (let i = 1; i < 20; i++) await put(world(), `one ${i}`, { created_by: world().people.lan.id });
    for (const send of [ask, importOf]) {
      const { status, json, headers } = await send("lan");
      expect([status, json.code, headers.get("retry-after")]).toEqual([429, "too_many_jobs", "10"]);
      expect((await send("minh")).status).toBe(202);
    }
    const few = { ...many, items: many.items.slice(0, 5) };
    expect((await world().send("lan", "POST", "/api/bulk/clients/update", { body: few })).status).toBe(200);
    await idle(world());
  });

  test("files that are still on their way in are jobs to come", async () => {
    const { store, imports } = world().server.parts;
    const minh = await actorOf(
      store.read,
      (await account(store.read, world().people.minh.id))!,
      "slow-imports",
    );
    const rest = Promise.withResolvers<never>();
    const begin = () => imports.begin(minh, "clients", () => rest.promise);
    // One of minh's waits as it is.
    const slow = Array.from({ length: 19 }, begin);
    await expect(begin()).rejects.toMatchObject({ code: "too_many_jobs" });
    expect((await importOf("minh")).json.code).toBe("too_many_jobs");
    rest.reject(new Error("broken off"));
    expect((await Promise.allSettled(slow)).map(({ status }) => status)).toEqual(slow.map(() => "rejected"));
    expect((await importOf("minh")).status).toBe(202);
    await idle(world());
  });
});
