import { expect, test } from "bun:test";
import { newPerson } from "../support/accounts";
import { inWorld, scenarios, type Answer, type Scenario, type World } from "../support/scenario";

const users = "/api/users";
const unknown = "01941f29-7c00-7000-8000-00000000dead";
const outside = ["nobody", "off", "gone"] as const;
const byMail = encodeURIComponent("manager@cast.example");

const names = ({ json }: Answer) =>
  json.data.map(({ full_name }: { full_name: string }) => full_name) as string[];
const keysOf = (record: object) => Object.keys(record).toSorted();

scenarios("people to choose from", {}, [
  ...(["lan", "manager", "admin"] as const).map((by): Scenario => ({
    by,
    get: users,
    status: 200,
    hasHeaders: { etag: null, "cache-control": "no-store" },
    events: [],
    never: [/password|hash|auth_version|is_active|role/],
    then(_, answer) {
      expect(names(answer)).toEqual([
        ...["Test admin", "Test gone", "Test lan", "Test manager"],
        ...["Test minh", "Test stranger"],
      ]);
      const seen = by === "lan" ? [] : ["email"];
      for (const person of answer.json.data) {
        expect(keysOf(person)).toEqual(["avatar_url", ...seen, "full_name", "id"]);
      }
    },
  })),
  ...outside.map((by): Scenario => ({ by, get: users, status: 401 })),
  {
    by: "lan",
    get: `${users}?filter[full_name][contains]=MÍNH`,
    status: 200,
    has: { data: [{ id: "$minh", full_name: "Test minh", avatar_url: null }], pagination: { total: 1 } },
  },
  {
    by: "lan",
    get: `${users}?filter[id][in]=$minh,$admin&sort=-full_name`,
    status: 200,
    has: { data: [{ id: "$minh" }, { id: "$admin" }] },
  },
  {
    by: "manager",
    get: `${users}?filter[email]=${byMail}`,
    status: 200,
    has: { data: [{ id: "$manager" }] },
  },
  { by: "manager", get: `${users}?sort=-email&limit=1`, status: 200, has: { data: [{ id: "$stranger" }] } },
  {
    name: "a closed account is shown to whoever asks for it and may",
    by: "admin",
    get: `${users}?filter[is_active]=false`,
    status: 200,
    has: { data: [{ id: "$off" }], pagination: { total: 1 } },
  },
]);

/** An answer that depends on what the caller may not see would tell it, one guess at a time. */
const hidden = ["email", "role", "is_active", "created_at", "updated_at"];
scenarios("a list of people tells nothing that one may not see", {}, [
  ...hidden.map((field): Scenario => ({
    by: "lan",
    get: `${users}?filter[${field}][in]=x`,
    status: 400,
    problem: { code: "unknown_field", field: `filter[${field}][in]` },
    never: [/these are: [a-z_, ]*(email|role|is_active|_at)/],
  })),
  ...["email", "created_at"].map((key): Scenario => ({
    by: "lan",
    get: `${users}?sort=${key}`,
    status: 400,
    problem: { code: "unknown_sort_key" },
    never: [/these are: [a-z_, ]*email/],
  })),
  ...["role", "is_active", "created_at"].map((field): Scenario => ({
    by: "manager",
    get: `${users}?filter[${field}]=x`,
    status: 400,
    problem: { code: "unknown_field" },
  })),
  { by: "admin", get: `${users}?filter[password_hash]=x`, status: 400, problem: { code: "unknown_field" } },
  { by: "admin", get: `${users}?sort=updated_at`, status: 400, problem: { code: "unknown_sort_key" } },
  { by: "lan", get: `${users}?deleted=with`, status: 400, problem: { code: "unknown_parameter" } },
]);

inWorld("a cursor by mail", {}, (world) => {
  test("is worth nothing to whoever may not sort by it", async () => {
    const { json } = await world().send("manager", "GET", `${users}?sort=email&limit=1`);
    const cursor = json.pagination.next_cursor;
    const next = `${users}?limit=1&cursor=${cursor}`;
    expect((await world().send("manager", "GET", `${next}&sort=email`)).status).toBe(200);
    expect((await world().send("lan", "GET", `${next}&sort=email`)).status).toBe(400);
    expect((await world().send("lan", "GET", next)).json.code).toBe("cursor_mismatch");
  });
});

scenarios("one person", {}, [
  {
    by: "lan",
    get: `${users}/$minh`,
    status: 200,
    hasHeaders: { etag: null, "cache-control": "no-store" },
    then: (_, { json }) => expect(keysOf(json)).toEqual(["avatar_url", "full_name", "id"]),
  },
  {
    by: "manager",
    get: `${users}/$minh`,
    status: 200,
    has: { email: "minh@cast.example" },
    then: (_, { json }) => expect(keysOf(json)).toEqual(["avatar_url", "email", "full_name", "id"]),
  },
  {
    by: "lan",
    get: `${users}/$lan`,
    status: 200,
    has: { email: "lan@cast.example", role: "user", is_active: true, version: 1 },
    hasHeaders: { etag: '"v1"', "cache-control": "private, no-cache" },
  },
  {
    by: "admin",
    get: `${users}/$minh`,
    status: 200,
    has: { email: "minh@cast.example", role: "user", time_zone: "UTC" },
    hasHeaders: { etag: '"v1"' },
    never: [/hash|auth_version/],
  },
  { by: "admin", get: `${users}/$minh`, headers: { "if-none-match": '"v1"' }, status: 304 },
  { name: "somebody who left", by: "lan", get: `${users}/$off`, status: 200, has: { full_name: "Test off" } },
  ...outside.map((by): Scenario => ({ by, get: `${users}/$minh`, status: 401 })),
  ...["lan", "admin"].flatMap((by): Scenario[] =>
    [unknown, "abc"].map((id) => ({
      by: by as "lan",
      get: `${users}/${id}`,
      status: 404,
      problem: { code: "not_found" },
    })),
  ),
  { by: "lan", get: `${users}/$minh?fields=email`, status: 400 },
  { by: "lan", delete: `${users}/$minh`, status: 405, hasHeaders: { allow: "GET, HEAD, PATCH" } },
]);

const given = { given: (world: World) => newPerson(world, "rita") };
const rita = `${users}/$rita`;

scenarios("changing somebody's profile", given, [
  {
    by: { token: "$rita_token" },
    patch: rita,
    body: { full_name: "  Rita R.  ", time_zone: "Asia/Ho_Chi_Minh", locale: "vi-VN" },
    status: 200,
    has: { full_name: "Rita R.", time_zone: "Asia/Ho_Chi_Minh", locale: "vi-VN", version: 2 },
    hasHeaders: { etag: '"v2"' },
    events: ["user.updated"],
  },
  { by: "admin", patch: rita, body: { full_name: "Rita" }, status: 200, events: ["user.updated"] },
  {
    name: "nothing new leaves no trace",
    by: "admin",
    patch: rita,
    body: { locale: "en" },
    status: 200,
    has: { version: 1 },
    events: [],
  },
  ...(["lan", "manager"] as const).map((by): Scenario => ({
    by,
    patch: rita,
    body: { full_name: "Mine" },
    status: 403,
    problem: { code: "forbidden" },
    events: [],
  })),
  ...outside.map((by): Scenario => ({ by, patch: rita, body: { full_name: "Mine" }, status: 401 })),
  ...["email", "role", "is_active", "avatar_url", "password", "version", "auth_version"].map(
    (field): Scenario => ({
      by: "admin",
      patch: rita,
      body: { [field]: "x" },
      status: 422,
      problem: { field, fieldCode: "unknown_field" },
      events: [],
    }),
  ),
  {
    by: "admin",
    patch: rita,
    body: { time_zone: "Mars/Olympus", locale: "no_such" },
    status: 422,
    problem: { field: "time_zone", fieldCode: "invalid_format" },
    events: [],
  },
  {
    by: "admin",
    patch: rita,
    ifMatch: '"v1"',
    body: { full_name: "Late" },
    after: (world) => world.send("admin", "PATCH", rita, { body: { locale: "de" } }),
    status: 412,
    problem: { code: "stale", changed: ["locale"], version: 2 },
    events: [],
  },
  { by: "admin", patch: `${users}/${unknown}`, body: { full_name: "X" }, status: 404, events: [] },
  { by: "lan", patch: `${users}/${unknown}`, body: { full_name: "X" }, status: 404, events: [] },
]);
