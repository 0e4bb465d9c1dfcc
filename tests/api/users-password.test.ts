import { expect, test } from "bun:test";
import { systemActor } from "../../src/policy";
import {
  eventsOf,
  expectNoSecrets,
  newPerson,
  signInAs,
  statusOfRefresh,
  statusOfToken,
  storedHash,
  statusesOf,
} from "../support/accounts";
import { refusedBodies } from "../support/bodies";
import { closeAccount, password, type Name } from "../support/people";
import { inWorld, scenarios, type Scenario, type World } from "../support/scenario";

const path = "/api/users/password";
const fresh = "a fresh and good password";
const change = { current_password: password, new_password: fresh };
const rita = { token: "$rita_token" };
const given = { given: (world: World) => newPerson(world, "rita") };
const wrongCurrent = { field: "current_password", fieldCode: "wrong_password" };

const signIn = (world: World, secret: string) =>
  world.send("nobody", "POST", "/api/auth/login", { body: { email: "$rita_mail", password: secret } });

scenarios("changing your password", given, [
  {
    by: rita,
    name: "ends whatever was signed in, and gives a new pair",
    after: (world) => signInAs(world, "second", world.ids.rita_mail!),
    post: path,
    body: change,
    status: 200,
    has: { token_type: "Bearer", user: { id: "$rita", role: "user", version: 2 }, roles: [{ slug: "user" }] },
    hasHeaders: { "cache-control": "no-store" },
    never: ["argon2", "hash", fresh, password],
    events: ["session.ended", "session.ended", "user.password_changed", "session.created"],
    async then(world, answer) {
      const events = await eventsOf(world, answer);
      for (const event of events) {
        expect(event).toMatchObject({ actor_kind: "user", actor_id: world.ids.rita });
      }
      expect(events[2]).toMatchObject({
        entity_type: "user",
        entity_id: world.ids.rita,
        version: 2,
        changes: {},
      });
      const { access_token, refresh_token } = answer.json;
      expectNoSecrets(await world.events(), fresh, password, access_token, refresh_token);
      for (const name of ["rita", "second"]) {
        expect(await statusOfToken(world, world.ids[`${name}_token`]!)).toBe(401);
        expect(await statusOfRefresh(world, world.ids[`${name}_refresh`]!)).toBe(401);
      }
      expect(await statusOfToken(world, access_token)).toBe(200);
      expect(await statusOfRefresh(world, refresh_token)).toBe(200);
      expect((await signIn(world, password)).status).toBe(401);
      expect((await signIn(world, fresh)).status).toBe(200);
      expect(await storedHash(world, world.ids.rita!)).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
    },
  },
  {
    by: rita,
    name: "to what it is",
    post: path,
    body: { current_password: password, new_password: password },
    status: 200,
  },
]);

scenarios("what changing a password takes", {}, [
  {
    by: "lan",
    post: path,
    body: { current_password: "not this one", new_password: fresh },
    status: 422,
    problem: wrongCurrent,
    never: [fresh, "not this one"],
    events: [],
    then: async (world) => expect(await statusOfToken(world, world.people.lan.token)).toBe(200),
  },
  ...[
    ["123456789", "too_short"],
    ["password123", "too_common"],
    ["x".repeat(1_025), "too_long"],
    ["é".repeat(600), "too_long"],
  ].map(([new_password, fieldCode]): Scenario => ({
    by: "lan",
    name: `to ${new_password!.slice(0, 12)}`,
    post: path,
    body: { ...change, new_password },
    status: 422,
    problem: { field: "new_password", fieldCode },
    events: [],
  })),
  ...(["nobody", "off", "gone"] as const).map((by): Scenario => ({
    by,
    post: path,
    body: change,
    status: 401,
    events: [],
  })),
  { by: "lan", get: path, status: 405, hasHeaders: { allow: "POST" } },
  ...refusedBodies({ by: "lan", post: path }, change),
]);

inWorld("every role", {}, (world) => {
  test.each(["admin", "manager", "lan"] as Name[])("changes its own password: %s", async (name) => {
    const answer = await world().send(name, "POST", path, { body: change });
    expect(answer.status).toBe(200);
    expect(answer.json.user.id).toBe(world().ids[name]);
    expect(await statusOfToken(world(), world().people[name].token)).toBe(401);
  });
});

inWorld("an Idempotency-Key on a new password", given, (world) => {
  const headers = { "idempotency-key": "password-1" };
  const send = (token: string, body: unknown, more = headers) =>
    world().send({ token }, "POST", path, { body, headers: more });
  const kept = async () => {
    const { q, t } = world().server.parts.store.read;
    return q.select().from(t.idempotency_keys);
  };

  test("gives the first answer again, which nobody can read where it is kept", async () => {
    const first = await send(rita.token, change);
    expect(first.status).toBe(200);
    const { access_token, refresh_token } = first.json;
    const stored = JSON.stringify(await kept());
    for (const secret of [access_token, refresh_token, password, fresh, world().ids.rita_mail!, "token"]) {
      expect(stored).not.toContain(secret);
    }
    // The first answer was lost on its way: its receiver signs in with the new password and asks again.
    const { json: again } = await signIn(world(), fresh);
    const second = await send(again.access_token, change);
    expect(second.json).toEqual(first.json);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(second.headers.get("cache-control")).toBe("no-store");
    expect(await statusOfToken(world(), access_token)).toBe(200);
    expect((await world().events()).filter(({ type }) => type === "user.password_changed")).toHaveLength(1);
  });

  test("is refused for another body, and keeps a refusal without what was typed", async () => {
    const wrong = { current_password: "something else", new_password: fresh };
    const first = await send(rita.token, wrong);
    expect(first.json.errors[0]).toMatchObject({ field: "current_password", code: "wrong_password" });
    expect(JSON.stringify(await kept())).not.toMatch(/something else|fresh and good/);
    const second = await send(rita.token, wrong);
    const { request_id: _, ...refusal } = first.json;
    expect(second.json).toMatchObject(refusal);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect((await send(rita.token, change)).json.code).toBe("idempotency_mismatch");
    expect((await send(rita.token, change, { "idempotency-key": "password-2" })).status).toBe(200);
  });
});

inWorld("while a password is checked", given, (world) => {
  const send = (new_password: string) =>
    world().send(rita, "POST", path, { body: { ...change, new_password } });

  test("of two changes from one password, one wins and the other is told", async () => {
    const answers = await Promise.all([send("the first new password"), send("the second new password")]);
    expect(statusesOf(answers)).toEqual([200, 422]);
    const refused = answers.find(({ status }) => status === 422)!;
    expect(refused.json.errors[0]).toMatchObject({ field: "current_password", code: "wrong_password" });
    const winner = answers.find(({ status }) => status === 200)!;
    expect(await statusOfToken(world(), winner.json.access_token)).toBe(200);
  });

  test.each([
    ["an admin sets another one", 401, async () => void (await setPassword(world()))],
    ["the account is closed", 403, async () => closeAccount(world().server, world().ids.rita!)],
  ])("%s, and has the last word over a sign-in and a change", async (_, status, act) => {
    const { hasher } = world().server.parts;
    const verify = hasher.verify.bind(hasher);
    let acted: Promise<void> | undefined;
    // What happens meanwhile happens after the comparison and before the write, whatever takes how long.
    hasher.verify = async (...given) => {
      const verdict = await verify(...given);
      await (acted ??= act());
      return verdict;
    };
    try {
      const answers = await Promise.all([signIn(world(), password), send("the first new password")]);
      expect(answers[0]!.status).toBe(status);
      expect([401, 422]).toContain(answers[1]!.status);
      for (const { text } of answers) expect(text).not.toContain("access_token");
    } finally {
      hasher.verify = verify;
    }
  });
});

const setPassword = ({ server, ids }: World) =>
  server.parts.passwords.set(systemActor("an-admin-sets-it"), ids.rita!, "what the admin chose");
