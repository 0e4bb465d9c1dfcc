import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { existsSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { startLogging } from "../../src/ops/logging";
import { expectNoSecrets, rebuilt, statusOfRefresh, statusOfToken } from "../support/accounts";
import { password, signIn, type People } from "../support/people";
import { newInstallation, type Installation } from "../support/restart";
import { newWorld, type World } from "../support/scenario";
import { engines } from "../support/servers";
import { neocrm, type Typed } from "../support/terminal";

setDefaultTimeout(60_000);

const email = "rita@new.example";

describe.each(engines)("neocrm user [%s]", (engine) => {
  /** Does the same with a server that runs, and without one. */
  describe.each(["beside a server", "without a server"])("%s", (how) => {
    const isServed = how === "beside a server";

    async function inPlace(
      work: (user: Run, place: Installation, world: World | undefined) => Promise<unknown>,
    ) {
      const place = await newInstallation(engine);
      const server = isServed ? await place.start() : undefined;
      const user: Run = (args, typed) => neocrm(["user", ...args], { env: place.env, ...typed });
      try {
        await work(user, place, server && newWorld(server, {} as People));
      } finally {
        await server?.stop();
        place.remove();
      }
    }

    test("create, list, password, role", async () => {
      await inPlace(async (user) => {
        const create = (name: string, mail: string, ...more: string[]) =>
          user(["create", "--name", name, "--email", mail, "--password-stdin", ...more], {
            stdin: `${password}\n`,
          });
        const made = await create("Rita", email, "--role", "admin");
        expect(made).toMatchObject({ code: 0, err: "" });
        expect(made.out).toMatch(/^created rita@new\.example \(admin, [0-9a-f-]{36}\)$/);
        expect((await create("Bob Builder", "bob@new.example")).out).toContain("(user, ");

        const list = await user(["list"]);
        expect(list.out.split("\n")).toEqual([
          "EMAIL             ROLE   STATE   NAME",
          "bob@new.example   user   active  Bob Builder",
          "rita@new.example  admin  active  Rita",
        ]);
        const json = await user(["list", "--json"]);
        const users = JSON.parse(json.out);
        expect(users).toHaveLength(2);
        expect(users[1]).toMatchObject({ email, role: "admin", is_active: true, version: 1 });
        expect(json.out).not.toMatch(/hash|argon2/);

        expect(
          await user(["password", "--email", "RITA@new.example", "--password-stdin"], {
            stdin: "another good one",
          }),
        ).toMatchObject({
          code: 0,
          out: expect.stringContaining("password set for rita@new.example (admin, "),
        });
        expect(await user(["role", "--email", "bob@new.example", "--role", "manager"])).toMatchObject({
          code: 0,
          out: expect.stringContaining("role set for bob@new.example (manager, "),
        });
      });
    });

    test("says why it refuses, in plain words, and changes nothing", async () => {
      await inPlace(async (user) => {
        const stdin = password;
        const create = (args: string[], typed: Typed = { stdin }) =>
          user(["create", "--name", "Rita", "--password-stdin", ...args], typed);
        await create(["--email", email, "--role", "admin"]);
        const refusals: [() => ReturnType<typeof neocrm>, string][] = [
          [() => create(["--email", "RITA@new.example"]), "Another account has this e-mail address."],
          [() => create(["--email", "rita"]), "must be an e-mail address"],
          [
            () => create(["--email", "x@new.example", "--role", "root"]),
            "must be one of admin, manager, user",
          ],
          [() => create(["--email", "x@new.example"], { stdin: "short" }), "at least 10 characters"],
          [() => create(["--email", "x@new.example"], { stdin: "password123\n" }), "among the commonest"],
          [() => user(["role", "--email", email, "--role", "user"]), "This is the last active admin"],
          [() => user(["role", "--email", email, "--role", "root"]), "must be one of admin, manager, user"],
          [() => user(["role", "--email", "who@new.example", "--role", "user"]), "Nobody has the address"],
          [
            () => user(["password", "--email", "who@new.example", "--password-stdin"], { stdin }),
            "Nobody has the address",
          ],
          [
            () => user(["password", "--email", email, "--password-stdin"], { stdin: "short" }),
            "at least 10 characters",
          ],
        ];
        for (const [refused, message] of refusals) {
          const ran = await refused();
          expect(ran).toMatchObject({ code: 1, out: "" });
          expect(ran.err).toContain(message);
          expect(ran.err).not.toMatch(/\bat \S+ \(|SQLITE|insert/i);
        }
        const users = JSON.parse((await user(["list", "--json"])).out);
        expect(users).toMatchObject([{ email, role: "admin", version: 1 }]);
      });
    });
  });

  test("asks a person twice, without showing what is typed", async () => {
    const place = await newInstallation(engine);
    const create = (typed: Typed) =>
      neocrm(["user", "create", "--name", "Rita", "--email", email], { env: place.env, ...typed });
    expect(await create({ answers: [password, "something else"] })).toMatchObject({
      code: 2,
      err: expect.stringContaining("The two passwords differ."),
    });
    for (const answers of [
      [undefined, undefined],
      [password, undefined],
    ]) {
      expect(await create({ answers })).toMatchObject({
        code: 130,
        err: expect.stringContaining("No password was given"),
      });
    }
    expect(await create({})).toMatchObject({ code: 2, err: expect.stringContaining("--password-stdin") });
    const made = await create({ answers: [password, password] });
    expect(made).toMatchObject({ code: 0, err: "Password: \nOnce more: " });
    expect(made.out + made.err).not.toContain(password);
    place.remove();
  });

  test("through the socket of a server under load, ends the old token with the next request", async () => {
    const place = await newInstallation(engine);
    const server = await place.start();
    const world = newWorld(server, {} as People);
    const user = (...args: string[]) => neocrm(["user", ...args], { env: place.env, stdin: password });
    await user("create", "--name", "Rita", "--email", email, "--role", "manager", "--password-stdin");
    const rita = await signIn(server, email);
    let isOver = false;
    let served = 0;
    const load = Promise.all(
      Array.from({ length: 16 }, async () => {
        while (!isOver) if ((await statusOfToken(world, rita.token)) === 200) served++;
      }),
    );
    while (served < 50) await Bun.sleep(1);
    expect(await user("role", "--email", email, "--role", "user")).toMatchObject({ code: 0 });
    const next = await Promise.all(Array.from({ length: 20 }, () => statusOfToken(world, rita.token)));
    isOver = true;
    await load;
    expect(new Set(next)).toEqual(new Set([401]));
    expect(await statusOfRefresh(world, rita.refreshToken)).toBe(200);

    const again = await signIn(server, email);
    await user("password", "--email", email, "--password-stdin");
    expect(await statusOfToken(world, again.token)).toBe(401);
    expect(await statusOfRefresh(world, again.refreshToken)).toBe(401);

    const events = await world.events();
    expectNoSecrets(events, password);
    const [created] = events;
    expect(created).toMatchObject({ type: "user.created", actor_kind: "system", actor_id: null });
    expect(created!.request_id).toStartWith("cli-");
    expect(rebuilt(created!)).toMatchObject({ email, full_name: "Rita", role: "manager", version: 1 });
    await server.stop();
    place.remove();
  });
});

type Run = (args: string[], typed?: Typed) => ReturnType<typeof neocrm>;

describe("neocrm.sock", () => {
  test("is open to the server's own user alone, and gone with the server", async () => {
    const place = await newInstallation("sqlite");
    const server = await place.start();
    const socket = join(place.dataDir, "neocrm.sock");
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(place.dataDir).mode & 0o077).toBe(0);
    await server.stop();
    expect(existsSync(socket)).toBe(false);
    place.remove();
  });

  test("says no to what it does not understand, and the server goes on", async () => {
    const place = await newInstallation("sqlite");
    const server = await place.start();
    const unix = join(place.dataDir, "neocrm.sock");
    const ask = (body: string) => fetch("http://neocrm/", { unix, method: "POST", body });
    expect((await ask('{"operation":"user.delete","input":{}}')).status).toBe(500);
    expect((await ask('{"operation":"user.role","input":{"email":5}}')).status).toBe(422);
    expect((await ask('{"operation":"constructor"}')).status).toBe(500);
    expect((await ask("{")).status).toBeGreaterThanOrEqual(400);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    await server.stop();
    place.remove();
  });

  test("without an answer leads to a plain message while somebody holds the data", async () => {
    const place = await newInstallation("sqlite");
    const server = await place.start();
    rmSync(join(place.dataDir, "neocrm.sock"));
    const ran = await neocrm(["user", "list"], { env: place.env });
    expect(ran).toMatchObject({ code: 1, out: "", err: expect.stringContaining("in use by another neocrm") });
    await server.stop();
    place.remove();
  });

  test("is done without where the path is too long for one, and the server says so", async () => {
    const place = await newInstallation("sqlite");
    const dataDir = join(place.dataDir, "long".repeat(25));
    let log = "";
    startLogging({ level: "warn", format: "json", write: (text) => void (log += text) });
    const server = await place.start({ DATA_DIR: dataDir });
    expect(log).toContain("too long for a socket");
    const ran = await neocrm(["user", "list"], { env: { DATA_DIR: dataDir } });
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining("in use by another neocrm") });
    await server.stop();
    startLogging({ level: "fatal", format: "json", write() {} });
    expect(await neocrm(["user", "list"], { env: { DATA_DIR: dataDir } })).toMatchObject({ code: 0 });
    place.remove();
  });

  test("that a killed server left behind is no obstacle", async () => {
    const place = await newInstallation("sqlite");
    await (await place.start()).stop();
    // A socket file without a listener is what a kill leaves.
    const stale = Bun.listen({ unix: join(place.dataDir, "neocrm.sock"), socket: { data() {} } });
    const probe = connect(join(place.dataDir, "neocrm.sock"));
    await new Promise((resolve) => probe.once("connect", resolve));
    probe.destroy();
    stale.stop(true);
    expect(await neocrm(["user", "list"], { env: place.env })).toMatchObject({ code: 0 });
    const server = await place.start();
    expect(await neocrm(["user", "list"], { env: place.env })).toMatchObject({ code: 0 });
    await server.stop();
    place.remove();
  });
});

test("a data directory that is not there is not made by looking into it", async () => {
  const place = await newInstallation("sqlite");
  const env = { DATA_DIR: `${place.dataDir}-misspelt` };
  for (const args of [["list"], ["role", "--email", email, "--role", "admin"]]) {
    const ran = await neocrm(["user", ...args], { env });
    expect(ran).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("There is no data directory"),
    });
  }
  expect(existsSync(env.DATA_DIR)).toBe(false);
  place.remove();
});

test.each(engines)("a database of the version before is not upgraded by the way [%s]", async (engine) => {
  const place = await newInstallation(engine, { empty: true });
  const run = (...words: string[]) => neocrm(words, { env: place.env });
  expect((await run("migrate", "up")).code).toBe(0);
  expect((await run("migrate", "down")).code).toBe(0);
  const before = await run("migrate", "status");
  expect(await run("user", "list")).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringMatching(/lacks \d{4}_\w+\. Start the server, or run neocrm migrate up\./),
  });
  expect((await run("migrate", "status")).out).toBe(before.out);
  await run("migrate", "up");
  expect((await run("user", "list")).code).toBe(0);
  place.remove();
});

test("a name cannot command the terminal of whoever lists it", async () => {
  const place = await newInstallation("sqlite");
  const name = "Bob\u001b[2K\u001b]52;c;aGk=\u0007\nadmin@new.example  admin  active\u202e";
  const person = ["--email", email, "--name", name, "--password-stdin"];
  await neocrm(["user", "create", ...person], { env: place.env, stdin: password });
  const { out } = await neocrm(["user", "list"], { env: place.env });
  expect(out.split("\n")).toHaveLength(2);
  for (const control of ["\u001b", "\u0007", "\u202e"]) expect(out).not.toContain(control);
  const { out: json } = await neocrm(["user", "list", "--json"], { env: place.env });
  expect(JSON.parse(json)[0].full_name).toBe(name);
  place.remove();
});
