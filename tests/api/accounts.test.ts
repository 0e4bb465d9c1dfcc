import { expect, test } from "bun:test";
import { systemActor } from "../../src/policy";
import { newPerson, statusOfRefresh, statusOfToken, statusesOf, storedHash } from "../support/accounts";
import { inWorld, scenarios, type Answer, type Scenario, type World } from "../support/scenario";

const accounts = "/api/admin/users";
const system = systemActor("a-test-of-accounts");
const unknown = "01941f29-7c00-7000-8000-00000000dead";
const outside = ["nobody", "off", "gone"] as const;
const powerless = ["lan", "manager"] as const;
const given = { given: (world: World) => newPerson(world, "rita") };
const rita = `${accounts}/$rita`;

/** Everybody but an admin is turned away from a request. */
const refused = (request: Partial<Scenario>): Scenario[] => [
  ...powerless.map((by): Scenario => ({
    ...request,
    by,
    status: 403,
    problem: { code: "forbidden" },
    events: [],
  })),
  ...outside.map((by): Scenario => ({ ...request, by, status: 401, events: [] })),
];

const mails = ({ json }: Answer) => json.data.map(({ email }: { email: string }) => email) as string[];

scenarios("the list of accounts", {}, [
  ...refused({ get: accounts }),
  {
    by: "admin",
    get: accounts,
    status: 200,
    hasHeaders: { etag: null },
    never: [/hash|auth_version|argon/],
    has: { pagination: { total: 7 } },
  },
  {
    by: "admin",
    get: `${accounts}?filter[role]=user&filter[is_active]=true&sort=-email`,
    status: 200,
    then: (_, answer) =>
      expect(mails(answer)).toEqual(
        ["stranger", "minh", "lan", "gone"].map((name) => `${name}@cast.example`),
      ),
  },
  {
    by: "admin",
    get: `${accounts}?filter[role][in]=admin,manager&sort=created_at`,
    status: 200,
    then: (_, answer) => expect(mails(answer)).toEqual(["admin@cast.example", "manager@cast.example"]),
  },
  {
    by: "admin",
    get: `${accounts}?filter[role][nin]=user,admin`,
    status: 200,
    has: { data: [{ id: "$manager", role: "manager" }], pagination: { total: 1 } },
  },
  { by: "admin", get: `${accounts}?filter[role]=nobody`, status: 200, has: { pagination: { total: 0 } } },
  {
    by: "admin",
    get: `${accounts}?filter[email][starts_with]=OFF&filter[created_at][gte]=today-1d`,
    status: 200,
    has: { data: [{ id: "$off", is_active: false }] },
  },
  { by: "admin", get: `${accounts}?sort=role`, status: 400, problem: { code: "unknown_sort_key" } },
  {
    by: "admin",
    get: `${accounts}?filter[role][contains]=u`,
    status: 400,
    problem: { code: "unknown_operator" },
  },
  {
    name: "walked by cursor",
    by: "admin",
    get: `${accounts}?sort=-created_at&limit=3&count=none`,
    status: 200,
    async then(world, answer) {
      const found = mails(answer);
      let cursor = answer.json.pagination.next_cursor as string | null;
      while (cursor !== null) {
        const path = `${accounts}?sort=-created_at&limit=3&count=none&cursor=${cursor}`;
        const next = await world.send("admin", "GET", path);
        found.push(...mails(next));
        cursor = next.json.pagination.next_cursor;
      }
      expect(found).toEqual(found.toSorted((a, b) => order.indexOf(b) - order.indexOf(a)));
      expect(new Set(found).size).toBe(7);
    },
  },
]);

const order = ["admin", "manager", "lan", "minh", "stranger", "off", "gone"].map(
  (name) => `${name}@cast.example`,
);

scenarios("one account", {}, [
  ...refused({ get: `${accounts}/$lan` }),
  {
    by: "admin",
    get: `${accounts}/$lan`,
    status: 200,
    has: { id: "$lan", email: "lan@cast.example", role: "user", version: 1 },
    hasHeaders: { etag: '"v1"', "cache-control": "private, no-cache" },
  },
  { by: "admin", get: `${accounts}/${unknown}`, status: 404 },
  { by: "admin", get: `${accounts}/me`, status: 404 },
]);

let newcomers = 0;
const newcomer = (rest: object = {}) => ({
  email: `New.Comer${++newcomers}@New.Example`,
  full_name: " New Comer ",
  role: "user",
  ...rest,
});

scenarios("making an account", {}, [
  ...refused({ post: accounts, body: newcomer() }),
  {
    by: "admin",
    post: accounts,
    body: newcomer({
      role: "manager",
      time_zone: "Europe/Oslo",
      locale: "nb-NO",
      password: "a good enough one",
    }),
    status: 201,
    has: { full_name: "New Comer", role: "manager", time_zone: "Europe/Oslo", locale: "nb-NO", version: 1 },
    hasHeaders: { location: /^\/api\/admin\/users\/[0-9a-f-]{36}$/, etag: '"v1"' },
    events: ["user.created"],
    never: ["a good enough one", /argon/],
    async then(world, { json }) {
      const [event] = await world.events();
      expect(event).toMatchObject({
        actor_kind: "user",
        actor_id: world.people.admin.id,
        entity_id: json.id,
      });
      const body = { email: json.email.toUpperCase(), password: "a good enough one" };
      expect((await world.send("nobody", "POST", "/api/auth/login", { body })).status).toBe(200);
    },
  },
  {
    name: "without a password, none fits",
    by: "admin",
    post: accounts,
    body: newcomer(),
    status: 201,
    async then(world, { json }) {
      expect(await storedHash(world, json.id)).toBe("");
      for (const password of ["", "null", "a long enough phrase"]) {
        const body = { email: json.email, password };
        const answer = await world.send("nobody", "POST", "/api/auth/login", { body });
        expect(answer.json.code).toBe("wrong_credentials");
      }
    },
  },
  {
    name: "an address that is taken",
    by: "admin",
    post: accounts,
    body: newcomer({ email: "LAN@cast.example" }),
    status: 409,
    problem: { code: "email_taken", conflicting_id: "$lan" },
    events: [],
  },
  ...[
    [{ role: "root" }, "role", "invalid_choice"],
    [{ email: "nobody" }, "email", "invalid_format"],
    [{ full_name: " " }, "full_name", "invalid_format"],
    [{ password: "short" }, "password", "too_short"],
    [{ time_zone: "+07:00" }, "time_zone", "invalid_format"],
    [{ locale: "x" }, "locale", "invalid_format"],
    [{ is_active: false }, "is_active", "unknown_field"],
    [{ password_hash: "x" }, "password_hash", "unknown_field"],
    [{ id: unknown }, "id", "unknown_field"],
  ].map(([rest, field, fieldCode]): Scenario => ({
    by: "admin",
    post: accounts,
    body: newcomer(rest as object),
    status: 422,
    problem: { field: field as string, fieldCode: fieldCode as string },
    events: [],
  })),
  {
    by: "admin",
    post: accounts,
    body: { full_name: "X", role: "user" },
    status: 422,
    problem: { field: "email", fieldCode: "required" },
  },
]);

inWorld("the same account asked for twice", {}, (world) => {
  test("with one Idempotency-Key is made once, and its owner gets one mail", async () => {
    const body = newcomer();
    const send = () =>
      world().send("admin", "POST", accounts, { body, headers: { "idempotency-key": "one-account" } });
    const [first, second] = [await send(), await send()];
    expect(second.json).toEqual(first.json);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect((await world().events()).map(({ type }) => type)).toEqual(["user.created"]);
  });

  test("at once, one is told whose the address is", async () => {
    const body = newcomer({ password: "a good enough one" });
    const answers = await Promise.all([1, 2].map(() => world().send("admin", "POST", accounts, { body })));
    expect(statusesOf(answers)).toEqual([201, 409]);
    const [made, taken] = answers.toSorted((a, b) => a.status - b.status);
    expect(taken!.json).toMatchObject({ code: "email_taken", conflicting_id: made!.json.id });
  });
});

scenarios("changing an account", given, [
  ...refused({ patch: rita, body: { full_name: "Mine" } }),
  {
    by: "admin",
    patch: rita,
    body: { email: " Rita.New@new.example ", avatar_url: "https://example.com/r.png", full_name: "Rita" },
    status: 422,
    problem: { field: "email" },
    events: [],
  },
  {
    name: "another address ends access tokens and nothing else",
    by: "admin",
    patch: rita,
    body: { email: "Rita.New@new.example", avatar_url: "https://example.com/r.png" },
    status: 200,
    has: { email: "Rita.New@new.example", avatar_url: "https://example.com/r.png", version: 2 },
    hasHeaders: { etag: '"v2"' },
    events: ["user.updated"],
    async then(world) {
      const event = (await world.events()).at(-1)!;
      expect(Object.keys(event.changes)).toEqual(["email", "avatar_url"]);
      expect(await statusOfToken(world, world.ids.rita_token!)).toBe(401);
      expect(await statusOfRefresh(world, world.ids.rita_refresh!)).toBe(200);
      await world.send("admin", "PATCH", rita, { body: { email: `x${world.ids.rita_mail}` } });
    },
  },
  {
    by: "admin",
    patch: rita,
    body: { email: "lan@CAST.example" },
    status: 409,
    problem: { code: "email_taken", conflicting_id: "$lan" },
    events: [],
  },
  {
    name: "closing it with other changes: one event each",
    by: "admin",
    patch: rita,
    body: { full_name: "Rita Late", is_active: false },
    status: 200,
    has: { full_name: "Rita Late", is_active: false, version: 3 },
    events: ["user.updated", "user.deactivated", "session.ended"],
    then: async (world) => expect(await statusOfRefresh(world, world.ids.rita_refresh!)).toBe(401),
  },
  {
    name: "opening it again",
    by: "admin",
    after: (world) => world.send("admin", "DELETE", rita),
    patch: rita,
    body: { is_active: true },
    status: 200,
    has: { is_active: true, version: 3 },
    events: ["user.activated"],
  },
  {
    name: "what changes nothing leaves no trace",
    by: "admin",
    patch: rita,
    body: { is_active: true, locale: "en", avatar_url: null },
    status: 200,
    has: { version: 1 },
    events: [],
  },
  {
    by: "admin",
    patch: rita,
    ifMatch: '"v1"',
    after: (world) => world.send("admin", "PATCH", rita, { body: { locale: "de" } }),
    body: { locale: "fr" },
    status: 412,
    problem: { code: "stale", changed: ["locale"] },
    events: [],
  },
  {
    by: "admin",
    patch: `${accounts}/$admin`,
    body: { is_active: false },
    status: 409,
    problem: { code: "own_account" },
    events: [],
  },
  ...["role", "version", "password", "created_at"].map((field): Scenario => ({
    by: "admin",
    patch: rita,
    body: { [field]: "admin" },
    status: 422,
    problem: { field, fieldCode: "unknown_field" },
    events: [],
  })),
  { by: "admin", patch: `${accounts}/${unknown}`, body: { locale: "de" }, status: 404, events: [] },
]);

scenarios("another role", given, [
  ...refused({ put: `${rita}/role`, body: { role: "admin" } }),
  ...(["lan", "manager"] as const).map((by): Scenario => ({
    name: "nobody promotes themselves",
    by,
    put: `${accounts}/$${by}/role`,
    body: { role: "admin" },
    status: 403,
    events: [],
  })),
  {
    by: "admin",
    put: `${rita}/role`,
    body: { role: "manager" },
    ifMatch: '"v1"',
    status: 200,
    has: { role: "manager", version: 2 },
    hasHeaders: { etag: '"v2"' },
    events: ["user.role_changed"],
    then: async (world) => expect(await statusOfToken(world, world.ids.rita_token!)).toBe(401),
  },
  { by: "admin", put: `${rita}/role`, body: { role: "user" }, status: 200, has: { version: 1 }, events: [] },
  {
    by: "admin",
    put: `${rita}/role`,
    body: { role: "root" },
    status: 422,
    problem: { field: "role", fieldCode: "invalid_choice" },
    events: [],
  },
  { by: "admin", put: `${rita}/role`, body: {}, status: 422, problem: { field: "role" } },
  { by: "admin", put: `${rita}/role`, ifMatch: '"v9"', body: { role: "manager" }, status: 412, events: [] },
  { by: "admin", put: `${accounts}/${unknown}/role`, body: { role: "user" }, status: 404 },
  {
    name: "the last admin stays admin",
    by: "admin",
    put: `${accounts}/$admin/role`,
    body: { role: "user" },
    status: 409,
    problem: { code: "last_admin" },
    events: [],
  },
  { by: "admin", post: `${rita}/role`, body: { role: "user" }, status: 405, hasHeaders: { allow: "PUT" } },
]);

scenarios("roles", {}, [
  ...refused({ get: "/api/admin/roles" }),
  {
    by: "admin",
    get: "/api/admin/roles",
    status: 200,
    has: {
      data: [
        { slug: "admin", grants: { "users.manage": "all", "settings.manage": "all" } },
        { slug: "manager", grants: { "clients.update": "all", "users.email": "all" } },
        { slug: "user", grants: { "clients.update": "own" } },
      ],
      pagination: { page: 1, total: 3, next_cursor: null },
    },
  },
]);

inWorld("two admins who demote or close each other at once", {}, (world) => {
  test.each([
    ["PUT", "/role", { role: "user" }],
    ["DELETE", "", undefined],
  ] as const)("%s leaves one of them", async (method, suffix, body) => {
    const { server } = world();
    for (let round = 0; round < 3; round++) {
      const [ada, bob] = [await newPerson(world(), "ada", "admin"), await newPerson(world(), "bob", "admin")];
      await server.parts.users.setRole(system, world().people.admin.id, "user");
      const answers = await Promise.all([
        world().send({ token: ada.token }, method, `${accounts}/${bob.id}${suffix}`, { body }),
        world().send({ token: bob.token }, method, `${accounts}/${ada.id}${suffix}`, { body }),
      ]);
      const [done, refusal] = statusesOf(answers);
      expect(done).toBeLessThan(300);
      expect([401, 403, 409]).toContain(refusal!);
      const admins = (await server.parts.users.all()).filter(
        ({ role, is_active }) => role === "admin" && is_active,
      );
      expect(admins).toHaveLength(1);
      await restore(world(), admins[0]!.id);
    }
  });
});

/** The cast's admin is admin again, and nobody else. */
async function restore(world: World, other: string): Promise<void> {
  const { users } = world.server.parts;
  await users.setRole(system, world.people.admin.id, "admin");
  await users.setRole(system, other, "user");
}

/** A role that may look after accounts, and do little else. */
async function helpdesk(world: World): Promise<void> {
  const { store } = world.server.parts;
  const role = "01941f29-7c00-7000-8000-0000000000f1";
  const grants = {
    "users.manage": "all",
    "users.read": "all",
    "clients.read": "all",
    "clients.update": "own",
  };
  await store.tx(async ({ q, t }) => {
    await q
      .insert(t.roles)
      .values({ id: role, slug: "helpdesk", description: "Helps" })
      .onConflictDoNothing();
    for (const [i, [permission, scope]] of Object.entries(grants).entries()) {
      const id = `01941f29-7c00-7000-8000-0000000001f${i}`;
      await q
        .insert(t.grants)
        .values({ id, role_id: role, permission, scope: scope as "all" })
        .onConflictDoNothing();
    }
  });
  await newPerson(world, "hugo", "helpdesk");
}

const hugo = { token: "$hugo_token" };
const exceeds = { status: 403, problem: { code: "exceeds_own_role" }, events: [] };

scenarios(
  "nobody gives away more than they hold",
  {
    clients: { acme: { assigned_to: "$lan" } },
    async given(world) {
      await helpdesk(world);
      await newPerson(world, "rita", "helpdesk");
    },
  },
  [
    ...["admin", "manager", "user"].flatMap((role): Scenario[] => [
      { by: hugo, put: `${rita}/role`, body: { role }, ...exceeds },
      { by: hugo, post: accounts, body: newcomer({ role }), ...exceeds },
    ]),
    { by: hugo, put: `${accounts}/$hugo/role`, body: { role: "admin" }, ...exceeds },
    ...["admin", "manager", "lan"].flatMap((name): Scenario[] => [
      { by: hugo, put: `${accounts}/$${name}/role`, body: { role: "helpdesk" }, ...exceeds },
      { by: hugo, patch: `${accounts}/$${name}`, body: { email: "hugo2@new.example" }, ...exceeds },
      { by: hugo, patch: `${accounts}/$${name}`, body: { is_active: false }, ...exceeds },
      { by: hugo, patch: `/api/users/$${name}`, body: { full_name: "X" }, ...exceeds },
      { by: hugo, delete: `${accounts}/$${name}`, ...exceeds },
    ]),
    { by: hugo, post: accounts, body: newcomer({ role: "helpdesk" }), status: 201, events: ["user.created"] },
    { by: hugo, patch: rita, body: { full_name: "Rita H." }, status: 200, events: ["user.updated"] },
    {
      name: "nor hands over what they may not change",
      by: hugo,
      after: (world) =>
        world.send("admin", "PATCH", "/api/clients/$acme", { body: { assigned_to: "$rita" } }),
      delete: `${rita}?reassign_to=$hugo`,
      status: 403,
      events: [],
    },
  ],
);

inWorld("an admin who was demoted while their request was under way", given, (world) => {
  test("promotes nobody", async () => {
    const { parts } = world().server;
    const ada = await newPerson(world(), "ada", "admin");
    const identity = await parts.identities.identify(ada.token);
    if (typeof identity === "string") throw new Error(identity);
    await parts.users.setRole(system, ada.id, "user");
    const late = { ...identity, requestId: "a-late-request" };
    await expect(parts.users.setRole(late, ada.id, "admin")).rejects.toMatchObject({ kind: "forbidden" });
    await expect(parts.users.setRole(late, world().ids.rita!, "admin")).rejects.toMatchObject({
      kind: "forbidden",
    });
  });
});
