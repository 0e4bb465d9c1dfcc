import { beforeAll, describe, expect, test } from "bun:test";
import { Histogram as LibraryHistogram, Registry } from "prom-client";
import { measured } from "../../../src/db/measured";
import type { Store } from "../../../src/db/store";
import { Metrics } from "../../../src/ops/metrics";
import { Histogram } from "../../../src/ops/metrics/histogram";
import { watchEventLoop } from "../../../src/ops/metrics/process";
import { labelValues, promtool, readSamples } from "../../support/metrics";
import { newDatabase } from "../../support/postgres";
import { engines, insertUser, temporaryFolder } from "../db/fixtures";

// PostgreSQL takes longer to start than a test may.
beforeAll(async () => void (await newDatabase()), 60_000);

const scrape = async (metrics: { text(): Promise<string> }) => readSamples(await metrics.text());
const requests = "neocrm_http_request_duration_seconds";

describe("a histogram", () => {
  test("writes what prom-client's own would", async () => {
    const [ours, theirs] = [new Registry(), new Registry()];
    const options = { name: "wait_seconds", help: "Some time.", buckets: [0.1, 0.5, 1] };
    const fast = new Histogram(ours, { ...options, labelNames: ["kind"] });
    const library = new LibraryHistogram({ ...options, labelNames: ["kind"], registers: [theirs] });
    const values = [
      0,
      0.05,
      0.1,
      0.1000001,
      0.5,
      0.75,
      1,
      1.5,
      1e9,
      ...Array.from({ length: 200 }, Math.random),
    ];
    for (const kind of ["a", 'b"\\\n']) {
      const series = fast.series({ kind });
      for (const value of values) {
        series.observe(value);
        library.observe({ kind }, value);
      }
    }
    const found = readSamples(await ours.metrics());
    expect(found.size).toBe(2 * 6);
    expect(await ours.metrics()).toBe(await theirs.metrics());
  });

  test("has lines for a series that saw nothing", async () => {
    const registry = new Registry();
    new Histogram(registry, { name: "x", help: "X.", labelNames: [], buckets: [1] }).series({});
    const lines = ['x_bucket{le="1"}', 'x_bucket{le="+Inf"}', "x_sum", "x_count"];
    expect(readSamples(await registry.metrics())).toEqual(new Map(lines.map((line) => [line, 0])));
  });
});

describe.each(["sqlite", "postgres"] as const)("the metrics of a server [%s]", (engine) => {
  test("are valid to Prometheus' own checker before anything happened", async () => {
    const metrics = new Metrics(engine);
    expect(await promtool(await metrics.text())).toBe("");
    metrics.close();
  });

  test("are its own", async () => {
    const [one, other] = [new Metrics(engine), new Metrics(engine)];
    one.requests.answered("/a", "GET", 200, 0.1);
    one.requests.refused("ip");
    one.store.read(1, "select 1");
    for (const line of [
      `${requests}_count{route="/a",method="GET",status="200"}`,
      'neocrm_rate_limit_refusals_total{policy="ip"}',
      'neocrm_db_duration_seconds_count{operation="read"}',
    ]) {
      expect([line, (await scrape(one)).get(line), (await scrape(other)).get(line) ?? 0]).toEqual([
        line,
        1,
        0,
      ]);
    }
    one.close();
    other.close();
  });

  test("have no more lines however many methods callers make up", async () => {
    const metrics = new Metrics(engine);
    for (let i = 0; i < 1_000; i++) metrics.requests.answered(null, `M${i}`, 404, 0.1);
    const samples = await scrape(metrics);
    expect(samples.get(`${requests}_count{route="none",method="other",status="404"}`)).toBe(1_000);
    expect(labelValues(samples, `${requests}_count`, "method")).toEqual(new Set(["other"]));
    metrics.close();
  });

  test("show the figures only of their engine", async () => {
    const metrics = new Metrics(engine);
    metrics.watch({
      ...{ hasher: { running: 3, waiting: 4 }, store: { engine, waiting: 5 } },
      relay: { lagSeconds: 6, lags: () => ({ one: 7, other: 8 }) },
      worker: { running: 9 },
      bus: { isDeaf: true },
    });
    const text = await metrics.text();
    const samples = readSamples(text);
    expect([
      samples.get("neocrm_password_hashes_running"),
      samples.get("neocrm_password_hashes_waiting"),
      samples.get("neocrm_relay_lag_seconds"),
      samples.get('neocrm_consumer_lag_events{consumer="one"}'),
      samples.get('neocrm_consumer_lag_events{consumer="other"}'),
      samples.get("neocrm_jobs_running"),
      samples.get("neocrm_bus_deaf"),
    ]).toEqual([3, 4, 6, 7, 8, 9, 1]);
    const isSqlite = engine === "sqlite";
    expect(samples.get("neocrm_db_writers_waiting")).toBe(isSqlite ? 5 : undefined);
    for (const name of ["neocrm_db_write_wait_seconds", "neocrm_db_batch_writers"])
      expect(text.includes(`# TYPE ${name} histogram`)).toBe(isSqlite);
    expect(text.includes("# TYPE neocrm_db_transaction_retries_total counter")).toBe(!isSqlite);
    metrics.close();
  });
});

describe("the process's figures", () => {
  test("are those of this process", async () => {
    const metrics = new Metrics("sqlite");
    // The heap's size is that of its last collection.
    Bun.gc(true);
    const before = await scrape(metrics);
    let sum = 0;
    while (process.cpuUsage().user / 1e6 < before.get("process_cpu_user_seconds_total")! + 0.02)
      sum += Math.sqrt(sum + 1);
    const kept = Array.from({ length: 1_000_000 }, (_, i) => ({ i, sum }));
    Bun.gc(true);
    const after = await scrape(metrics);
    expect(after.get("process_cpu_seconds_total")!).toBeGreaterThan(before.get("process_cpu_seconds_total")!);
    expect(
      after.get("nodejs_heap_size_used_bytes")! - before.get("nodejs_heap_size_used_bytes")!,
    ).toBeGreaterThan(kept.length * 8);
    const rss = after.get("process_resident_memory_bytes")!;
    expect(Math.abs(rss - process.memoryUsage.rss()) / rss).toBeLessThan(0.5);
    expect(after.get("process_open_fds")!).toBeGreaterThan(3);
    expect(after.get("process_max_fds")!).toBeGreaterThan(after.get("process_open_fds")!);
    expect(after.get("neocrm_uptime_seconds")!).toBeGreaterThan(0);
    const build = `neocrm_build_info{version="0.1.0",commit="source",bun="${Bun.version}"}`;
    expect(after.get(build)).toBe(1);
    metrics.close();
  });

  test("show that the event loop was held up, until they are closed", async () => {
    const registry = new Registry();
    const watch = watchEventLoop(registry);
    const held = async () => {
      const samples = readSamples(await registry.metrics());
      const of = (line: string) => samples.get(`neocrm_event_loop_delay_seconds_${line}`)!;
      return { late: of("count") - of('bucket{le="0.1"}'), looks: of("count") };
    };
    while ((await held()).looks === 0) await Bun.sleep(5);
    const { late } = await held();
    const until = performance.now() + 300;
    while (performance.now() < until);
    while ((await held()).late === late) await Bun.sleep(5);
    watch.stop();
    const { looks } = await held();
    await Bun.sleep(120);
    expect((await held()).looks).toBe(looks);
  });
});

describe.each(Object.entries(engines))("a measured store [%s]", (engine, open) => {
  const opened = async () => {
    const { path, remove } = temporaryFolder();
    const metrics = new Metrics(engine as Store["engine"]);
    const store = measured(await open(path, { measures: metrics.store }), metrics.store);
    const close = async () => {
      await store.close();
      metrics.close();
      remove();
    };
    return { store, metrics, close };
  };
  const count = async (metrics: Metrics, line: string) => (await scrape(metrics)).get(line);
  const operations = (operation: string) => `neocrm_db_duration_seconds_count{operation="${operation}"}`;
  const plan = { text: "SELECT 1 AS one", bind: () => [] };

  test("counts reads, aside reads and transactions, also those that fail", async () => {
    const { store, metrics, close } = await opened();
    expect([...(await store.read.run(plan, []))]).toMatchObject([{ one: 1 }]);
    const wrong = async () => store.read.run({ ...plan, text: "SELECT nothing FROM nowhere" }, []);
    await expect(wrong()).rejects.toThrow();
    expect([...(await store.aside("ada").run(plan, []))]).toMatchObject([{ one: 1 }]);
    await store.tx((session) => insertUser(session, "ada@new.example"));
    await expect(store.tx(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await count(metrics, operations("read"))).toBe(2);
    expect(await count(metrics, operations("aside"))).toBe(1);
    expect(await count(metrics, operations("transaction"))).toBe(2);
    await store.ping();
    await close();
  });

  test(engine === "sqlite" ? "counts who shares a commit" : "counts transactions tried again", async () => {
    const { store, metrics, close } = await opened();
    if (engine === "sqlite") {
      await Promise.all(
        Array.from({ length: 5 }, (_, i) => store.tx((s) => insertUser(s, `p${i}@new.example`))),
      );
      expect(await count(metrics, "neocrm_db_write_wait_seconds_count")).toBe(5);
      expect(await count(metrics, "neocrm_db_batch_writers_sum")).toBe(5);
      expect(await count(metrics, "neocrm_db_batch_writers_count")).toBeLessThan(5);
    } else {
      await store.tx((s) => insertUser(s, "p@new.example"));
      let runs = 0;
      const both = Promise.withResolvers<void>();
      const rename = () =>
        store.tx(async ({ q, t }) => {
          const [user] = await q.select({ name: t.users.full_name }).from(t.users);
          if (++runs === 2) both.resolve();
          await both.promise;
          await q.update(t.users).set({ full_name: `${user!.name}+` });
        });
      await Promise.all([rename(), rename()]);
      expect(runs).toBeGreaterThan(2);
      expect(await count(metrics, "neocrm_db_transaction_retries_total")).toBe(runs - 2);
    }
    await close();
  });
});
