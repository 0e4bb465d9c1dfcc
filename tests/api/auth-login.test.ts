import { expect, spyOn, test } from "bun:test";
import { sql } from "drizzle-orm";
import { expectNoSecrets, rebuilt, storedHash } from "../support/accounts";
import { refusedBodies } from "../support/bodies";
import { cast, password, type Name } from "../support/people";
import { inWorld, scenarios, type Answer, type Scenario, type World } from "../support/scenario";

const login = { by: "nobody", post: "/api/auth/login" } as const;
const as = (email: string, secret = password) => ({ email, password: secret });
const wrong = "not the password at all";

scenarios("signing in", {}, [
  ...(["admin", "manager", "lan", "gone"] as const).map((name): Scenario => ({
    ...login,
    name,
    body: as(`${name}@cast.example`),
    status: 200,
    has: {
      token_type: "Bearer",
      expires_in: 900,
      user: { id: `$${name}`, email: `${name}@cast.example`, role: cast[name] },
      roles: [{ slug: cast[name] }],
    },
    hasHeaders: { "cache-control": "no-store", etag: null },
    never: ["argon2", "hash", password],
    events: ["session.created"],
    async then(world, { json }) {
      expect(Object.keys(json).toSorted()).toEqual(tokenFields);
      expect(Object.keys(json.user).toSorted()).toEqual(userFields);
      expect(Object.keys(json.roles[0]).toSorted()).toEqual(["description", "id", "slug"]);
      expect(json.token).toBe(json.access_token);
      const bearer = { token: json.access_token };
      const { json: allowed } = await world.send(bearer, "GET", "/api/users/me/authorization");
      expect(allowed.permissions).toEqual(json.permissions);
      expect(allowed.roles).toEqual(json.roles);
      expectNoSecrets(await world.events(), password, json.access_token, json.refresh_token);
    },
  })),
  { ...login, body: as("LAN@Cast.Example"), status: 200, has: { user: { email: "lan@cast.example" } } },
  {
    ...login,
    name: "what is recorded about the device is bounded",
    headers: { "user-agent": `Mozilla ${"x".repeat(2_000)}` },
    body: as("minh@cast.example"),
    status: 200,
    async then(world) {
      const session = rebuilt((await world.events())[0]!);
      expect(session).toMatchObject({ user_id: world.ids.minh, ip: "127.0.0.1", ended_at: null });
      expect(session.user_agent).toHaveLength(500);
    },
  },
  {
    ...login,
    name: "to a closed account, which only its owner learns",
    body: as("off@cast.example"),
    status: 403,
    problem: { code: "account_inactive" },
    events: ["user.sign_in_refused"],
    then: async (world) => {
      const [event] = (await world.events()).slice(-1);
      expect(event).toMatchObject({
        ...{ entity_type: "user", entity_id: world.ids.off, actor_kind: "user", actor_id: null },
        changes: { reason: [null, "account_inactive"], attempts: [null, 1], ip: [null, "127.0.0.1"] },
      });
    },
  },
  ...["lan@cast.example", "off@cast.example", "unknown@cast.example"].map((email): Scenario => ({
    ...login,
    name: email,
    body: as(email, wrong),
    status: 401,
    problem: { code: "wrong_credentials" },
    hasHeaders: { "www-authenticate": /^Bearer/ },
    never: ["@cast", "unknown", "active"],
    events: email.startsWith("unknown") ? [] : ["user.sign_in_failed"],
  })),
  { ...login, name: "a blank password", body: as("lan@cast.example", ""), status: 401 },
  {
    ...login,
    name: "blanks belong to a password",
    body: as("lan@cast.example", `${password} `),
    status: 401,
  },
  {
    ...login,
    name: "a pattern is no address",
    body: as("%@cast.example"),
    status: 401,
    problem: { code: "wrong_credentials" },
  },
  {
    ...login,
    key: "login-1",
    body: as("lan@cast.example"),
    status: 422,
    problem: { code: "idempotency_unsupported" },
    events: [],
  },
  { by: "nobody", get: "/api/auth/login", status: 405, hasHeaders: { allow: "POST" } },
  ...refusedBodies(login, as("lan@cast.example")),
]);

const tokenFields = [
  "access_token",
  "expires_in",
  "permissions",
  "refresh_token",
  "roles",
  "token",
  "token_type",
  "user",
];
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

inWorld("whether an account exists", {}, (world) => {
  test("does not show in the answer to a wrong password, nor in the work that it takes", async () => {
    const verify = spyOn(Bun.password, "verify");
    const answers: Answer[] = [];
    for (const email of ["minh@cast.example", "off@cast.example", "who@cast.example"]) {
      answers.push(await world().send("nobody", "POST", "/api/auth/login", { body: as(email, wrong) }));
    }
    const costs = verify.mock.calls.map(([, hash]) => /^\$argon2id\$v=\d+\$[^$]+/.exec(hash as string)?.[0]);
    verify.mockRestore();
    expect(costs).toEqual(Array(3).fill("$argon2id$v=19$m=19456,t=2,p=1"));
    const [first, ...others] = answers.map(withoutRequestId);
    for (const other of others) expect(other).toEqual(first!);
  });
});

function withoutRequestId({ json, headers }: Answer) {
  const { request_id: _, ...problem } = json;
  const { "x-request-id": __, date: ___, ...sent } = Object.fromEntries(headers);
  return { problem, sent };
}

inWorld("a hash with old parameters", {}, (world) => {
  test.each([
    ["argon2id", { algorithm: "argon2id", memoryCost: 4_096, timeCost: 1 }],
    ["argon2d", { algorithm: "argon2d", memoryCost: 19_456, timeCost: 2 }],
    ["bcrypt", { algorithm: "bcrypt", cost: 4 }],
  ] as const)("is made anew when its owner signs in: %s", async (_, parameters) => {
    const old = await Bun.password.hash(password, parameters);
    await storeHash(world(), "stranger", old);
    const signIn = (secret: string) =>
      world().send("nobody", "POST", "/api/auth/login", { body: as("stranger@cast.example", secret) });

    expect((await signIn(wrong)).status).toBe(401);
    expect(await storedHash(world(), world().ids.stranger!)).toBe(old);

    expect((await signIn(password)).status).toBe(200);
    const renewed = await storedHash(world(), world().ids.stranger!);
    expect(renewed).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
    expect((await signIn(password)).status).toBe(200);
    expect(await storedHash(world(), world().ids.stranger!)).toBe(renewed);
    expect((await world().events()).map(({ type }) => type)).toEqual([
      "user.sign_in_failed",
      "session.created",
      "session.created",
    ]);
  });

  test("is made anew while its owner signs in on three devices at once", async () => {
    const old = await Bun.password.hash(password, { algorithm: "argon2id", memoryCost: 4_096, timeCost: 1 });
    await storeHash(world(), "stranger", old);
    const answers = await Promise.all(
      [1, 2, 3].map(() =>
        world().send("nobody", "POST", "/api/auth/login", { body: as("stranger@cast.example") }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test("that cannot be read opens nothing", async () => {
    await storeHash(world(), "stranger", "plain text");
    const body = as("stranger@cast.example", "plain text");
    const answer = await world().send("nobody", "POST", "/api/auth/login", { body });
    expect(answer.status).toBe(401);
  });
});

async function storeHash({ server, ids }: World, name: Name, password_hash: string): Promise<void> {
  await server.parts.store.tx(async ({ q, t }) => {
    await q
      .update(t.users)
      .set({ password_hash })
      .where(sql`${t.users.id} = ${ids[name]}`);
  });
}
