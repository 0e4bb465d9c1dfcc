import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { oneFile } from "../support/files";
import { freePort } from "../support/free-port";
import { labelValues, promtool, readSamples, type Samples } from "../support/metrics";
import { addPerson, letIn, password } from "../support/people";
import { rawHttp } from "../support/raw-http";
import { listen, notify } from "../support/realtime";
import { inWorld, scenarios, type By, type Scenario } from "../support/scenario";
import { engines, startTestServer, type TestServer } from "../support/servers";

const metricsToken = "what-prometheus-sends";
const prometheus: By = { token: metricsToken };
const duration = "neocrm_http_request_duration_seconds";
const counted = (route: string, method: string, status: number) =>
  `${duration}_count{route="${route}",method="${method}",status="${status}"}`;

const mayNot: Scenario[] = [
  { by: "nobody", get: "/metrics", status: 401, problem: { code: "unauthenticated" } },
  { by: { token: `${metricsToken}.` }, get: "/metrics", status: 401, problem: { code: "invalid_token" } },
  { by: { token: metricsToken.slice(1) }, get: "/metrics", status: 401, problem: { code: "invalid_token" } },
  { by: "off", get: "/metrics", status: 401 },
  { by: "gone", get: "/metrics", status: 401 },
  { by: "lan", get: "/metrics", status: 403, problem: { code: "forbidden" } },
  { by: "manager", get: "/metrics", status: 403, problem: { code: "forbidden" } },
];
const text = { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" };

scenarios("the metrics", { env: { METRICS_TOKEN: metricsToken } }, [
  ...mayNot.map((scenario) => ({ ...scenario, never: ["neocrm_"], events: [] })),
  { by: "admin", get: "/metrics", status: 200, hasHeaders: text, events: [] },
  { by: prometheus, get: "/metrics", status: 200, hasHeaders: text, events: [] },
  { by: prometheus, head: "/metrics", status: 200 },
  { by: prometheus, get: "/metrics?name[]=up", status: 400, problem: { field: "name[]" } },
  { by: prometheus, post: "/metrics", status: 405, hasHeaders: { allow: "GET, HEAD" } },
  // It opens nothing else, not even what everybody who is signed in may do.
  { by: prometheus, get: "/metrics/", status: 401 },
  { by: prometheus, get: "/api/users/me", status: 401, problem: { code: "invalid_token" } },
  { by: prometheus, get: "/api/clients", status: 401, problem: { code: "invalid_token" } },
  { by: prometheus, post: "/api/clients", body: { name: "x" }, status: 401, events: [] },
]);

scenarios("the metrics without a metrics token", {}, [
  { by: prometheus, get: "/metrics", status: 401, problem: { code: "invalid_token" } },
  { by: { token: "null" }, get: "/metrics", status: 401 },
  { by: "admin", get: "/metrics", status: 200 },
]);

inWorld("what is counted", { env: { METRICS_TOKEN: metricsToken }, clients: { acme: {} } }, (world) => {
  const scrape = async () => readSamples((await world().send(prometheus, "GET", "/metrics")).text);
  /** A request is counted a turn after its answer went out. */
  const scrapeWith = async (isThere: (samples: Samples) => boolean) => {
    for (let tries = 0; tries < 200; tries++) {
      const samples = await scrape();
      if (isThere(samples)) return samples;
      await Bun.sleep(5);
    }
    throw new Error("The scrape never showed it.");
  };

  test("is each request, under its route, method and status", async () => {
    const before = await scrape();
    const more = (samples: Samples, line: string) => (samples.get(line) ?? 0) - (before.get(line) ?? 0);
    const { send } = world();
    for (let i = 0; i < 3; i++) await send("lan", "GET", "/api/clients/$acme");
    await send("lan", "GET", "/api/clients/0199aaaa-0000-7000-8000-000000000000");
    await send("lan", "PATCH", "/api/clients/$acme", { body: { status: "gold" } });
    await send("nobody", "GET", "/api/clients/$acme");
    await send("lan", "GET", "/nowhere/else");
    const last = counted("none", "GET", 404);
    const after = await scrapeWith((samples) => more(samples, last) === 1);
    expect(
      [
        counted("/api/clients/:id", "GET", 200),
        counted("/api/clients/:id", "GET", 404),
        counted("/api/clients/:id", "PATCH", 422),
        counted("/api/clients/:id", "GET", 401),
      ].map((line) => more(after, line)),
    ).toEqual([3, 1, 1, 1]);
    const labels = 'route="/api/clients/:id",method="GET",status="200"';
    expect(after.get(`${duration}_bucket{le="+Inf",${labels}}`)).toBe(
      after.get(`${duration}_count{${labels}}`)!,
    );
    expect(after.get(`${duration}_sum{${labels}}`)!).toBeGreaterThan(0);
  });

  test("adds no line for what a caller makes up", async () => {
    const { send, server, people } = world();
    const head = `Host: x\r\nAuthorization: Bearer ${people.lan.token}\r\nConnection: close\r\n\r\n`;
    const makeUp = async (i: number) => {
      await send("lan", "GET", `/made/up/${i}`);
      await send("lan", "GET", `/api/clients/${crypto.randomUUID()}`);
      await rawHttp(server.url, `MADE${String.fromCharCode(65 + i)} /api/clients HTTP/1.1\r\n${head}`);
    };
    await makeUp(0);
    const before = await scrapeWith((samples) => samples.has(counted("none", "GET", 404)));
    for (let i = 1; i < 10; i++) await makeUp(i);
    const line = counted("none", "GET", 404);
    const after = await scrapeWith((samples) => samples.get(line)! - before.get(line)! >= 9);
    const routes = [...labelValues(after, `${duration}_count`, "route")];
    expect(routes.filter((route) => /made|[0-9a-f]{8}-/.test(route))).toEqual([]);
    const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
    expect(methods).toContainAnyValues([...labelValues(after, `${duration}_count`, "method")]);
    expect(after.size).toBe(before.size);
  });

  test("is valid to Prometheus' own checker", async () => {
    await world().send("nobody", "POST", "/api/auth/login", { body: {} });
    const { text: scraped } = await world().send(prometheus, "GET", "/metrics");
    expect(await promtool(scraped)).toBe("");
    // And the checker checks.
    expect(await promtool("# TYPE x_total gauge\nx_total 1\n")).toContain("x_total");
  });

  test("is the database's work", async () => {
    const before = await scrape();
    await world().send("lan", "GET", "/api/clients/$acme");
    await world().send("lan", "POST", "/api/clients", { body: { name: "Another" } });
    await world().send("lan", "GET", "/api/clients?count=exact");
    const after = await scrape();
    const more = (line: string) => after.get(line)! - before.get(line)!;
    for (const operation of ["read", "transaction", "aside"])
      expect(more(`neocrm_db_duration_seconds_count{operation="${operation}"}`)).toBeGreaterThan(0);
    if (world().server.engine === "postgres") return;
    // What follows from the write is written too, when it is due.
    const writers = more("neocrm_db_write_wait_seconds_count");
    expect(writers).toBeGreaterThanOrEqual(1);
    expect(more("neocrm_db_batch_writers_sum")).toBe(writers);
    expect(more("neocrm_db_batch_writers_count")).toBeWithin(1, writers + 1);
  });

  test("is what else takes its time: files, searches, notifications, jobs", async () => {
    const { send, server, people } = world();
    const before = await scrape();
    const more = (samples: Samples, line: string) => (samples.get(line) ?? 0) - (before.get(line) ?? 0);
    const bytes = "x".repeat(2_000);
    expect((await send("lan", "POST", "/api/files/upload", oneFile("a.txt", bytes))).status).toBe(201);
    for (const path of ["/api/search?q=acme", "/api/clients?q=acme", "/api/clients?search=acme"]) {
      expect((await send("lan", "GET", path)).status).toBe(200);
    }
    const refused = await send("lan", "GET", "/api/search");
    expect(refused.status).toBe(400);
    const client = await listen(server.url, people.lan.token);
    await notify(server, people.lan.id, 2);
    await client.next("notification");
    await client.next("notification");
    const forgot = { email: people.minh.email };
    await send("nobody", "POST", "/api/auth/password/forgot", { body: forgot });
    const mail = 'neocrm_job_duration_seconds_count{kind="mail",outcome="succeeded"}';
    const after = await scrapeWith((samples) => more(samples, mail) >= 1);
    expect([
      more(after, "neocrm_upload_bytes_count"),
      more(after, "neocrm_upload_bytes_sum"),
      more(after, "neocrm_upload_duration_seconds_count"),
      more(after, "neocrm_search_duration_seconds_count"),
      more(after, "neocrm_realtime_notifications_sent_total"),
      more(after, "neocrm_realtime_delivery_seconds_count"),
      more(after, `neocrm_http_problems_total{route="/api/search",code="${refused.json.code}"}`),
    ]).toEqual([1, 2_000, 1, 3, 2, 2, 1]);
    expect(more(after, 'neocrm_job_wait_seconds_count{kind="mail"}')).toBeGreaterThanOrEqual(1);
    expect(after.get("neocrm_jobs_oldest_due_seconds")).toBeGreaterThanOrEqual(0);
    expect(after.get("neocrm_bus_deaf")).toBe(0);
    expect(after.get("neocrm_config_last_reload_successful")).toBe(1);
    const { json } = await send("admin", "GET", "/api/admin/monitor");
    const work = json.work as { what: string; count: number }[];
    expect(work.find(({ what }) => what === "files taken in")!.count).toBeGreaterThanOrEqual(1);
    expect(work.map(({ what }) => what)).toContain("jobs at work: mail, succeeded");
  });

  test("shows who waits for their password, and what is under way", async () => {
    const gate = Promise.withResolvers<string>();
    const hash = spyOn(Bun.password, "hash").mockReturnValue(gate.promise);
    const { hasher } = world().server.parts;
    const waiting = Array.from({ length: 100 }, () => hasher.hash(password));
    const samples = await scrape();
    gate.resolve("a hash");
    await Promise.all(waiting);
    hash.mockRestore();
    const [running, queued] = ["running", "waiting"].map((of) =>
      samples.get(`neocrm_password_hashes_${of}`)!,
    );
    expect(running).toBeGreaterThan(0);
    expect(running! + queued!).toBe(100);
    expect(samples.get("neocrm_http_requests_in_flight")).toBe(1);
  });
});

const running: TestServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});
const started = async (...given: Parameters<typeof startTestServer>) => {
  const server = await startTestServer(...given);
  running.push(server);
  return server;
};
const scrapeAs = async (url: string, token: string) => {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, samples: readSamples(await response.text()) };
};

describe.each(engines)("what the limits refuse [%s]", (engine) => {
  test("is counted by the limit's name, and never blinds Prometheus", async () => {
    const server = await started(engine, { METRICS_TOKEN: metricsToken, RATE_LIMIT_IP: "3" });
    const statuses = [];
    for (let i = 0; i < 9; i++) statuses.push((await fetch(`${server.url}/api`)).status);
    const { status, samples } = await scrapeAs(server.url, metricsToken);
    expect(status).toBe(200);
    const refused = statuses.filter((each) => each === 429).length;
    expect(refused).toBeGreaterThan(0);
    expect(samples.get('neocrm_rate_limit_refusals_total{policy="ip"}')).toBe(refused);
    for (let i = 0; i < 5; i++) expect((await scrapeAs(server.url, metricsToken)).status).toBe(200);
    for (let i = 0; i < 9; i++) await scrapeAs(server.url, "a-guess-at-the-token");
    expect((await scrapeAs(server.url, "a-guess-at-the-token")).status).toBe(429);
  });

  test("tells a user's limit from wrong passwords", async () => {
    const server = await started(engine, { METRICS_TOKEN: metricsToken, RATE_LIMIT_USER: "2" });
    await addPerson(server, "ada@new.example", "user");
    const { token } = await letIn(server, "ada@new.example");
    const signIn = () =>
      fetch(`${server.url}/api/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email: "ada@new.example", password: "not the right phrase" }),
      });
    for (let i = 0; i < 6; i++) await signIn();
    const me = () => fetch(`${server.url}/api/users/me`, { headers: { authorization: `Bearer ${token}` } });
    for (let i = 0; i < 6; i++) await me();
    const { samples } = await scrapeAs(server.url, metricsToken);
    const policies = labelValues(samples, "neocrm_rate_limit_refusals_total", "policy");
    expect(policies).toEqual(new Set(["user", "wrong-passwords"]));
  });
});

describe.each(engines)("the metrics port [%s]", (engine) => {
  const opened = async () => {
    const port = await freePort();
    const server = await started(engine, { HOST: "0.0.0.0", METRICS_PORT: String(port) });
    return { server, port, url: `http://127.0.0.1:${port}` };
  };

  test("serves metrics and health without a token, and nothing else", async () => {
    const { server, url } = await opened();
    await fetch(`${server.url}/api`);
    const metrics = await fetch(`${url}/metrics`);
    expect([metrics.status, metrics.headers.get("content-type")]).toEqual([200, text["content-type"]]);
    const scraped = await metrics.text();
    expect(await promtool(scraped)).toBe("");
    expect(readSamples(scraped).get(counted("/api", "GET", 200))).toBe(1);
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: "ok" });
    for (const path of ["/", "/api", "/api/clients", "/health/x", "/metrics/x"]) {
      const answer = await fetch(url + path);
      expect([path, answer.status, answer.headers.get("content-type")]).toEqual([
        path,
        404,
        "application/problem+json",
      ]);
      expect(await answer.json()).toMatchObject({ code: "not_found", instance: path });
    }
    expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(404);
    // On the public port, it changes nothing.
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
  });

  test("listens on 127.0.0.1 alone, even when the server listens everywhere", async () => {
    const { server, port } = await opened();
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ family, address }) => family === "IPv4" && address !== "127.0.0.1")
      .map(({ address }) => address);
    const publicPort = Number(new URL(server.url).port);
    for (const address of ["127.0.0.2", ...others]) {
      expect([address, await isOpen(publicPort, address), await isOpen(port, address)]).toEqual([
        address,
        true,
        false,
      ]);
    }
    expect(await isOpen(port, "127.0.0.1")).toBe(true);
    expect(listenersOn(port)).toEqual(["0100007F"]);
  });

  test("closes with the server", async () => {
    const { server, port } = await opened();
    expect(await isOpen(port, "127.0.0.1")).toBe(true);
    await server.stop();
    expect(await isOpen(port, "127.0.0.1")).toBe(false);
  });

  test("that is taken stops the start, and says which one it is", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const start = startTestServer(engine, { METRICS_PORT: String(port) });
    await expect(start).rejects.toThrow(`Port ${port} of 127.0.0.1 is taken: choose another metrics.port`);
    await new Promise((resolve) => other.close(resolve));
  });
});

test("the documentation has every metric that there is, with its type, and no other", async () => {
  const shown = new Map<string, string>();
  for (const engine of engines) {
    const server = await started(engine, { METRICS_TOKEN: metricsToken });
    const headers = { authorization: `Bearer ${metricsToken}` };
    const scraped = await (await fetch(`${server.url}/metrics`, { headers })).text();
    for (const [, name, type] of scraped.matchAll(/^# TYPE (\S+) (\S+)$/gm)) shown.set(name!, type!);
  }
  const documentation = await Bun.file(join(import.meta.dir, "../../docs/operations.md")).text();
  const rows = [...documentation.matchAll(/^\| (`(?:neocrm|process|nodejs)_.+?) +\| (\w+) +\|/gm)];
  const documented = new Map<string, string>();
  for (const [, cell, type] of rows) {
    const names = [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
    // A name that begins with an underscore is that of the one before, with another ending.
    for (const name of names.filter((each) => !each.startsWith("_"))) documented.set(name, type!);
  }
  const abbreviated =
    /^(?:neocrm_password_hashes_waiting|process_cpu_system_seconds_total|nodejs_heap_size_used_bytes)$/;
  const missing = [...shown].filter(([name]) => !abbreviated.test(name));
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(missing));
});

test("the scrape configuration in the documentation is one", async () => {
  const documentation = await Bun.file(join(import.meta.dir, "../../docs/operations.md")).text();
  const [, yaml = ""] = /```yaml\n(scrape_configs:[^`]+)```/.exec(documentation) ?? [];
  const folder = mkdtempSync(join(tmpdir(), "neocrm-prometheus-"));
  writeFileSync(join(folder, "token"), metricsToken);
  const file = join(folder, "prometheus.yml");
  writeFileSync(file, yaml.replace("/etc/prometheus/neocrm-token", join(folder, "token")));
  const child = Bun.spawn(["promtool", "check", "config", file], { stdout: "pipe", stderr: "pipe" });
  expect([await new Response(child.stderr).text(), await child.exited]).toEqual(["", 0]);
  rmSync(folder, { recursive: true });
});

/** Where something listens on a port, as the kernel writes addresses. */
function listenersOn(port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const listening = "0A";
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((file) => readFileSync(file, "utf8").trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => state === listening && local.endsWith(wanted))
    .map(([, local = ""]) => local.slice(0, -wanted.length));
}

function isOpen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
