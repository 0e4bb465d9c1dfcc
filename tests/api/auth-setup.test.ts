import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { ConfigError } from "../../src/config/error";
import { setupCode } from "../../src/features/auth/setup-code";
import { flushLogs, startLogging } from "../../src/ops/logging";
import { systemActor } from "../../src/policy";
import { expectNoSecrets, rebuilt, statusesOf } from "../support/accounts";
import { refusedBodies } from "../support/bodies";
import { addPerson, password, type People } from "../support/people";
import { newInstallation } from "../support/restart";
import { newWorld, play, type Scenario, type World } from "../support/scenario";
import { engines, startTestServer, type TestServer } from "../support/servers";

setDefaultTimeout(60_000);

const secret = "a secret of the tests that is long enough";
const code = setupCode(secret);
const boss = { email: "boss@first.example", password, full_name: "First Boss", code };
const setup = { by: "nobody", post: "/api/auth/setup" } as const;

const asNobody = (server: TestServer) => newWorld(server, {} as People);

/** Plays a table on a server that has no admin yet. */
function scenariosWithoutAdmin(title: string, env: Record<string, string>, table: Scenario[]): void {
  for (const engine of engines) {
    describe(`${title} [${engine}]`, () => {
      let world: World;
      beforeAll(async () => {
        world = asNobody(await startTestServer(engine, { JWT_SECRET: secret, ...env }));
      });
      afterAll(() => world?.server.stop());
      for (const scenario of table)
        test(scenario.name ?? `${scenario.status}`, async () => void (await play(scenario, world)));
    });
  }
}

scenariosWithoutAdmin("making the first admin", {}, [
  ...refusedBodies(setup, boss),
  ...["", "0000-0000-0000-0000", code.slice(0, -1), `${code}0`, `${code}${"-".repeat(40)}0`].map(
    (wrong): Scenario => ({
      ...setup,
      name: `a wrong code: ${wrong}`,
      body: { ...boss, code: wrong },
      status: 403,
      problem: { code: "wrong_setup_code" },
      never: [code],
      events: [],
    }),
  ),
  {
    ...setup,
    name: "a weak password",
    body: { ...boss, password: "123456789" },
    status: 422,
    problem: { field: "password", fieldCode: "too_short" },
    events: [],
  },
  {
    ...setup,
    name: "a role is not asked for",
    body: { ...boss, role: "admin" },
    status: 422,
    problem: { field: "role", fieldCode: "unknown_field" },
  },
  {
    ...setup,
    name: "takes no Idempotency-Key",
    key: "setup-1",
    body: boss,
    status: 422,
    problem: { code: "idempotency_unsupported" },
    events: [],
  },
  {
    ...setup,
    name: "the code, in lower case and without dashes",
    body: { ...boss, code: ` ${code.toLowerCase().replaceAll("-", "")} ` },
    status: 201,
    has: {
      token_type: "Bearer",
      expires_in: 900,
      user: { email: boss.email, full_name: boss.full_name, role: "admin", is_active: true, version: 1 },
      roles: [{ slug: "admin" }],
    },
    hasHeaders: { "cache-control": "no-store" },
    never: ["argon2", "password", code],
    events: ["user.created", "session.created"],
    async then(world, answer) {
      const [created, signedIn] = (await world.events()).slice(-2);
      expect(rebuilt(created!)).toEqual(answer.json.user);
      expect(created).toMatchObject({ actor_kind: "user", actor_id: answer.json.user.id, version: 1 });
      expect(signedIn).toMatchObject({ actor_kind: "user", actor_id: answer.json.user.id });
      expectNoSecrets(await world.events(), password, code, answer.json.refresh_token);
      const me = await world.send({ token: answer.json.access_token }, "GET", "/api/users/me");
      expect(me.json).toEqual(answer.json.user);
    },
  },
  {
    ...setup,
    name: "the code works once",
    body: { ...boss, email: "second@first.example" },
    status: 409,
    problem: { code: "already_set_up" },
    never: ["boss", "second@"],
    events: [],
  },
  {
    ...setup,
    name: "afterwards a wrong code learns no more than the right one",
    body: { ...boss, code: "0000-0000-0000-0000" },
    status: 409,
    problem: { code: "already_set_up" },
  },
]);

scenariosWithoutAdmin("who registers first is no admin", { NEOCRM_AUTH_REGISTRATION: "open" }, [
  {
    by: "nobody",
    post: "/api/auth/register",
    name: "registers",
    body: { email: "first@first.example", password, full_name: "First" },
    status: 201,
    has: { user: { role: "user" }, roles: [{ slug: "user" }] },
  },
  { ...setup, name: "and the code still makes the admin", body: boss, status: 201 },
]);

scenariosWithoutAdmin("setup switched off", { NEOCRM_FEATURES_SETUP: "false" }, [
  { ...setup, name: "is refused", body: boss, status: 403, problem: { code: "setup_disabled" }, events: [] },
]);

for (const engine of engines) {
  describe(`the first admin [${engine}]`, () => {
    const running: { stop(): unknown }[] = [];
    const started = async (server: Promise<TestServer>) => {
      running.push(await server);
      return server;
    };
    afterEach(async () => {
      for (const server of running.splice(0)) await server.stop();
      startLogging({ level: "fatal", format: "json", write() {} });
    });

    test.each([
      ["of two", "boss2@first.example"],
      ["of one person", boss.email],
    ])("two setups at once, %s, make one admin", async (_, email) => {
      const world = asNobody(await started(startTestServer(engine, { JWT_SECRET: secret })));
      const answers = await Promise.all(
        [boss, { ...boss, email }].map((body) => world.send("nobody", "POST", "/api/auth/setup", { body })),
      );
      expect(statusesOf(answers)).toEqual([201, 409]);
      expect(await world.server.parts.users.all()).toHaveLength(1);
    });

    test("is asked for at every start until there is one, always with the same code", async () => {
      const place = await newInstallation(engine);
      running.push({ stop: place.remove });
      const printed = async (env: Record<string, string> = {}) => {
        let log = "";
        startLogging({ level: "info", format: "json", write: (text) => void (log += text) });
        const server = await place.start({ JWT_SECRET: secret, ...env });
        flushLogs();
        return { log, server };
      };
      const first = await printed();
      expect(first.log).toContain(code);
      await first.server.stop();
      const second = await printed();
      expect(second.log).toContain(code);
      await second.server.stop();

      const withoutSetup = await printed({ NEOCRM_FEATURES_SETUP: "false" });
      expect(withoutSetup.log).toContain("neocrm user create");
      expect(withoutSetup.log).not.toContain(code);
      expect(withoutSetup.log).not.toContain("/api/auth/setup");
      await addPerson(withoutSetup.server, boss.email, "admin");
      await withoutSetup.server.stop();

      const third = await printed();
      expect(third.log).not.toContain(code);
      await third.server.stop();
    });

    test("comes from the environment, once", async () => {
      const place = await newInstallation(engine);
      running.push({ stop: place.remove });
      const env = { NEOCRM_ADMIN_EMAIL: "Env@First.example", NEOCRM_ADMIN_PASSWORD: "the first password" };
      const first = await place.start(env);
      const signIn = (server: TestServer, secret: string) =>
        asNobody(server).send("nobody", "POST", "/api/auth/login", {
          body: { email: "env@first.example", password: secret },
        });
      const answer = await signIn(first, "the first password");
      expect(answer.json.user).toMatchObject({ email: "Env@First.example", role: "admin" });
      const [created] = await asNobody(first).events();
      expect(created).toMatchObject({ type: "user.created", actor_kind: "system", actor_id: null });
      expect(rebuilt(created!)).toEqual(answer.json.user);
      await first.stop();

      const second = await started(place.start({ ...env, NEOCRM_ADMIN_PASSWORD: "another password" }));
      expect((await signIn(second, "another password")).status).toBe(401);
      expect((await signIn(second, "the first password")).status).toBe(200);
      expect(await second.parts.users.all()).toHaveLength(1);
    });

    test("from the environment needs a good password, and a start that fails leaves nothing behind", async () => {
      const place = await newInstallation(engine);
      running.push({ stop: place.remove });
      const env = { NEOCRM_ADMIN_EMAIL: "env@first.example", NEOCRM_ADMIN_PASSWORD: "password123" };
      await expect(place.start(env)).rejects.toThrow(/among the commonest/);
      const server = await started(place.start());
      expect(await server.parts.users.all()).toEqual([]);
    });
  });
}

test("two servers that start at once on one database make one admin from the environment", async () => {
  const place = await newInstallation("postgres");
  const env = { NEOCRM_ADMIN_EMAIL: "env@first.example", NEOCRM_ADMIN_PASSWORD: password };
  const servers = await Promise.all(
    ["one", "two"].map((name) =>
      place.start({ ...env, JWT_SECRET: secret, DATA_DIR: `${place.dataDir}-${name}` }),
    ),
  );
  expect(await servers[0]!.parts.users.all()).toHaveLength(1);
  for (const server of servers) await server.stop();
  place.remove();
});

test.each(engines)(
  "the first admin is made once, however many ask at the same moment [%s]",
  async (engine) => {
    const server = await startTestServer(engine);
    const { auth, users } = server.parts;
    const person = { email: "env@first.example", full_name: "Env", password };
    const made = await Promise.all(
      Array.from({ length: 6 }, () => auth.makeFirstAdmin(systemActor("a-test-of-setup"), person)),
    );
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await users.all()).toHaveLength(1);
    await server.stop();
  },
);

test.each(engines)("an address that somebody else has makes no admin of them [%s]", async (engine) => {
  const server = await startTestServer(engine);
  await addPerson(server, "env@first.example", "user");
  const person = { email: "ENV@first.example", full_name: "Env", password };
  await expect(
    server.parts.auth.makeFirstAdmin(systemActor("a-test-of-setup"), person),
  ).rejects.toMatchObject({ code: "email_taken" });
  expect(await server.parts.auth.isSetUp()).toBe(false);
  await server.stop();
});

test.each([
  [{ NEOCRM_ADMIN_EMAIL: "env@first.example" }, "NEOCRM_ADMIN_EMAIL: admin.email needs admin.password"],
  [{ NEOCRM_ADMIN_PASSWORD: password }, "NEOCRM_ADMIN_PASSWORD: admin.password needs admin.email"],
  [
    { NEOCRM_ADMIN_EMAIL: "env@first.example", NEOCRM_ADMIN_PASSWORD: "short" },
    "NEOCRM_ADMIN_PASSWORD: admin.password = ***: A password has at least 10 characters",
  ],
])("%p stops the start before anything is made", async (env, message) => {
  const place = await newInstallation("sqlite");
  const failure = await place.start(env).catch((error: Error) => error);
  expect(failure).toBeInstanceOf(ConfigError);
  expect((failure as Error).message).toContain(message);
  expect(existsSync(place.dataDir)).toBe(false);
  place.remove();
});

test.each(engines)(
  "an address that a user has already does not stop the start, and the log says why [%s]",
  async (engine) => {
    const place = await newInstallation(engine);
    const first = await place.start();
    await addPerson(first, "env@first.example", "user");
    await first.stop();
    const lines: string[] = [];
    startLogging({ level: "warn", format: "json", write: (text) => void lines.push(text) });
    const second = await place.start({
      NEOCRM_ADMIN_EMAIL: "env@first.example",
      NEOCRM_ADMIN_PASSWORD: password,
      NEOCRM_SERVER_HTTPPS: "require",
    });
    flushLogs();
    expect(lines.join("")).toContain("neocrm user role --role admin");
    expect(lines.join("")).toContain("NEOCRM_SERVER_HTTPPS (did you mean NEOCRM_SERVER_HTTPS?)");
    expect(await second.parts.auth.isSetUp()).toBe(false);
    await second.stop();
    place.remove();
  },
);
