import { describe, expect, test } from "bun:test";
import { minute, now } from "../../src/clock";
import { inWorld, scenarios } from "../support/scenario";

const path = "/api/admin/monitor";

scenarios("the monitor", {}, [
  { by: "nobody", get: path, status: 401, problem: { code: "unauthenticated" }, events: [] },
  { by: "lan", get: path, status: 403, problem: { code: "forbidden" }, never: ["requests_per_second"] },
  { by: "manager", get: path, status: 403, problem: { code: "forbidden" }, never: ["requests_per_second"] },
  { by: "gone", get: path, status: 401 },
  {
    by: "admin",
    get: path,
    status: 200,
    has: { health: { status: "ok", checks: { database: { status: "ok" } } } },
    hasHeaders: { "cache-control": "no-store" },
    events: [],
  },
  { by: "admin", get: `${path}?since=1`, status: 400, problem: { field: "since" } },
]);

scenarios("the monitoring page", {}, [
  { by: "nobody", get: "/monitor", status: 200, never: ["@", "{{"], events: [] },
  { by: "nobody", post: "/monitor", status: 405 },
  { by: "nobody", get: "/monitor/assets/none.js", status: 404 },
]);

inWorld("what the monitor shows", { clients: { acme: {} } }, (world) => {
  const report = async () => (await world().send("admin", "GET", path)).json;

  test("requests that were answered, and the routes that took the longest", async () => {
    for (let i = 0; i < 20; i++) await world().send("lan", "GET", "/api/clients");
    const { now: latest, routes } = await report();
    expect(latest.requests_per_second).toBeGreaterThan(0);
    expect(latest.p50_ms).toBeGreaterThan(0);
    expect(latest.p99_ms).toBeGreaterThanOrEqual(latest.p50_ms);
    expect(latest.memory_bytes).toBeGreaterThan(1e7);
    const lists = routes.find(
      (each: Record<string, string>) => `${each.method} ${each.route}` === "GET /api/clients",
    );
    expect(lists).toMatchObject({ errors: 0 });
    expect(lists.count).toBeGreaterThanOrEqual(20);
  });

  test("who was here, what waits, and how much room the disk has", async () => {
    const { monitor, store } = world().server.parts;
    await store.tx(async ({ q, t }) => {
      const job = {
        kind: "mail",
        key: null,
        payload: {},
        priority: 0,
        attempts: 5,
        run_at: 1,
        created_at: 1,
      };
      const nothing = { leased_until: null, lease_id: null, error: "x", result: null, progress: null };
      const ends = { created_by: null, finished_at: 2 };
      await q.insert(t.jobs).values({ ...job, ...nothing, ...ends, id: Bun.randomUUIDv7(), state: "failed" });
    });
    await monitor.look();
    const { now: latest, queues } = await report();
    expect(latest.active_users.hour).toBeGreaterThan(0);
    expect(latest.active_users.day).toBeGreaterThanOrEqual(latest.active_users.hour);
    expect(queues).toContainEqual({ kind: "mail", state: "failed", count: 1 });
    expect(latest.disk_free_bytes).toBeGreaterThan(0);
    expect(latest.disk_size_bytes).toBeGreaterThanOrEqual(latest.disk_free_bytes);
    const { text } = await world().send("admin", "GET", "/metrics");
    expect(text).toContain('neocrm_mails{state="failed"} 1');
    expect(text).toContain('neocrm_disk_bytes{part="free"}');
    expect(text).toMatch(/neocrm_active_users\{within="1h"\} [1-9]/);
  });

  test("statements that took long, without what was asked for", async () => {
    world().server.parts.metrics.slowQueries.note(1_000, "select secret_column from t where a = ?");
    const { queries } = await report();
    // On a busy machine others take long too.
    expect(queries).toContainEqual({
      ...{ statement: "select secret_column from t where a = ?", count: 1, mean_ms: 1e6, longest_ms: 1e6 },
    });
  });
});

describe("its samples", () => {
  inWorld("a minute later", {}, (world) => {
    test("are kept, one for each minute", async () => {
      const { monitor } = world().server.parts;
      const before = monitor.history.length;
      await monitor.look();
      expect(monitor.history.length).toBe(before);
      expect(monitor.latest.at).toBeGreaterThan(now() - minute);
    });
  });
});
