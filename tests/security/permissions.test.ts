import { Elysia } from "elysia";
import { describe, expect, test } from "bun:test";
import { describedRoutes } from "../../src/described";
import { declaredRoutes, permissionKey } from "../../src/http/declared";
import { httpKit } from "../../src/http/kit";
import { allowedMethods, routeTable } from "../../src/http/methods";
import { mountedRoutes } from "../support/routes";
import { inWorld } from "../support/scenario";

describe("a route without a permission", () => {
  test("stops the start, and is named", () => {
    const app = new Elysia().get("/api/open", () => "x").post("/api/also/:id", () => "x");
    expect(() => routeTable(app.routes)).toThrow(
      "These routes declare no permission: GET /api/open, POST /api/also/:id.",
    );
  });

  test("among routes with one stops the start too", () => {
    const kit = httpKit({
      idempotency: undefined as never,
      bodyLimit: 1,
      requireIfMatch: () => false,
      defaultCountry: () => null,
      isOn: () => true,
    });
    const declared = new Elysia().use(kit).get("/api/mine", () => "x", { permission: "signed-in" });
    expect(routeTable(declared.routes)).toHaveLength(1);
    const both = new Elysia().use(declared).get("/api/forgotten", () => "x");
    expect(() => routeTable(both.routes)).toThrow(/declare no permission: GET \/api\/forgotten\.$/);
  });

  test("is told from a preflight, which needs none", () => {
    expect(routeTable(new Elysia().options("/*", () => "").routes)).toEqual([]);
  });
});

test("every route that writes says which body it takes, were it none: what is not said would be dropped in silence", () => {
  const silent = declaredRoutes(describedRoutes()).filter(
    ({ method, body, form }) => method !== "GET" && !body && !form,
  );
  expect(silent.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});

test("what takes a text instead of a form is named, with the rest in its query", () => {
  const both = declaredRoutes(describedRoutes()).filter(({ orText }) => orText !== undefined);
  expect(both.map(({ method, path, orText }) => `${method} ${path} ${orText}`)).toEqual([
    "POST /api/bulk/clients text/csv",
    "POST /api/bulk/tasks text/csv",
  ]);
  for (const { form, parameters } of both) {
    const inForm = Object.keys(form!.properties).filter((name) => name !== "file");
    expect(Object.keys(parameters!.properties)).toEqual(inForm);
  }
});

test("the methods of a path are known whatever its ids", () => {
  const routes = routeTable([
    { method: "GET", path: "/api/things/:id", hooks: { detail: { [permissionKey]: "public" } } },
    { method: "PATCH", path: "/api/things/:id", hooks: { detail: { [permissionKey]: "public" } } },
    { method: "POST", path: "/api/things/", hooks: { detail: { [permissionKey]: "public" } } },
  ]);
  expect(allowedMethods(routes, "/api/things/a.b+c")).toEqual(["GET", "HEAD", "PATCH"]);
  expect(allowedMethods(routes, "/api/things")).toEqual(["POST"]);
  expect(allowedMethods(routes, "/api/things/")).toEqual(["POST"]);
  expect(allowedMethods(routes, "/api/things/1/2")).toEqual([]);
});

/** Who may call what without being signed in: an addition to this list is a decision. */
const open = [
  "GET /api",
  "GET /api/avatars/:id",
  "GET /api/ws",
  "GET /health",
  "GET /health/live",
  "GET /health/ready",
  "GET /monitor",
  "GET /monitor/assets/:name",
  "GET /s/:token",
  "GET /s/:token/download",
  "GET /s/:token/preview",
  "GET /swagger",
  "GET /swagger/assets/:name",
  "GET /swagger/json",
  "GET /ws",
  "POST /api/auth/accept",
  "POST /api/auth/login",
  "POST /api/auth/logout",
  "POST /api/auth/password/forgot",
  "POST /api/auth/password/reset",
  "POST /api/auth/refresh",
  "POST /api/auth/register",
  "POST /api/auth/setup",
  "POST /api/auth/verify-email",
  "POST /s/:token",
];

/** What managers and users are kept out of. */
const forAdmins = [
  "backups.manage",
  "jobs.manage",
  "monitoring.read",
  "roles.read",
  "settings.manage",
  "users.manage",
];

inWorld("every route", {}, (world) => {
  test("is closed unless it is on the list", () => {
    const isOpen = ({ permission }: { permission: string }) => permission === "public";
    expect(
      mountedRoutes()
        .filter(isOpen)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(open);
  });

  test("asks who is there before it looks at what was sent", async () => {
    const closed = mountedRoutes().filter(({ permission }) => permission !== "public");
    expect(closed.length).toBeGreaterThan(10);
    for (const { method, path } of closed) {
      for (const by of ["nobody", "off", "gone", { token: "x.y.z" }] as const) {
        const answer = await world().send(by, method, `${path}?nonsense=1`, {
          ...(method !== "GET" && { raw: "{not json", headers: { "content-type": "text/csv" } }),
        });
        expect([method, path, by, answer.status]).toEqual([method, path, by, 401]);
      }
    }
    expect(await world().events()).toEqual([]);
  });

  test("that needs a grant names it, and is closed to who lacks it", async () => {
    for (const by of ["admin", "manager", "lan"] as const) {
      const { json } = await world().send(by, "GET", "/api/users/me/authorization");
      for (const { method, path, permission } of mountedRoutes()) {
        if (!permission.includes(".") || json.permissions.includes(permission)) continue;
        const answer = await world().send(by, method, path, method === "GET" ? {} : { raw: "{not json" });
        expect([by, method, path, answer.status]).toEqual([by, method, path, 403]);
      }
      const closed = mountedRoutes().filter(({ permission }) => permission.includes("."));
      const missing = new Set(closed.map(({ permission }) => permission)).difference(
        new Set(json.permissions),
      );
      expect([by, ...[...missing].toSorted()]).toEqual(by === "admin" ? [by] : [by, ...forAdmins]);
    }
    expect(await world().events()).toEqual([]);
  });
});
