import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { day } from "../../src/clock";
import { systemActor } from "../../src/policy";
import {
  eventsOf,
  expectNoSecrets,
  newPerson,
  signInAs,
  statusOfRefresh,
  statusOfToken,
  statusesOf,
} from "../support/accounts";
import { refusedBodies } from "../support/bodies";
import { closeAccount } from "../support/people";
import { inWorld, scenarios, type Scenario, type World } from "../support/scenario";

const refresh = { by: "nobody", post: "/api/auth/refresh" } as const;
const tokenOfRita = { refresh_token: "$rita_refresh" };
const given = { given: (world: World) => newPerson(world, "rita") };
const system = systemActor("a-test-of-refreshing");

const use = (world: World) => world.send("nobody", "POST", "/api/auth/refresh", { body: tokenOfRita });

/** Changes the row of rita's session, as time would. */
async function setSession(
  { server, ids }: World,
  change: Partial<Record<"created_at" | "expires_at", number>>,
) {
  await server.parts.store.tx(async ({ q, t }) => {
    await q
      .update(t.sessions)
      .set(change)
      .where(sql`${t.sessions.user_id} = ${ids.rita}`);
  });
  server.parts.identities.forget(ids.rita!);
}

async function sessionOf(world: World) {
  const { q, t } = world.server.parts.store.read;
  const rows = await q
    .select()
    .from(t.sessions)
    .where(sql`${t.sessions.user_id} = ${world.ids.rita}`);
  return rows[0]!;
}

const refused = {
  ...refresh,
  body: tokenOfRita,
  status: 401,
  problem: { code: "invalid_refresh_token" },
} as const;

scenarios("refreshing", given, [
  {
    ...refresh,
    body: tokenOfRita,
    headers: { "user-agent": "the device, updated" },
    status: 200,
    has: { token_type: "Bearer", expires_in: 900, user: { id: "$rita" }, roles: [{ slug: "user" }] },
    hasHeaders: { "cache-control": "no-store" },
    never: ["argon2", "hash"],
    events: ["session.refreshed"],
    async then(world, answer) {
      const { json } = answer;
      expect(json.refresh_token).not.toBe(world.ids.rita_refresh);
      expect(json.token).toBe(json.access_token);
      const [event] = await eventsOf(world, answer);
      expect(event).toMatchObject({ actor_kind: "user", actor_id: world.ids.rita, version: 2 });
      expect(event!.changes.user_agent).toEqual([expect.any(String), "the device, updated"]);
      expectNoSecrets([event!], json.refresh_token, json.access_token, world.ids.rita_refresh!);
      expect(await statusOfToken(world, world.ids.rita_token!)).toBe(200);
      expect(await statusOfToken(world, json.access_token)).toBe(200);
      expect(await statusOfRefresh(world, json.refresh_token)).toBe(200);
    },
  },
  { ...refresh, name: "whatever token comes along", by: { token: "x.y.z" }, body: tokenOfRita, status: 200 },
  {
    ...refresh,
    name: "signed in as somebody else",
    by: "lan",
    body: tokenOfRita,
    status: 200,
    has: { user: { id: "$rita" } },
  },
  {
    ...refused,
    name: "a replay ends its family",
    async after(world) {
      const other = await signInAs(world, "rita2", world.ids.rita_mail!);
      world.ids.other = other.token;
      const { json } = await use(world);
      Object.assign(world.ids, { next_token: json.access_token, next_refresh: json.refresh_token });
      expect(await statusOfToken(world, json.access_token)).toBe(200);
    },
    events: ["session.ended"],
    async then(world) {
      expect(await statusOfToken(world, world.ids.rita_token!)).toBe(401);
      expect(await statusOfToken(world, world.ids.next_token!)).toBe(401);
      expect(await statusOfRefresh(world, world.ids.next_refresh!)).toBe(401);
      expect(await statusOfToken(world, world.ids.rita2_token!)).toBe(200);
      expect(await statusOfRefresh(world, world.ids.rita2_refresh!)).toBe(200);
    },
  },
  {
    ...refused,
    name: "after signing out",
    after: (world) => world.send({ token: "$rita_token" }, "POST", "/api/auth/logout"),
    events: [],
  },
  {
    ...refused,
    name: "after a new password",
    after: ({ server, ids }) => server.parts.passwords.set(system, ids.rita!, "another good password"),
    events: [],
  },
  {
    ...refused,
    name: "of a closed account, whose sessions ended with it",
    after: (world) => closeAccount(world.server, world.ids.rita!),
    events: [],
  },
  {
    ...refused,
    name: "of a session that was not used for too long",
    after: (world) => setSession(world, { expires_at: Date.now() - 1 }),
    events: [],
    then: async (world) => expect(await statusOfToken(world, world.ids.rita_token!)).toBe(401),
  },
  {
    ...refresh,
    name: "a new role keeps the family and ends the access tokens",
    after: ({ server, ids }) => server.parts.users.setRole(system, ids.rita!, "manager"),
    body: tokenOfRita,
    status: 200,
    has: { user: { role: "manager" }, roles: [{ slug: "manager" }] },
    events: ["session.refreshed"],
    async then(world, { json }) {
      expect(await statusOfToken(world, world.ids.rita_token!)).toBe(401);
      expect(await statusOfToken(world, json.access_token)).toBe(200);
    },
  },
  {
    ...refresh,
    name: "a session lasts while it is used",
    after: (world) =>
      setSession(world, { created_at: Date.now() - 60 * day, expires_at: Date.now() + 1 * day }),
    body: tokenOfRita,
    status: 200,
    async then(world, answer) {
      const { expires_at } = await sessionOf(world);
      expect(expires_at).toBeGreaterThan(Date.now() + 29 * day);
      const [event] = await eventsOf(world, answer);
      expect(event!.changes.expires_at).toEqual([expect.any(String), new Date(expires_at).toISOString()]);
    },
  },
]);

scenarios("what refreshing takes", {}, [
  ...["", "x", "a".repeat(200), "' or 1=1 --", "../../etc/passwd"].map((refresh_token): Scenario => ({
    ...refused,
    name: `not a token: ${refresh_token.slice(0, 20)}`,
    body: { refresh_token },
    events: [],
  })),
  {
    ...refresh,
    key: "refresh-1",
    body: { refresh_token: "x" },
    status: 422,
    problem: { code: "idempotency_unsupported" },
  },
  { ...refresh, post: "/api/auth/refresh?refresh_token=x", body: { refresh_token: "x" }, status: 400 },
  { by: "nobody", get: "/api/auth/refresh", status: 405, hasHeaders: { allow: "POST" } },
  ...refusedBodies(refresh, { refresh_token: "x" }),
]);

inWorld("one refresh token", given, (world) => {
  test("used twice at once gives at most one pair, and none that lasts", async () => {
    const answers = await Promise.all([use(world()), use(world()), use(world())]);
    expect(statusesOf(answers)).toEqual([200, 401, 401]);
    const { json } = answers.find(({ status }) => status === 200)!;
    expect(await statusOfToken(world(), json.access_token)).toBe(401);
    expect(await statusOfRefresh(world(), json.refresh_token)).toBe(401);
    const types = (await world().events()).map(({ type }) => type);
    expect(types.slice(-2)).toEqual(["session.refreshed", "session.ended"]);
  });

  test("is stored as a hash", async () => {
    const { q, t } = world().server.parts.store.read;
    const rows = await q.select().from(t.refresh_tokens);
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(world().ids.rita_refresh!);
    for (const { hash } of rows) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });
});

inWorld("refreshing is limited", { ...given, env: { RATE_LIMIT_AUTH: "2" } }, (world) => {
  test("for each session", async () => {
    await signInAs(world(), "rita2", world().ids.rita_mail!);
    const first = await use(world());
    expect(first.headers.get("ratelimit-policy")).toBe('"auth";q=2;w=60');
    const again = async (token: string) =>
      world().send("nobody", "POST", "/api/auth/refresh", { body: { refresh_token: token } });
    const second = await again(first.json.refresh_token);
    expect(second.status).toBe(200);
    const third = await again(second.json.refresh_token);
    expect(third.json).toMatchObject({ status: 429, code: "rate_limited" });
    expect(Number(third.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await again(world().ids.rita2_refresh!)).status).toBe(200);
  });
});
