/** Paths, methods, queries and request ids: what every endpoint has in common, wherever it leads. */
import { describe, expect, test } from "bun:test";
import { DbError } from "../../src/db/errors";
import { inWorld, scenarios, type Scenario } from "../support/scenario";
import { rawHttp } from "../support/raw-http";

const clients = { acme: {} };
const nowhere = { status: 404, problem: { code: "not_found" } };

scenarios("paths that lead nowhere", { clients }, [
  ...[
    "/",
    "/nope",
    "/api/nope",
    "/api/client",
    "/API/clients",
    "/api//clients",
    "/api/clients;a=b",
    "/constructor",
    "/__proto__",
    "/api/clients/$acme/nope",
    "/api/clients/$acme/restore",
    "/%ff",
    "/%2e%2e%2fetc%2fpasswd",
    "/.env",
    "/api/clients%2f",
  ].map((get): Scenario =>
    get.endsWith("restore")
      ? { by: "lan", get, status: 405, hasHeaders: { allow: "POST" } }
      : { by: "lan", get, ...nowhere },
  ),
  ...[
    "abc",
    "__proto__",
    "constructor",
    "1",
    "%00",
    "%zz",
    "%",
    "..%2f",
    "null",
    "undefined",
    "$acme%20",
    "$acme.json",
    "01890a5dac96774bbcceb302099a8057",
    "x".repeat(5_000),
    "%F0%9F%A6%8A",
  ].map((id): Scenario => ({
    name: "an id that is none",
    by: "lan",
    get: `/api/clients/${id}`,
    ...nowhere,
  })),
  {
    name: "an id that is none",
    by: "lan",
    patch: "/api/clients/abc",
    body: { notes: "x" },
    ...nowhere,
    events: [],
  },
  { name: "an id that is none", by: "lan", delete: "/api/clients/abc", ...nowhere },
  { name: "an id that is none", by: "nobody", get: "/api/clients/abc", status: 401 },
  { name: "nobody, nowhere", by: "nobody", get: "/api/nope", ...nowhere },
  { name: "a long path", by: "lan", get: `/${"a".repeat(10_000)}`, ...nowhere },
]);

scenarios("methods", { clients }, [
  {
    by: "lan",
    put: "/api/clients/$acme",
    body: {},
    status: 405,
    hasHeaders: { allow: "DELETE, GET, HEAD, PATCH" },
    problem: { code: "method_not_allowed" },
  },
  { by: "lan", delete: "/api/clients", status: 405, hasHeaders: { allow: "GET, HEAD, POST" } },
  { by: "lan", delete: "/api/clients/", status: 405, hasHeaders: { allow: "GET, HEAD, POST" } },
  { by: "lan", patch: "/api/clients", body: {}, status: 405 },
  { by: "lan", post: "/api/clients/$acme", body: {}, status: 405 },
  { by: "nobody", get: "/api/auth/login", status: 405, hasHeaders: { allow: "POST" } },
  { by: "nobody", post: "/health", status: 405, hasHeaders: { allow: "GET, HEAD" } },
  { by: "nobody", options: "/api/clients", status: 405, hasHeaders: { allow: "GET, HEAD, POST" } },
  {
    by: "lan",
    head: "/api/clients",
    status: 200,
    hasHeaders: { "content-type": /^application\/json/, "content-length": /^\d+$/ },
  },
  { by: "lan", head: "/api/clients/$acme", status: 200, hasHeaders: { etag: '"v1"' } },
  { by: "lan", head: "/api/clients/abc", status: 404 },
  { by: "nobody", head: "/health", status: 200 },
  { name: "a slash at the end", by: "lan", get: "/api/clients/", status: 200 },
  { name: "a slash at the end", by: "lan", get: "/api/clients/$acme/", status: 200, has: { name: "acme" } },
  {
    name: "a slash at the end",
    by: "lan",
    post: "/api/clients/",
    body: { name: "New" },
    status: 201,
    hasHeaders: { location: /^\/api\/clients\/[0-9a-f-]{36}$/ },
  },
]);

const unknown = (field: string) => ({
  status: 400,
  problem: { code: "unknown_parameter", field, fieldCode: "unknown_parameter" },
  events: [],
});

scenarios("queries where there is nothing to ask", { clients }, [
  { by: "lan", get: "/api/clients/$acme?fields=name", ...unknown("fields") },
  { by: "lan", get: "/api/clients/$acme?as_if=now", ...unknown("as_if") },
  { by: "lan", get: "/api/clients/$acme?__proto__=1", ...unknown("__proto__") },
  { by: "lan", get: "/api/clients/$acme?=1", status: 400 },
  { by: "lan", post: "/api/clients?dry_run=true", body: { name: "New" }, ...unknown("dry_run") },
  { by: "lan", patch: "/api/clients/$acme?x", body: { notes: "x" }, ...unknown("x") },
  { by: "lan", delete: "/api/clients/$acme?force=1", ...unknown("force") },
  { by: "lan", post: "/api/clients/$acme/restore?x=1", ...unknown("x") },
  { by: "nobody", get: "/api?x=1", ...unknown("x") },
  { by: "lan", get: "/api/clients/$acme?", status: 200 },
]);

const ids = (given: string) => ({
  by: "lan" as const,
  get: "/api/clients/$acme",
  headers: { "x-request-id": given },
  status: 200,
});

scenarios("request ids", { clients }, [
  ...["12345678", "a".repeat(128), "01890a5d-ac96-774b-bcce-b302099a8057", "trace:span.1_2-3"].map((id) => ({
    name: `taken ${id.slice(0, 20)}`,
    ...ids(id),
    hasHeaders: { "x-request-id": id },
  })),
  ...[
    "1234567",
    "a".repeat(129),
    "has a space",
    "<script>",
    'quote"quote',
    "a,b,c,d,e",
    "semi;colon",
    "é".repeat(8),
    "",
  ].map((id) => ({
    name: `replaced ${id.slice(0, 20)}`,
    ...ids(id),
    hasHeaders: { "x-request-id": /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}$/ },
  })),
  {
    name: "in a problem",
    ...ids("trace-12345"),
    get: "/api/nope",
    status: 404,
    problem: { request_id: "trace-12345" },
  },
  {
    name: "for nobody",
    by: "nobody",
    get: "/api/clients",
    headers: { "x-request-id": "trace-12345" },
    status: 401,
    problem: { request_id: "trace-12345" },
  },
  {
    name: "without a body",
    by: "lan",
    delete: "/api/clients/$acme",
    headers: { "x-request-id": "trace-12345" },
    status: 204,
    hasHeaders: { "x-request-id": "trace-12345" },
  },
]);

scenarios("bearers", { clients }, [
  {
    name: "no credentials",
    by: "nobody",
    get: "/api/clients",
    status: 401,
    problem: { code: "unauthenticated" },
    hasHeaders: { "www-authenticate": /^Bearer/ },
  },
  ...[
    "Bearer",
    "Bearer ",
    "Basic bGFuOng=",
    "bearer a b",
    "Token abc",
    "Bearer é",
    "Bearer a.b.c",
    `Bearer ${"a".repeat(10_000)}`,
  ].map((authorization) => ({
    name: authorization.slice(0, 20),
    by: "nobody" as const,
    get: "/api/clients",
    headers: { authorization },
    status: 401,
    problem: { code: "invalid_token" },
    hasHeaders: { "www-authenticate": /^Bearer/ },
  })),
  { name: "a token in the query", by: "nobody", get: "/api/clients?access_token=x", status: 401 },
  {
    name: "where anybody may",
    by: "nobody",
    get: "/api",
    headers: { authorization: "Bearer x" },
    status: 200,
  },
]);

inWorld("a database that fails", { clients }, (world) => {
  const failures: [kind: ConstructorParameters<typeof DbError>[0], status: number][] = [
    ["busy", 503],
    ["retry", 503],
    ["deadline", 503],
    ["unavailable", 503],
    ["full", 507],
    ["check", 500],
  ];
  for (const [kind, status] of failures) {
    test(`${kind} → ${status}`, async () => {
      const { store } = world().server.parts;
      const { tx } = store;
      store.tx = () =>
        Promise.reject(new DbError(kind, "clients.secret_column", new Error("SELECT 1 FROM secret")));
      const answer = await world().send("lan", "POST", "/api/clients", { body: { name: "New" } });
      store.tx = tx;
      expect(answer.status).toBe(status);
      expect(answer.text).not.toContain("secret");
    });
  }
});

describe("what is hardly HTTP", () => {
  inWorld("on the socket", {}, (world) => {
    const head = "Connection: close\r\n\r\n";

    test("a Host that is no host leads where the path leads", async () => {
      for (const host of ["x/health/", "x/health?", "/", "a b", "@", "", "x#", "%", "[::1"]) {
        const answer = await rawHttp(
          world().server.url,
          `GET /api/clients HTTP/1.1\r\nHost: ${host}\r\n${head}`,
        );
        expect([host, answer.status]).toBeOneOf([
          [host, 401],
          [host, 400],
        ]);
        if (answer.status === 401) expect(JSON.parse(answer.body).instance).toBe("/api/clients");
      }
    });

    test("a target with a host in it", async () => {
      const { status, body } = await rawHttp(
        world().server.url,
        `GET http://elsewhere/api/clients HTTP/1.1\r\nHost: x\r\n${head}`,
      );
      expect([status, JSON.parse(body).instance]).toEqual([401, "/api/clients"]);
    });

    test("a path that climbs", async () => {
      for (const path of ["/api/../api/clients/..", "/..", "/../../etc/passwd", "/api/clients/%2e%2e/x"]) {
        const { status, body } = await rawHttp(
          world().server.url,
          `GET ${path} HTTP/1.1\r\nHost: x\r\n${head}`,
        );
        expect([path, status]).toBeOneOf([
          [path, 404],
          [path, 401],
          [path, 400],
          [path, 200],
        ]);
        expect(body).not.toContain("root:");
      }
    });

    test("methods nobody knows", async () => {
      for (const method of ["PROPFIND", "TRACE"]) {
        const answer = await rawHttp(
          world().server.url,
          `${method} /api/clients HTTP/1.1\r\nHost: x\r\n${head}`,
        );
        expect([method, answer.status, answer.headers.get("allow")]).toEqual([
          method,
          405,
          "GET, HEAD, POST",
        ]);
      }
    });

    test("a request smuggled behind two lengths is refused", async () => {
      const body = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n";
      const { status } = await rawHttp(
        world().server.url,
        `POST /api/clients HTTP/1.1\r\nHost: x\r\n${body}${head}0\r\n\r\n`,
      );
      expect(status).toBe(400);
    });

    test("a length that is none is refused", async () => {
      for (const length of ["-5", "0x10", "1e3", "5, 6", "999999999999999999999999"]) {
        const { status } = await rawHttp(
          world().server.url,
          `POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n${head}`,
        );
        expect([length, status]).toBeOneOf([
          [length, 400],
          [length, 413],
        ]);
      }
    });
  });
});
