import { expect, test } from "bun:test";
import { eventsOf, expectNoSecrets, newPerson, statusesOf } from "../support/accounts";
import { refusedBodies } from "../support/bodies";
import { cast } from "../support/people";
import { inWorld, scenarios, type Scenario, type World } from "../support/scenario";

const me = "/api/users/me";
const outside = ["nobody", "off", "gone"] as const;
const inside = ["admin", "manager", "lan"] as const;
const userFields = [
  "avatar_url",
  "created_at",
  "email",
  "full_name",
  "id",
  "is_active",
  "locale",
  "role",
  "time_zone",
  "updated_at",
  "version",
];
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

scenarios("your profile", {}, [
  ...inside.map((by): Scenario => ({
    by,
    get: me,
    status: 200,
    has: {
      id: `$${by}`,
      email: `${by}@cast.example`,
      full_name: `Test ${by}`,
      role: cast[by],
      avatar_url: null,
      is_active: true,
      time_zone: "UTC",
      locale: "en",
      version: 1,
    },
    hasHeaders: { etag: '"v1"', "cache-control": "private, no-cache" },
    never: ["argon2", "hash", "auth_version", "role_id"],
    events: [],
    then(_, { json }) {
      expect(Object.keys(json).toSorted()).toEqual(userFields);
      expect(json.created_at).toMatch(instant);
      expect(json.updated_at).toMatch(instant);
    },
  })),
  ...outside.map((by): Scenario => ({
    by,
    get: me,
    status: 401,
    hasHeaders: { "www-authenticate": /^Bearer/ },
  })),
  ...['"v1"', 'W/"v1"', '"x", "v1"', "*"].map((tag): Scenario => ({
    by: "lan",
    name: `If-None-Match: ${tag}`,
    get: me,
    headers: { "if-none-match": tag },
    status: 304,
    never: [/./],
    hasHeaders: { etag: '"v1"' },
  })),
  { by: "lan", get: me, headers: { "if-none-match": '"v2"' }, status: 200 },
  { by: "lan", get: me, headers: { "if-none-match": "v1" }, status: 400, problem: { code: "invalid_etag" } },
  {
    by: "lan",
    name: "not for nobody",
    get: me,
    headers: { "if-none-match": "*", authorization: "Bearer x" },
    status: 401,
  },
  { by: "lan", get: `${me}?id=$admin`, status: 400, problem: { field: "id" } },
  { by: "lan", delete: me, status: 405, hasHeaders: { allow: "GET, HEAD, PATCH" } },
]);

const rita = { token: "$rita_token" };
const given = { given: (world: World) => newPerson(world, "rita") };

/** Rita's profile is at version 3: her name changed, then her language. */
async function changeTwice(world: World): Promise<void> {
  await world.send(rita, "PATCH", me, { body: { full_name: "Rita Two" } });
  await world.send(rita, "PATCH", me, { body: { locale: "vi-VN" } });
}

scenarios("changing your profile", given, [
  {
    by: rita,
    patch: me,
    body: { full_name: "  Rita Röntgen ", time_zone: "Asia/Ho_Chi_Minh", locale: "vi-VN" },
    status: 200,
    has: { full_name: "Rita Röntgen", time_zone: "Asia/Ho_Chi_Minh", locale: "vi-VN", version: 2 },
    hasHeaders: { etag: '"v2"', "cache-control": "private, no-cache" },
    events: ["user.updated"],
    async then(world, answer) {
      const [event] = await eventsOf(world, answer);
      expect(event).toMatchObject({
        ...{ actor_kind: "user", actor_id: world.ids.rita, entity_id: world.ids.rita, version: 2 },
        changes: {
          full_name: [expect.stringMatching(/^Test rita-/), "Rita Röntgen"],
          time_zone: ["UTC", "Asia/Ho_Chi_Minh"],
          locale: ["en", "vi-VN"],
        },
      });
      expect(Object.keys(event!.changes).toSorted()).toEqual(["full_name", "locale", "time_zone"]);
      expectNoSecrets([event!]);
      expect((await world.send(rita, "GET", me)).json).toEqual(answer.json);
      const identity = await world.server.parts.identities.identify(world.ids.rita_token!);
      expect(identity).toMatchObject({ timeZone: "Asia/Ho_Chi_Minh" });
    },
  },
  {
    by: rita,
    patch: me,
    ifMatch: '"v1"',
    body: { locale: "de" },
    status: 200,
    has: { locale: "de", version: 2 },
  },
  { by: rita, patch: me, ifMatch: "*", body: { locale: "de" }, status: 200 },
  { by: rita, patch: me, ifMatch: '"v9", "v1"', body: { locale: "de" }, status: 200 },
  {
    by: rita,
    after: changeTwice,
    patch: me,
    ifMatch: '"v1"',
    body: { locale: "de" },
    status: 412,
    problem: { code: "stale", changed: ["full_name", "locale"], version: 3 },
    hasHeaders: { etag: '"v3"' },
    never: ["Rita Two"],
    events: [],
  },
  {
    by: rita,
    after: changeTwice,
    patch: me,
    ifMatch: '"v2"',
    body: { locale: "de" },
    status: 412,
    problem: { changed: ["locale"] },
  },
  { by: rita, patch: me, ifMatch: 'W/"v1"', body: { locale: "de" }, status: 200 },
  { by: rita, patch: me, ifMatch: '"other"', body: { locale: "de" }, status: 412 },
  {
    by: rita,
    patch: me,
    ifMatch: "v1",
    body: { locale: "de" },
    status: 400,
    problem: { code: "invalid_etag" },
  },
  ...[{}, { locale: "en" }, { time_zone: "UTC", locale: "en" }].map((body): Scenario => ({
    by: rita,
    name: "nothing changes",
    patch: me,
    body,
    status: 200,
    has: { version: 1 },
    hasHeaders: { etag: '"v1"' },
    events: [],
  })),
]);

const patch = (body: Record<string, unknown>, field: string, fieldCode?: string): Scenario => ({
  by: "lan",
  name: JSON.stringify(body).slice(0, 60),
  patch: me,
  body,
  status: 422,
  problem: { field, ...(fieldCode && { fieldCode }) },
  events: [],
});

scenarios("what a profile takes", {}, [
  ...["email", "role", "is_active", "avatar_url", "version", "password", "auth_version", "created_at"].map(
    (field) => patch({ [field]: "x" }, field, "unknown_field"),
  ),
  ...["", "x", "+07:00", "Asia/Nowhere", "UTC+7", "../etc/passwd", "x".repeat(65)].map((time_zone) =>
    patch({ time_zone }, "time_zone"),
  ),
  ...["", "x", "vi_VN", "vi-VN-", "-", "deutsch-deutschland-x-x-x-x-x-x-x-x"].map((locale) =>
    patch({ locale }, "locale"),
  ),
  ...["", "  ", "\u00a0", "x".repeat(201)].map((full_name) => patch({ full_name }, "full_name")),
  {
    ...patch({ time_zone: "+07:00", locale: "" }, "time_zone"),
    name: "every field is named at once",
    problem: { errors: [{ field: "time_zone" }, { field: "locale" }] },
  },
  ...["America/New_York", "Europe/Kyiv", "Etc/GMT+7", "UTC"].map((time_zone): Scenario => ({
    by: "minh",
    patch: me,
    body: { time_zone },
    status: 200,
    has: { time_zone },
  })),
  ...["en", "vi-VN", "zh-Hant-TW", "sr-Latn", "de-CH-1996"].map((locale): Scenario => ({
    by: "minh",
    patch: me,
    body: { locale },
    status: 200,
    has: { locale },
  })),
  ...outside.map((by): Scenario => ({ by, patch: me, body: { locale: "de" }, status: 401, events: [] })),
  ...inside.map((by): Scenario => ({
    by,
    patch: me,
    body: { locale: "de" },
    status: 200,
    has: { id: `$${by}` },
  })),
  ...refusedBodies(
    { by: "lan", patch: me },
    { full_name: "Lan", time_zone: "UTC", locale: "en" },
    { optional: ["full_name", "time_zone", "locale"] },
  ),
]);

scenarios(
  "where a change must name its version",
  { ...given, env: { NEOCRM_API_REQUIRE_IF_MATCH: "true" } },
  [
    {
      by: rita,
      patch: me,
      body: { locale: "de" },
      status: 428,
      problem: { code: "if_match_required" },
      events: [],
    },
    { by: rita, patch: me, ifMatch: '"v1"', body: { locale: "de" }, status: 200 },
  ],
);

inWorld("two changes of one version at once", given, (world) => {
  test("one wins, the other is told what changed", async () => {
    const answers = await Promise.all(
      ["One", "Two"].map((full_name) =>
        world().send(rita, "PATCH", me, { body: { full_name }, headers: { "if-match": '"v1"' } }),
      ),
    );
    expect(statusesOf(answers)).toEqual([200, 412]);
    expect(answers.find(({ status }) => status === 412)!.json.changed).toEqual(["full_name"]);
  });
});

/** The table of roles in the contract, as far as its resources are there. */
const clients = (change: "own" | "all") => ({
  "clients.read": "all",
  "clients.create": "all",
  "clients.update": change,
  "clients.delete": change,
});
const grants = { admin: clients("all"), manager: clients("all"), lan: clients("own") };

scenarios("what you may do", {}, [
  ...inside.map((by): Scenario => ({
    by,
    get: `${me}/authorization`,
    status: 200,
    has: { user_id: `$${by}`, roles: [{ slug: cast[by] }], grants: grants[by] },
    hasHeaders: { etag: null, "cache-control": "no-store" },
    events: [],
    then(_, { json }) {
      expect(Object.keys(json).toSorted()).toEqual(["grants", "permissions", "roles", "user_id"]);
      expect(Object.keys(json.roles[0]).toSorted()).toEqual(["description", "id", "slug"]);
      expect(json.permissions).toEqual(Object.keys(json.grants).toSorted());
      for (const scope of Object.values(json.grants)) expect(["own", "all"]).toContain(scope as string);
    },
  })),
  ...outside.map((by): Scenario => ({ by, get: `${me}/authorization`, status: 401 })),
  { by: "lan", get: `${me}/authorization?user_id=$admin`, status: 400 },
  {
    by: "lan",
    patch: `${me}/authorization`,
    body: { roles: ["admin"] },
    status: 405,
    hasHeaders: { allow: "GET, HEAD" },
  },
]);
