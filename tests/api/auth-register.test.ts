import { expect, test } from "bun:test";
import { expectNoSecrets, rebuilt, statusesOf } from "../support/accounts";
import { refusedBodies } from "../support/bodies";
import { password } from "../support/people";
import { inWorld, scenarios, type Scenario } from "../support/scenario";

const open = { env: { NEOCRM_AUTH_REGISTRATION: "open" } };
const register = { by: "nobody", post: "/api/auth/register" } as const;
const person = (email: string) => ({ email, password, full_name: "New Person" });

scenarios("registering where it is open", open, [
  {
    ...register,
    body: { ...person("Rita@New.example"), full_name: "  Rita Rà \u{1f600} " },
    headers: { "user-agent": "device of rita" },
    status: 201,
    has: {
      token_type: "Bearer",
      expires_in: 900,
      user: {
        email: "Rita@New.example",
        full_name: "Rita Rà \u{1f600}",
        role: "user",
        avatar_url: null,
        is_active: true,
        time_zone: "UTC",
        locale: "en",
        version: 1,
      },
      roles: [{ slug: "user" }],
    },
    hasHeaders: { "cache-control": "no-store", etag: null },
    never: ["argon2", "hash", password],
    events: ["user.created", "session.created"],
    async then(world, { json }) {
      expect(json.token).toBe(json.access_token);
      const [created, signedIn] = await world.events();
      expect(rebuilt(created!)).toEqual(json.user);
      const self = { actor_kind: "user", actor_id: json.user.id };
      expect(created).toMatchObject({ ...self, entity_type: "user", entity_id: json.user.id, version: 1 });
      expect(signedIn).toMatchObject({ ...self, entity_type: "session", version: 1 });
      expect(rebuilt(signedIn!)).toMatchObject({
        user_id: json.user.id,
        ip: "127.0.0.1",
        user_agent: "device of rita",
        ended_at: null,
      });
      expectNoSecrets(await world.events(), password, json.access_token, json.refresh_token);
      const me = await world.send({ token: json.access_token }, "GET", "/api/users/me");
      expect(me.json).toEqual(json.user);
      const next = { refresh_token: json.refresh_token };
      expect((await world.send("nobody", "POST", "/api/auth/refresh", { body: next })).status).toBe(200);
    },
  },
  { ...register, body: { ...person("plain@new.example"), role: "user" }, status: 201 },
  {
    ...register,
    name: "somebody who is signed in makes an account for somebody else",
    by: "lan",
    body: person("friend@new.example"),
    status: 201,
    events: ["user.created", "session.created"],
    async then(world, { json }) {
      for (const { actor_id } of await world.events()) expect(actor_id).toBe(json.user.id);
    },
  },
  {
    ...register,
    name: "with a token that is no good",
    by: { token: "x" },
    body: person("x@new.example"),
    status: 201,
  },
  ...["trần.thị.hoa", "用户", "δοκιμή", "o'brien+crm", "a"].map((local): Scenario => ({
    ...register,
    body: person(`${local}@new.example`),
    status: 201,
    has: { user: { email: `${local}@new.example` } },
  })),
  ...["LAN@cast.example", "lan@CAST.EXAMPLE"].map((email): Scenario => ({
    ...register,
    body: person(email),
    status: 409,
    problem: { code: "email_taken" },
    never: ["Test lan", "lan@cast.example"],
    events: [],
  })),
  ...["RITA@new.example", "TRẦN.thị.hoa@new.example", "trần.thị.hoa@new.example".normalize("NFD")].map(
    (email): Scenario => ({ ...register, body: person(email), status: 409, events: [] }),
  ),
  ...[
    "",
    "x",
    "@new.example",
    "x@",
    "x@host",
    "a b@new.example",
    "a@b@new.example",
    "x@new.example\n",
    "<x@new.example>",
  ].map((email): Scenario => ({
    ...register,
    body: person(email),
    status: 422,
    problem: { field: "email" },
    events: [],
  })),
  ...[
    ["123456789", "too_short"],
    ["😀😀😀😀😀😀😀😀😀", "too_short"],
    ["Password123", "too_common"],
    ["ｐａｓｓｗｏｒｄ１２３", "too_common"],
    ["é".repeat(600), "too_long"],
    ["x".repeat(1_025), "too_long"],
  ].map(([weak, fieldCode]): Scenario => ({
    ...register,
    name: `the password ${weak!.slice(0, 12)}`,
    body: { ...person("weak@new.example"), password: weak },
    status: 422,
    problem: { field: "password", fieldCode },
    never: [weak!],
    events: [],
  })),
  ...["admin", "manager", "Admin", "", null, ["admin"], { slug: "admin" }].map((role): Scenario => ({
    ...register,
    name: `as ${JSON.stringify(role)}`,
    body: { ...person("power@new.example"), role },
    status: 422,
    problem: { field: "role" },
    events: [],
  })),
  {
    ...register,
    name: "as admin, by an admin",
    by: "admin",
    body: { ...person("power@new.example"), role: "admin" },
    status: 422,
    problem: { field: "role" },
    events: [],
  },
  {
    ...register,
    body: { ...person("x1@new.example"), full_name: " \u00a0\t" },
    status: 422,
    problem: { field: "full_name", fieldCode: "invalid_format" },
  },
  {
    ...register,
    body: { ...person("x1@new.example"), full_name: "" },
    status: 422,
    problem: { field: "full_name", fieldCode: "too_short" },
  },
  {
    ...register,
    name: "a prototype is no field",
    raw: JSON.stringify(person("x1@new.example")).replace("{", '{"__proto__":{"role":"admin"},'),
    headers: { "content-type": "application/json" },
    status: 422,
    problem: { field: "__proto__", fieldCode: "unknown_field" },
  },
  {
    ...register,
    key: "register-1",
    body: person("x1@new.example"),
    status: 422,
    problem: { code: "idempotency_unsupported", field: "Idempotency-Key" },
    events: [],
  },
  {
    ...register,
    post: "/api/auth/register?role=admin",
    body: person("x1@new.example"),
    status: 400,
    problem: { code: "unknown_parameter", field: "role" },
    events: [],
  },
  { by: "nobody", get: "/api/auth/register", status: 405, hasHeaders: { allow: "POST" } },
  ...refusedBodies(register, person("wrong@new.example")),
]);

inWorld("registering twice at once", open, (world) => {
  test("makes one account", async () => {
    const answers = await Promise.all(
      ["twin@new.example", "TWIN@new.example", "Twin@New.Example"].map((email) =>
        world().send("nobody", "POST", "/api/auth/register", { body: person(email) }),
      ),
    );
    expect(statusesOf(answers)).toEqual([201, 409, 409]);
    expect((await world().events()).map(({ type }) => type)).toEqual(["user.created", "session.created"]);
  });
});

scenarios("registering where it is closed", {}, [
  ...(["nobody", "lan", "manager", "admin"] as const).map((by): Scenario => ({
    ...register,
    by,
    body: person("nobody@new.example"),
    status: 403,
    problem: { code: "registration_closed" },
    events: [],
  })),
  {
    ...register,
    name: "says nothing about who has an account",
    body: person("lan@cast.example"),
    status: 403,
    problem: { code: "registration_closed" },
    events: [],
  },
]);
