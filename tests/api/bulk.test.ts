/** Changes of many records at once, by the rules of single ones, with a report of what was left out, and taken back again. */
import { describe, expect, test } from "bun:test";
import { ended, idle, undone } from "../support/jobs";
import { upload } from "../support/files";
import { inWorld, scenarios, type World } from "../support/scenario";

const update = "/api/bulk/clients/update";
const remove = "/api/bulk/delete";
const clients = {
  acme: { status: "prospect", industry: "Banking", tags: ["vip"] },
  beta: { status: "prospect", industry: "Retail" },
  gamma: { status: "customer", industry: "Banking", by: "minh" },
} as const;

const conditions = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]));

scenarios("changes of many clients", { clients }, [
  {
    by: "manager",
    post: update,
    body: { items: [{ id: "$acme", version: 1 }, { id: "$beta" }], set: { status: "active" } },
    status: 200,
    has: { kind: "bulk_update", state: "succeeded", done: 2, total: 2, updated: 2, skipped: 0 },
    hasHeaders: { location: /^\/api\/jobs\/[0-9a-f-]{36}$/ },
    events: ["client.updated", "client.updated"],
  },
  {
    by: "lan",
    post: update,
    body: { items: [{ id: "$acme" }, { id: "$gamma" }], set: { status: "active" } },
    status: 200,
    has: { updated: 1, skipped: 1, result: { skipped: [{ id: "$gamma", code: "forbidden" }] } },
    events: ["client.updated"],
  },
  {
    by: "manager",
    post: update,
    body: {
      items: [
        { id: "$acme", version: 7 },
        { id: "$beta", version: 1 },
      ],
      set: { notes: "called" },
    },
    status: 200,
    has: { updated: 1, skipped: 1, result: { skipped: [{ id: "$acme", code: "stale" }] } },
    events: ["client.updated"],
  },
  {
    by: "manager",
    post: update,
    body: {
      filter: { industry: "banking", status: ["prospect", "customer"] },
      expected_count: 2,
      set: { tags: ["bank"] },
    },
    status: 200,
    has: { total: 2, updated: 2 },
    events: ["client.updated", "client.updated"],
  },
  {
    by: "manager",
    post: update,
    body: { items: [{ id: "$acme" }, { id: "$acme" }], set: { status: "prospect" } },
    status: 200,
    has: { total: 1, updated: 0, skipped: 0 },
    events: [],
  },
  {
    by: "manager",
    post: update,
    body: { items: [{ id: "$acme" }, { id: "$beta" }], set: { email: "one@example.com" } },
    status: 200,
    has: {
      updated: 1,
      skipped: 1,
      result: { skipped: [{ id: "$beta", code: "email_taken", field: "email" }] },
    },
    events: ["client.updated"],
  },
  {
    by: "manager",
    post: update,
    body: { filter: { industry: "banking" }, expected_count: 5, set: { status: "active" } },
    status: 422,
    problem: { field: "expected_count", fieldCode: "count_mismatch" },
    events: [],
  },
  {
    by: "manager",
    post: update,
    body: { filter: {}, expected_count: 3, set: { status: "active" } },
    status: 422,
    problem: { field: "filter", fieldCode: "empty_filter" },
    events: [],
  },
  {
    name: "more conditions than a list takes, none of which is looked at",
    by: "lan",
    post: update,
    body: {
      filter: { ["x".repeat(100_000)]: conditions(5_000) },
      expected_count: 3,
      set: { status: "active" },
    },
    status: 422,
    problem: { field: "filter", fieldCode: "too_many_filters" },
    events: [],
  },
  {
    by: "manager",
    post: update,
    body: { filter: { colour: "red" }, expected_count: 3, set: { status: "active" } },
    status: 422,
    problem: { field: "filter[colour]", fieldCode: "unknown_field" },
  },
  {
    by: "manager",
    post: update,
    body: { filter: { status: "active" }, set: { status: "active" } },
    status: 422,
    problem: { field: "expected_count" },
  },
  {
    by: "manager",
    post: update,
    body: { set: { status: "active" } },
    status: 422,
    problem: { field: "items", fieldCode: "items_or_filter" },
  },
  {
    by: "manager",
    post: update,
    body: { items: [{ id: "$acme" }], set: {} },
    status: 422,
    problem: { field: "set" },
  },
  {
    by: "manager",
    post: update,
    body: { items: [{ id: "$acme" }], set: { status: "red" } },
    status: 422,
    problem: { field: "set.status" },
  },
  {
    by: "manager",
    post: update,
    body: { items: [], set: { status: "active" } },
    status: 422,
    problem: { field: "items" },
  },
  {
    by: "nobody",
    post: update,
    body: { items: [{ id: "$acme" }], set: { status: "active" } },
    status: 401,
    events: [],
  },
]);

const told = { tasks: { call: { external_id: "T-1" }, write: { by: "minh" } } } as const;
scenarios("changes of many tasks", told, [
  {
    by: "lan",
    post: "/api/bulk/tasks/update",
    body: {
      items: [{ id: "$write" }, { id: "01941f29-7c00-7000-8000-00000000dead" }],
      set: { external_id: "T-1" },
    },
    status: 200,
    // Whether there is such a task is not told by a value that another has.
    has: {
      updated: 0,
      skipped: 2,
      result: { skipped: [{ id: "$write", code: "not_found" }, { code: "not_found" }] },
    },
    events: [],
  },
  {
    by: "manager",
    post: "/api/bulk/tasks/update",
    body: { items: [{ id: "$write" }], set: { external_id: "T-1" } },
    status: 200,
    has: { updated: 0, skipped: 1, result: { skipped: [{ id: "$write", code: "external_id_taken" }] } },
    events: [],
  },
]);

scenarios("deletions of many", { clients, tasks: { call: {}, write: { by: "minh" } } }, [
  {
    by: "manager",
    post: remove,
    body: { type: "clients", items: [{ id: "$acme" }, { id: "$beta" }] },
    status: 200,
    has: { kind: "bulk_delete", updated: 2 },
    events: ["client.deleted", "client.deleted"],
  },
  {
    by: "lan",
    delete: remove,
    body: { type: "tasks", items: [{ id: "$call" }, { id: "$write" }] },
    status: 200,
    // Another's task is none that lan knows of.
    has: { updated: 1, skipped: 1, result: { skipped: [{ id: "$write", code: "not_found" }] } },
    events: ["task.deleted"],
  },
  {
    by: "manager",
    post: remove,
    body: { type: "clients", filter: { status: "customer" }, expected_count: 1 },
    status: 200,
    has: { updated: 1 },
  },
  {
    by: "manager",
    post: remove,
    body: { type: "users", items: [{ id: "$acme" }] },
    status: 422,
    problem: { field: "type" },
  },
]);

inWorld("what many records were", { clients, tasks: { call: { client_id: "$acme" } } }, (world) => {
  const get = async (name: string, resource = "clients") =>
    (await world().send("manager", "GET", `/api/${resource}/${world().ids[name]}`)).json;
  const ids = (...names: string[]) => names.map((name) => ({ id: world().ids[name] }));
  const bulk = async (path: string, body: unknown) =>
    (await world().send("manager", "POST", path, { body })).json;

  test("they are again, field for field, once it is taken back", async () => {
    const before = [await get("acme"), await get("beta")];
    const job = await bulk(update, {
      items: ids("acme", "beta"),
      set: { status: "active", tags: ["x"], phone: "0901234567" },
    });
    const undo = await undone(world(), "manager", job.id);
    expect(undo).toMatchObject({ kind: "undo", state: "succeeded", total: 2, updated: 2, skipped: 0 });
    const after = [await get("acme"), await get("beta")];
    const implied = { version: expect.any(Number), updated_at: expect.any(String) };
    expect(after).toEqual(before.map((each) => ({ ...each, ...implied })));
    expect(await ended(world(), "manager", job.id)).toMatchObject({ state: "undone" });
    const again = await world().send("manager", "POST", `/api/jobs/${job.id}/undo`, { body: {} });
    expect([again.status, again.json.code, again.json.state]).toEqual([409, "job_not_undoable", "undone"]);
  });

  test("what somebody changed since stays, and is listed", async () => {
    const job = await bulk(update, {
      items: ids("acme", "beta"),
      set: { status: "active", industry: "Law" },
    });
    await world().send("lan", "PATCH", `/api/clients/${world().ids.acme}`, { body: { status: "customer" } });
    const undo = await undone(world(), "manager", job.id);
    expect(undo).toMatchObject({ updated: 1, skipped: 1 });
    expect(await get("acme")).toMatchObject({ status: "customer", industry: "Banking" });
    const { text, headers } = await world().send("manager", "GET", `/api/jobs/${undo.id}/errors.csv`);
    expect(headers.get("content-type")).toStartWith("text/csv");
    expect(text.split("\r\n")[0]).toEndWith("line,record_id,field,code,message");
    expect(text).toContain(`,${world().ids.acme},status,edited_since,It was changed since.`);
  });

  test("what was deleted is there again, unless its place is taken", async () => {
    await world().send("manager", "PATCH", `/api/clients/${world().ids.beta}`, {
      body: { email: "beta@example.com" },
    });
    const job = await bulk(remove, { type: "clients", items: ids("acme", "beta") });
    await world().send("manager", "POST", "/api/clients", {
      body: { name: "new", email: "beta@example.com" },
    });
    const undo = await undone(world(), "manager", job.id);
    expect(undo).toMatchObject({ updated: 1, skipped: 1 });
    expect((await get("acme")).deleted_at).toBeNull();
    const beta = await world().send("manager", "GET", `/api/clients/${world().ids.beta}`);
    expect(beta.status).toBe(410);
  });

  test("a task that was done is to be done again, without another one coming of it", async () => {
    const patch = { recurrence: "FREQ=DAILY", due_date: "2030-01-01T00:00:00Z" };
    await world().send("manager", "PATCH", `/api/tasks/${world().ids.call}`, { body: patch });
    const job = await bulk("/api/bulk/tasks/update", { items: ids("call"), set: { status: "done" } });
    const count = async () =>
      (await world().send("manager", "GET", "/api/tasks?count=exact")).json.pagination.total;
    expect(await count()).toBe(2);
    const undo = await undone(world(), "manager", job.id);
    expect(undo).toMatchObject({ state: "succeeded", skipped: 0 });
    expect(await count()).toBe(1);
    expect(await get("call", "tasks")).toMatchObject({
      status: "todo",
      completed_at: null,
      recurrence: "FREQ=DAILY",
    });
  });

  test("what a job made stays while a file belongs to it, which goes on belonging to it", async () => {
    const patch = { recurrence: "FREQ=DAILY", due_date: "2030-01-01T00:00:00Z" };
    await world().send("manager", "PATCH", `/api/tasks/${world().ids.call}`, { body: patch });
    const job = await bulk("/api/bulk/tasks/update", { items: ids("call"), set: { status: "done" } });
    const { json } = await world().send("manager", "GET", "/api/tasks?status=todo");
    const next = json.data[0].id;
    const file = await upload(world(), "manager", "plan.txt", "1", { task_id: next });
    const undo = await undone(world(), "manager", job.id);
    const { text } = await world().send("manager", "GET", `/api/jobs/${undo.id}/errors.csv`);
    expect(text).toContain(`,${next},,in_use,`);
    expect((await world().send("manager", "GET", `/api/tasks/${next}`)).status).toBe(200);
    const after = await world().send("manager", "GET", `/api/files/${file.id}`);
    expect(after.json).toMatchObject({ task_id: next, version: 1 });
  });

  test("the same call with the same key is made once", async () => {
    const body = { items: ids("acme"), set: { notes: "once" } };
    const send = () =>
      world().send("manager", "POST", update, { body, headers: { "idempotency-key": "bulk-1" } });
    const [first, second] = [await send(), await send()];
    expect(second.json).toEqual(first.json);
    expect((await get("acme")).version).toBe(2);
  });

  test("whoever asked for a job may take it back; others may not, and strangers do not know of it", async () => {
    const { json: job } = await world().send("lan", "POST", update, {
      body: { items: ids("acme"), set: { notes: "x" } },
    });
    const by = async (who: "minh" | "manager" | "admin") =>
      (await world().send(who, "POST", `/api/jobs/${job.id}/undo`, { body: {} })).status;
    expect([await by("minh"), await by("manager"), await by("admin")]).toEqual([404, 404, 202]);
  });
});

describe("beyond what goes at once", () => {
  inWorld("600 clients", { once: addMany }, (world) => {
    const path = "/api/clients?filter[company]=many&count=exact&limit=1";
    const count = async (more: string) =>
      (await world().send("manager", "GET", path + more)).json.pagination.total;
    const body = { filter: { company: "many" }, expected_count: 600, set: { status: "active" } };

    test("a job changes them, says how far it is, and takes it back", async () => {
      const { status, json, headers } = await world().send("manager", "POST", update, { body });
      expect([status, headers.get("location")]).toEqual([202, `/api/jobs/${json.id}`]);
      const job = await ended(world(), "manager", json.id);
      expect(job).toMatchObject({ state: "succeeded", done: 600, total: 600, updated: 600, skipped: 0 });
      expect(await count("&status=active")).toBe(600);
      const undo = await undone(world(), "manager", job.id);
      expect(undo).toMatchObject({ state: "succeeded", done: 600, updated: 600 });
      expect(await count("&status=prospect")).toBe(600);
    });

    test("it can be ended; what it did can be taken back", async () => {
      const { json } = await world().send("manager", "POST", update, { body });
      const cancel = await world().send("manager", "POST", `/api/jobs/${json.id}/cancel`, { body: {} });
      if (cancel.status === 200) {
        expect(cancel.json.state).toBe("cancelled");
        expect((await undone(world(), "manager", json.id)).state).toBe("succeeded");
        expect(await count("&status=prospect")).toBe(600);
      } else expect(cancel.json).toMatchObject({ code: "job_ended", state: "succeeded" });
      const again = await world().send("manager", "POST", `/api/jobs/${json.id}/cancel`, { body: {} });
      expect([again.status, again.json.code]).toEqual([409, "job_ended"]);
      await idle(world());
    });

    test("100,000 can be named, each with its version, and not one more", async () => {
      const named = (count: number) => ({ items: Array.from({ length: count }, unknown) });
      const remove = (count: number) =>
        world().send("manager", "DELETE", "/api/bulk/delete", { body: { type: "clients", ...named(count) } });
      const { status, json } = await remove(100_000);
      expect([status, json.total]).toEqual([202, 100_000]);
      await world().send("manager", "POST", `/api/jobs/${json.id}/cancel`, { body: {} });
      await idle(world());
      expect((await remove(100_001)).json.errors).toMatchObject([{ field: "items" }]);
    });

    test("whoever asked for it is told once it is done", async () => {
      const { json } = await world().send("manager", "POST", update, { body });
      await ended(world(), "manager", json.id);
      const { json: list } = await world().send("manager", "GET", "/api/notifications");
      const mine = list.data.filter((each: { link: string }) => each.link === `/jobs/${json.id}`);
      expect(mine).toMatchObject([
        { type: "job_finished", title: "Your change of many records is finished", message: "600 changed." },
      ]);
    });
  });
});

/** A record that is not there, at a version of many digits. */
const unknown = () => ({ id: crypto.randomUUID(), version: 1_000_000 });

async function addMany(world: World): Promise<void> {
  const { clients: service, store } = world.server.parts;
  const actor = {
    kind: "user" as const,
    userId: world.people.manager.id,
    sessionId: null,
    grants: { "clients.create": "all" as const },
    timeZone: "UTC",
    requestId: "many-clients",
  };
  for (let start = 0; start < 600; start += 100)
    await store.tx(async (session) => {
      for (let i = start; i < start + 100; i++)
        await service.createIn(session, actor, { name: `client ${i}`, company: "many" });
    });
}
