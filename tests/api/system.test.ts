import { SQL } from "bun";
import { afterEach, describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { connect } from "node:net";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../src/build";
import { Health, type HealthReport } from "../../src/ops/health";
import { password } from "../support/people";
import { newInstallation } from "../support/restart";
import { scenarios, type Scenario } from "../support/scenario";
import { engines, startTestServer, type TestServer } from "../support/servers";

setDefaultTimeout(60_000);

const everyone = ["nobody", "lan", "admin", "off", "gone"] as const;
const fine = { status: "ok", detail: null };

scenarios("what the server says about itself", {}, [
  ...everyone.flatMap((by): Scenario[] => [
    {
      by,
      get: "/health",
      status: 200,
      has: { status: "ok", checks: { database: fine, disk: fine, writers: fine, passwords: fine } },
      hasHeaders: { "cache-control": "no-store" },
      never: ["127.0.0.1", "postgres", "sqlite", ".db", "/tmp"],
      events: [],
    },
    { by, get: "/health/live", status: 200, has: { status: "ok" } },
    { by, get: "/health/ready", status: 200, has: { status: "ok" } },
    { by, get: "/api", status: 200, has: { name: "Neo CRM", version, health: "/health" } },
  ]),
  { by: "nobody", get: "/health?verbose=1", status: 400, problem: { field: "verbose" } },
  { by: "nobody", post: "/health", status: 405, hasHeaders: { allow: "GET, HEAD" } },
  { by: "nobody", delete: "/api", status: 405, hasHeaders: { allow: "GET, HEAD" } },
  { by: "nobody", get: "/", status: 404 },
  { by: "nobody", get: "/api/nothing", status: 404 },
]);

const running: TestServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});
const started = async (server: Promise<TestServer>) => {
  running.push(await server);
  return server;
};

async function healthOf(server: TestServer) {
  const response = await fetch(`${server.url}/health`);
  const retryAfter = response.headers.get("retry-after");
  return { status: response.status, retryAfter, report: (await response.json()) as HealthReport };
}

/** Probes share an answer for a second: waits for the next one. */
async function healthBecomes(server: TestServer, status: string) {
  for (let tries = 0; tries < 100; tries++) {
    const health = await healthOf(server);
    if (health.report.status === status) return health;
    await Bun.sleep(50);
  }
  throw new Error(`/health never became ${status}`);
}

async function expectDown(server: TestServer): Promise<void> {
  const { status, retryAfter, report } = await healthBecomes(server, "down");
  expect([status, retryAfter]).toEqual([503, "5"]);
  expect(report.checks.database).toEqual({ status: "down", detail: "The database cannot be reached." });
  const ready = await fetch(`${server.url}/health/ready`);
  expect(ready.status).toBe(503);
  expect(Number(ready.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
}

describe("/health without its database", () => {
  test("is down when the file of SQLite is gone", async () => {
    const server = await started(startTestServer("sqlite"));
    expect((await healthOf(server)).status).toBe(200);
    rmSync(join(server.dataDir, "neocrm.db"));
    await expectDown(server);
  });

  test("is down while PostgreSQL lets nobody in, and comes back by itself", async () => {
    const server = await started(startTestServer("postgres"));
    const name = new URL(server.databaseUrl!).pathname.slice(1);
    const maintenance = new SQL({
      url: Object.assign(new URL(server.databaseUrl!), { pathname: "/postgres" }).href,
      max: 1,
    });
    const letIn = (yes: boolean) => maintenance.unsafe(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${yes}`);
    try {
      await letIn(false);
      await maintenance`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
      await expectDown(server);
      await letIn(true);
      expect((await healthBecomes(server, "ok")).status).toBe(200);
    } finally {
      await letIn(true);
      await maintenance.close();
    }
  });
});

test.each(engines)(
  "/health is degraded, and serves, while many people wait to sign in [%s]",
  async (engine) => {
    const server = await started(
      startTestServer(engine, { NEOCRM_AUTH_PASSWORD_CONCURRENCY: "1", NEOCRM_AUTH_PASSWORD_QUEUE: "40" }),
    );
    const gate = Promise.withResolvers<string>();
    const hash = spyOn(Bun.password, "hash").mockReturnValue(gate.promise);
    const waiting = Array.from({ length: 22 }, () => server.parts.hasher.hash(password));
    const { status, report } = await healthOf(server);
    gate.resolve("a hash");
    hash.mockRestore();
    expect([status, report.status]).toEqual([200, "degraded"]);
    expect(report.checks.passwords).toEqual({ status: "degraded", detail: "21 people wait to sign in." });
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    await Promise.all(waiting);
    expect((await healthBecomes(server, "ok")).status).toBe(200);
  },
);

test.each(engines)(
  "the limit of an address does not count who looks after the server's health [%s]",
  async (engine) => {
    const server = await started(startTestServer(engine, { RATE_LIMIT_IP: "3" }));
    const ask = (path: string) => fetch(server.url + path);
    for (const path of ["/health", "/health/live", "/health/ready", "/health/ready/"]) {
      for (let i = 0; i < 6; i++) {
        const answer = await ask(path);
        expect([answer.status, answer.headers.get("ratelimit")]).toEqual([200, null]);
      }
    }
    const statuses = [];
    for (let i = 0; i < 6; i++) statuses.push((await ask("/api")).status);
    expect(statuses).toContain(429);
    expect((await ask("/health")).status).toBe(200);
  },
);

test.each(engines)("a data directory that cannot be read is down [%s]", async (engine) => {
  const server = await started(startTestServer(engine));
  const health = new Health({ ...server.parts, dataDir: join(server.dataDir, "nowhere") });
  expect(await health.report()).toMatchObject({ status: "down", checks: { disk: { status: "down" } } });
  expect(await health.isReady()).toBe(false);
});

describe.each(engines)("a server that stops [%s]", (engine) => {
  test("is not ready any more, and finishes what runs", async () => {
    const server = await started(startTestServer(engine));
    const probe = await keptConnection(server);
    expect(await probe("GET /health/ready")).toContain("HTTP/1.1 200");
    const { answer, goOn } = await slowRequest(server);
    const stopped = server.stop();
    const probed = await probe("GET /health/ready");
    expect(probed === "closed" || probed.includes("HTTP/1.1 503")).toBe(true);
    goOn();
    expect((await answer).status).toBe(401);
    await stopped;
    await server.stop();
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });

  test("cuts off what takes longer than the grace time", async () => {
    const server = await started(startTestServer(engine, { NEOCRM_SERVER_GRACE_SECONDS: "0" }));
    const { answer, goOn } = await slowRequest(server);
    const outcome = answer.then(
      () => "answered",
      () => "cut off",
    );
    await server.stop();
    expect(await outcome).toBe("cut off");
    goOn();
  });

  test("lets the next one on its data at once", async () => {
    const place = await newInstallation(engine);
    for (let round = 0; round < 3; round++) {
      const server = await place.start();
      expect((await healthOf(server)).status).toBe(200);
      await server.stop();
    }
    place.remove();
  });
});

/** A sign-in that has come as far as its password, and goes on when it is told to. */
async function slowRequest(server: TestServer) {
  const { hasher } = server.parts;
  const { verify } = hasher;
  const [arrived, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  hasher.verify = async (...given) => {
    arrived.resolve();
    await gate.promise;
    return verify(...given);
  };
  const answer = fetch(`${server.url}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: "who@cast.example", password }),
  });
  await arrived.promise;
  return { answer, goOn: gate.resolve };
}

/** Sends one request after the other over one connection; gives the head of each answer, or `closed`. */
async function keptConnection(server: TestServer) {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  let isClosed = false;
  socket.on("close", () => (isClosed = true)).on("error", () => (isClosed = true));
  return (request: string) =>
    new Promise<string>((resolve) => {
      if (isClosed) return resolve("closed");
      // The body of an answer may come after its head: only a head is the next answer.
      socket.on("data", (bytes) => bytes.includes("HTTP/1.1") && resolve(bytes.toString()));
      socket.once("close", () => resolve("closed"));
      socket.write(`${request} HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
    });
}
