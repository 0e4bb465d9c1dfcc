/** Traces and reports of errors: the executable sends them, whoever takes them reads what the protocols say. */
import { parseEnvelope } from "@sentry/core";
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startBinary, type RunningBinary } from "../support/binary";

const admin = { email: "ada@example.com", password: "a long enough phrase" };
const traceId = "0af7651916cd43dd8448eb211c80319c";
const callersSpan = "b7ad6b7169203331";

/** A span as OTLP has it in JSON (opentelemetry-proto, trace/v1). */
interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
  status: { code?: number };
}

interface Posted {
  path: string;
  headers: Headers;
  body: Uint8Array;
}

const posted: Posted[] = [];
let receiver: ReturnType<typeof Bun.serve>;
let server: RunningBinary;
let spans: Span[];
let serverTiming: string | null;
let shareToken: string;
let failure: { status: number; id: string };

/** Signs in, writes and reads within a caller's trace, asks for a mail, makes the server fail, and stops it. */
beforeAll(async () => {
  receiver = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname: path } = new URL(request.url);
      posted.push({ path, headers: request.headers, body: await request.bytes() });
      return Response.json({});
    },
  });
  const { host } = receiver.url;
  server = await startBinary({
    env: {
      NEOCRM_ADMIN_EMAIL: admin.email,
      NEOCRM_ADMIN_PASSWORD: admin.password,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${host}/collector`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=neo%20crm",
      SENTRY_DSN: `http://key@${host}/42`,
    },
  });
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(server.url + path, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const login = await send("POST", "/api/auth/login", admin);
  const authorization = `Bearer ${(await login.json()).access_token}`;
  const traceparent = `00-${traceId}-${callersSpan}-01`;
  const made = await send("POST", "/api/clients", { name: "Secret & Sons" }, { authorization, traceparent });
  expect(made.status).toBe(201);
  serverTiming = made.headers.get("server-timing");
  await send("POST", "/api/auth/password/forgot", { email: admin.email }, { traceparent });
  await untilLogged("Mail written");
  const form = new FormData();
  form.append("file", new Blob(["x"]), "offer.txt");
  const upload = { method: "POST", body: form, headers: { authorization } };
  const { id } = (await (await fetch(`${server.url}/api/files/upload`, upload)).json()) as { id: string };
  const shared = await send("POST", `/api/files/${id}/share`, {}, { authorization });
  shareToken = (await shared.json()).token;
  await send("GET", `/s/${shareToken}/download`);
  const database = new Database(join(server.dataDir, "neocrm.db"));
  database.run("PRAGMA busy_timeout = 5000");
  database.run("ALTER TABLE tasks RENAME TO gone");
  const failed = await send("GET", "/api/tasks", undefined, { authorization });
  // A file may belong to a task.
  expect((await send("GET", `/s/${shareToken}`)).status).toBe(500);
  failure = { status: failed.status, id: failed.headers.get("x-request-id")! };
  database.close();
  await server.stop();
  spans = posted
    .filter(({ path }) => path === "/collector/v1/traces")
    .flatMap(({ body }) => JSON.parse(new TextDecoder().decode(body)).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap((scope) => scope.spans as Span[]);
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await receiver?.stop(true);
});

async function untilLogged(text: string): Promise<void> {
  for (let tries = 0; tries < 500 && !server.log().includes(text); tries++) await Bun.sleep(20);
}

const named = (name: string) => spans.filter((span) => span.name === name);
const parentOf = (span: Span) => spans.find(({ spanId }) => spanId === span.parentSpanId);
const attribute = (span: Span, name: string) => {
  const value = span.attributes.find(({ key }) => key === name)?.value;
  return value?.stringValue ?? value?.intValue;
};

describe("traces", () => {
  test("a request goes on with its caller's trace, through service and transaction to the statements", () => {
    const [request] = named("POST /api/clients");
    expect(request).toMatchObject({ traceId, parentSpanId: callersSpan, kind: 2 });
    expect(attribute(request!, "http.response.status_code")).toBe(201);
    expect(attribute(request!, "http.route")).toBe("/api/clients");
    const service = named("ClientService.create").find((span) => span.traceId === traceId)!;
    expect(parentOf(service)).toBe(request!);
    const transaction = spans.find((span) => span.name === "transaction" && parentOf(span) === service)!;
    expect(attribute(transaction, "db.system.name")).toBe("sqlite");
    const statements = spans.filter((span) => parentOf(span) === transaction);
    const texts = statements.map((span) => attribute(span, "db.query.text"));
    expect(texts.some((text) => String(text).startsWith('insert into "clients"'))).toBe(true);
    expect(texts.some((text) => String(text).startsWith('insert into "events"'))).toBe(true);
    expect(BigInt(request!.endTimeUnixNano)).toBeGreaterThan(BigInt(service.startTimeUnixNano));
  });

  test("a list tells of its service too", () => {
    const [service] = named("TaskService.written.list");
    expect(parentOf(service!)?.name).toBe("GET /api/tasks");
  });

  test("the answer names its trace", () => {
    const [request] = named("POST /api/clients");
    expect(serverTiming).toBe(`traceparent;desc="00-${traceId}-${request!.spanId}-01"`);
  });

  test("a job goes on with the trace in which it was asked for", () => {
    const [mail] = named("job mail");
    expect(mail?.traceId).toBe(traceId);
  });

  test("requests without a caller's trace have one of their own each", () => {
    const [login] = named("POST /api/auth/login");
    expect(login!.traceId).not.toBe(traceId);
    expect(login!.parentSpanId).toBeUndefined();
  });

  test("a failed request is a failed span", () => {
    expect(failure.status).toBe(500);
    expect(named("GET /api/tasks")[0]!.status.code).toBe(2);
  });

  test("the collector gets its headers, and no value that somebody sent", () => {
    const batches = posted.filter(({ path }) => path === "/collector/v1/traces");
    expect(batches.length).toBeGreaterThan(0);
    for (const { headers } of batches) expect(headers.get("x-tenant")).toBe("neo crm");
    const text = batches.map(({ body }) => new TextDecoder().decode(body)).join("");
    expect(text).toContain("/s/***/download");
    for (const secret of ["Secret & Sons", admin.email, admin.password, shareToken])
      expect(text).not.toContain(secret);
  });
});

describe("reports of errors", () => {
  interface Frame {
    filename: string;
    in_app: boolean;
  }
  const reports = () =>
    posted.filter(({ path }) => path === "/api/42/envelope/").map(({ body }) => parseEnvelope(body));

  test("an error is reported with its stack and the request that it came from", () => {
    const events = reports().flatMap(([, items]) => items.map(([, payload]) => payload as never));
    const event = events.find(
      ({ tags }: { tags?: { message?: string } }) => tags?.message === "Request failed",
    ) as Record<string, never> | undefined;
    expect(event).toMatchObject({
      level: "error",
      release: expect.stringMatching(/^neocrm@\d/),
      environment: "production",
      extra: { request_id: failure.id, path: "/api/tasks" },
    });
    const [exception] = (event as unknown as { exception: { values: { stacktrace: { frames: Frame[] } }[] } })
      .exception.values;
    const { frames } = exception!.stacktrace;
    const ours = frames.filter(({ filename }) => filename.startsWith("src/"));
    expect(ours.length).toBeGreaterThan(0);
    expect(frames.filter((frame) => frame.in_app)).toEqual(ours);
  });

  test("nothing is told of who asked, and with what", () => {
    const text = posted
      .filter(({ path }) => path.startsWith("/api/42"))
      .map(({ body }) => new TextDecoder().decode(body))
      .join("");
    expect(text).toContain("/s/***");
    for (const secret of [admin.email, admin.password, "Bearer ", "127.0.0.1", shareToken])
      expect(text).not.toContain(secret);
  });
});

describe("who takes them and is away", () => {
  /** Starts a server that tells `answer` how it is. */
  async function startWith(answer: () => Response | Promise<Response>) {
    const taker = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 60, fetch: answer });
    const { host } = taker.url;
    const running = await startBinary({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://${host}`, SENTRY_DSN: `http://key@${host}/42` },
    });
    const ask = async () => void (await (await fetch(`${running.url}/api`)).arrayBuffer());
    const times = (text: string) => running.log().split(text).length - 1;
    const until = async (text: string) => {
      for (let tries = 0; tries < 1_000 && times(text) === 0; tries++) await Bun.sleep(20);
    };
    await ask();
    return { running, taker, ask, times, until };
  }

  test("does not hold up the end, nor make it a failure", async () => {
    const { running, taker, times } = await startWith(() => new Promise<Response>(() => undefined));
    const stoppedAt = performance.now();
    expect(await running.stop()).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(6_000);
    expect([times("Traces were left behind"), times('"Stopped"')]).toEqual([1, 1]);
    await taker.stop(true);
  }, 60_000);

  test("is told once in the log, and once when it is back", async () => {
    let status = 403;
    const { running, taker, ask, times, until } = await startWith(() => Response.json({}, { status }));
    await until("Traces cannot be sent");
    status = 200;
    await ask();
    await until("Traces are sent again");
    expect(await running.stop()).toBe(0);
    expect([times("Traces cannot be sent"), times("Traces are sent again")]).toEqual([1, 1]);
    await taker.stop(true);
  }, 60_000);
});
