import { describe, expect, test } from "bun:test";
import { keys, settingOf } from "../../src/config/table";
import { statusesOf } from "../support/accounts";
import { newDatabase } from "../support/postgres";
import { addPerson, signIn } from "../support/people";
import { newInstallation } from "../support/restart";
import { inWorld, scenarios, type Answer, type Scenario, type World } from "../support/scenario";
import { engines, startTestServer, type TestServer } from "../support/servers";

const settings = "/api/admin/settings";
const visibility = `${settings}/visibility.clients`;
const outside = ["nobody", "off", "gone"] as const;

const put = (world: World, key: string, value: unknown, headers = {}) =>
  world.send("admin", "PATCH", `${settings}/${key}`, { body: { value }, headers });

const one = async (world: World, key: string) =>
  (await world.send("admin", "GET", settings)).json.data.find(
    (setting: { key: string }) => setting.key === key,
  );

/** Nothing is stored for what the scenarios change. */
const given = {
  clients: { acme: { by: "minh" as const } },
  async given(world: World) {
    for (const key of ["visibility.clients", "retention.days", "clients.default_country"]) {
      await put(world, key, null, { "if-match": "*" });
    }
  },
};

const refused = (request: Partial<Scenario>): Scenario[] => [
  ...(["lan", "manager"] as const).map((by): Scenario => ({ ...request, by, status: 403, events: [] })),
  ...outside.map((by): Scenario => ({ ...request, by, status: 401, events: [] })),
];

scenarios("the settings", given, [
  ...refused({ get: settings }),
  {
    by: "admin",
    get: settings,
    status: 200,
    hasHeaders: { etag: null },
    events: [],
    then(_, { json }) {
      const all: { key: string }[] = json.data;
      expect(all.map(({ key }) => key)).toEqual(keys.filter((key) => settingOf(key).changeable));
      expect(all).not.toContainEqual(
        expect.objectContaining({ key: expect.stringMatching(/secret|password/) }),
      );
      expect(json.pagination).toMatchObject({ page: 1, total: all.length, next_cursor: null });
    },
  },
  {
    by: "admin",
    get: settings,
    status: 200,
    then(_, { json }) {
      const found = Object.fromEntries(json.data.map((each: { key: string }) => [each.key, each]));
      expect(found["visibility.clients"]).toMatchObject({
        ...{ value: "all", default: "all", source: "default", source_name: null, locked: false },
        ...{ schema: { type: "string", enum: ["all", "own"] }, expects: "one of all, own" },
      });
      expect(found["retention.days"]).toMatchObject({
        ...{ value: 30, schema: { type: "integer", minimum: 1, maximum: 3650 } },
      });
      expect(found["api.require_if_match"]).toMatchObject({ value: false, schema: { type: "boolean" } });
      expect(found["clients.default_country"]).toMatchObject({
        value: null,
        schema: { pattern: "^[A-Z]{2}$" },
      });
      expect(found["limits.auth_per_minute"]).toMatchObject({
        ...{ value: 0, default: 10, source: "environment", source_name: "RATE_LIMIT_AUTH", locked: true },
      });
    },
  },
  { by: "admin", get: `${settings}?key=x`, status: 400 },
  { by: "admin", get: visibility, status: 405, hasHeaders: { allow: "PATCH" } },
]);

scenarios("changing a setting", given, [
  ...refused({ patch: visibility, body: { value: "own" } }),
  {
    by: "admin",
    patch: visibility,
    body: { value: "own" },
    status: 200,
    has: { key: "visibility.clients", value: "own", source: "stored", updated_by: "$admin" },
    hasHeaders: { etag: /^"v\d+"$/ },
    events: ["setting.updated"],
    async then(world, { json, headers }) {
      expect(headers.get("etag")).toBe(`"v${json.version}"`);
      const event = (await world.events()).at(-1)!;
      expect(event).toMatchObject({
        ...{ entity_type: "setting", version: json.version, actor_id: world.people.admin.id },
        changes: { "visibility.clients": [null, "own"] },
      });
      const { read } = world.server.parts.store;
      const rows = await read.q.select().from(read.t.settings);
      expect(rows.find(({ key }) => key === "visibility.clients")!.id).toBe(event.entity_id);
      expect((await world.send("stranger", "GET", "/api/clients/$acme")).status).toBe(404);
    },
  },
  {
    name: "taken back, what is configured counts again",
    by: "admin",
    after: (world) => put(world, "visibility.clients", "own"),
    patch: visibility,
    body: { value: null },
    status: 200,
    has: { value: "all", source: "default" },
    events: ["setting.updated"],
    async then(world) {
      expect((await world.events()).at(-1)!.changes).toEqual({ "visibility.clients": ["own", null] });
      expect((await world.send("stranger", "GET", "/api/clients/$acme")).status).toBe(200);
    },
  },
  {
    name: "what changes nothing leaves no trace",
    by: "admin",
    patch: visibility,
    body: { value: null },
    status: 200,
    events: [],
  },
  {
    by: "admin",
    patch: `${settings}/clients.default_country`,
    body: { value: "VN" },
    status: 200,
    events: ["setting.updated"],
    async then(world) {
      await world.send("admin", "POST", "/api/clients", { body: { name: "Saigon", phone: "028 3829 1234" } });
      const path = `/api/clients?filter[phone]=${encodeURIComponent("+842838291234")}`;
      expect((await world.send("admin", "GET", path)).json.pagination.total).toBe(1);
    },
  },
  ...[
    ["visibility.clients", "none", "must be one of all, own"],
    ["visibility.clients", ["all"], "must be one of all, own"],
    ["retention.days", 0, "must be an integer from 1 to 3650"],
    ["retention.days", "30", "must be an integer from 1 to 3650"],
    ["retention.days", 1e9, "must be an integer from 1 to 3650"],
    ["api.require_if_match", "true", "must be true or false"],
    [
      "clients.default_country",
      "UK",
      "must be a two-letter country code (ISO 3166) in upper case, such as VN",
    ],
  ].map(([key, value, message]): Scenario => ({
    by: "admin",
    patch: `${settings}/${String(key)}`,
    body: { value },
    status: 422,
    problem: { field: "value", fieldCode: "invalid_value", errors: [{ message }] },
    events: [],
  })),
  {
    by: "admin",
    patch: visibility,
    body: {},
    status: 422,
    problem: { field: "value", fieldCode: "required" },
  },
  {
    by: "admin",
    patch: visibility,
    body: { value: "own", key: "x" },
    status: 422,
    problem: { field: "key" },
  },
  ...["auth.jwt_secret", "server.port", "data.dir", "nonsense", "__proto__", "constructor"].map(
    (key): Scenario => ({
      by: "admin",
      patch: `${settings}/${key}`,
      body: { value: "x" },
      status: 404,
      problem: { code: "not_found" },
      events: [],
    }),
  ),
  {
    name: "a variable stands over it",
    by: "admin",
    patch: `${settings}/limits.user_per_minute`,
    body: { value: 1 },
    status: 409,
    problem: { code: "setting_locked", locked_by: "RATE_LIMIT_USER" },
    events: [],
  },
  {
    name: "which is also why it cannot be taken back",
    by: "admin",
    patch: `${settings}/limits.user_per_minute`,
    body: { value: null },
    status: 409,
    events: [],
  },
  { by: "admin", patch: visibility, ifMatch: '"v99999"', body: { value: "own" }, status: 412, events: [] },
  {
    by: "admin",
    after: (world) => put(world, "retention.days", 40),
    patch: `${settings}/retention.days`,
    ifMatch: '"v1"',
    body: { value: 50 },
    status: 412,
    events: [],
    then: (_, { json }: Answer) => expect(json.changed).toEqual(["retention.days"]),
  },
]);

inWorld("a setting", given, (world) => {
  test("is changed by whoever names its version, once", async () => {
    const { version } = await one(world(), "retention.days");
    const ifMatch = { "if-match": `"v${version}"` };
    const answers = await Promise.all(
      [41, 42].map((value) => put(world(), "retention.days", value, ifMatch)),
    );
    expect(statusesOf(answers)).toEqual([200, 412]);
    expect((await one(world(), "retention.days")).version).toBe(version + 1);
  });

  test("decides at the next request: whether a change needs If-Match", async () => {
    const change = () => world().send("admin", "PATCH", "/api/clients/$acme", { body: { notes: "x" } });
    expect((await change()).status).toBe(200);
    const on = await put(world(), "api.require_if_match", true);
    expect((await change()).status).toBe(428);
    expect((await put(world(), "api.require_if_match", false)).status).toBe(428);
    const back = { "if-match": on.headers.get("etag")! };
    expect((await put(world(), "api.require_if_match", null, back)).status).toBe(200);
    expect((await change()).status).toBe(200);
  });

  test("and who may register", async () => {
    const person = { email: "by.herself@new.example", password: "a good enough one", full_name: "X" };
    const register = () => world().send("nobody", "POST", "/api/auth/register", { body: person });
    expect((await register()).status).toBe(403);
    await put(world(), "auth.registration", "open");
    expect((await register()).status).toBe(201);
    await put(world(), "auth.registration", null);
    expect((await register()).json.code).toBe("registration_closed");
  });
});

/** Changes a setting on a server that has no world around it. */
const change = (server: TestServer, token: string, value: unknown, key = "visibility.clients") =>
  fetch(`${server.url}${settings}/${key}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ value }),
  });

describe.each(engines)("what is stored [%s]", (engine) => {
  test("counts after a restart, over files and under variables", async () => {
    const installation = await newInstallation(engine);
    const first = await installation.start();
    await addPerson(first, "ada@new.example", "admin");
    const { token, id } = await signIn(first, "ada@new.example");
    expect((await change(first, token, "own")).status).toBe(200);
    await first.stop();
    const again = await installation.start();
    expect(again.parts.live.view("visibility.clients")).toMatchObject({
      ...{ value: "own", source: "stored", version: 2, updated_by: id },
    });
    await again.stop();
    const fixed = await installation.start({ NEOCRM_VISIBILITY_CLIENTS: "all" });
    expect(fixed.parts.live.view("visibility.clients")).toMatchObject({
      ...{ value: "all", source: "environment", locked: true, version: 2, updated_by: id },
    });
    await fixed.stop();
    installation.remove();
  });

  test("and does not fit any more is passed over", async () => {
    const server = await startTestServer(engine);
    const { live, settings: service, store } = server.parts;
    const at = { created_at: 1, updated_at: 1, updated_by: null };
    const rows = [
      { key: "visibility.clients", value: { value: "everything" } },
      { key: "data.dir", value: { value: "/elsewhere" } },
      { key: "gone.since", value: { value: 1 } },
      { key: "retention.days", value: { value: 77 } },
    ];
    await store.tx(({ q, t }) =>
      q.insert(t.settings).values(rows.map((row, i) => ({ ...at, ...row, id: idOf(i), version: 2 }))),
    );
    await service.load();
    expect(live.get("visibility.clients")).toBe("all");
    expect(live.view("visibility.clients").source).toBe("default");
    expect(live.get("data.dir")).toBe(server.dataDir);
    expect(live.get("retention.days")).toBe(77);
    expect(live.stored()).toEqual({ "retention.days": 77 });
    await server.stop();
  });
});

const idOf = (i: number) => `01941f29-7c00-7000-8000-0000000002f${i}`;

test("two who store a setting for the first time at once both do, one after the other", async () => {
  for (const engine of engines) {
    const server = await startTestServer(engine);
    await addPerson(server, "ada@new.example", "admin");
    const { token } = await signIn(server, "ada@new.example");
    const answers = await Promise.all(
      [41, 42, 43, 44].map((value) => change(server, token, value, "retention.days")),
    );
    expect(statusesOf(answers)).toEqual([200, 200, 200, 200]);
    expect(server.parts.live.view("retention.days").version).toBe(5);
    await server.stop();
  }
});

describe("two servers on one database", () => {
  const env = { JWT_SECRET: "the secret that two servers share in this test" };
  const pair = async () => {
    const url = await newDatabase();
    const [one, two] = [
      await startTestServer("postgres", env, url),
      await startTestServer("postgres", env, url),
    ];
    await addPerson(one, "ada@new.example", "admin");
    return { one, two, ...(await signIn(one, "ada@new.example")) };
  };
  /** Fails by the time limit of the test when it never happens. */
  const becomes = async ({ parts }: TestServer, value: string) => {
    while (parts.live.get("visibility.clients") !== value) await Bun.sleep(5);
  };

  test("what is changed on one counts on the other", async () => {
    const { one, two, token } = await pair();
    expect((await change(one, token, "own")).status).toBe(200);
    expect(one.parts.live.get("visibility.clients")).toBe("own");
    await becomes(two, "own");
    expect((await change(two, token, null)).status).toBe(200);
    await becomes(one, "all");
    await Promise.all([one.stop(), two.stop()]);
  });

  test("also when the bell was missed: after a gap it is read again", async () => {
    const { one, two, token } = await pair();
    one.parts.bus.ring = async () => {};
    await change(one, token, "own");
    expect(two.parts.live.get("visibility.clients")).toBe("all");
    await loseConnections(one);
    await becomes(two, "own");
    await Promise.all([one.stop(), two.stop()]);
  });
});

/** Cuts the connections on which servers listen; they notice and connect again. */
async function loseConnections({ databaseUrl }: TestServer): Promise<void> {
  const sql = new Bun.SQL(databaseUrl!);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'neocrm bus' and datname = current_database()`;
  await sql.close();
}
