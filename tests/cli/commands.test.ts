import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../src/build";
import { startLogging } from "../../src/ops/logging";
import { systemActor } from "../../src/policy";
import { addPerson, type People } from "../support/people";
import { newInstallation } from "../support/restart";
import { newWorld } from "../support/scenario";
import { engines, startTestServer } from "../support/servers";
import { neocrm } from "../support/terminal";

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "neocrm-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = ["serve", "migrate", "user", "config", "doctor", "healthcheck", "openapi", "version"];
const done = { code: 0, err: "", shown: [] };

describe("neocrm", () => {
  test.each([["--help"], ["-h"], ["help"]])("%s lists every command", async (word) => {
    const ran = await neocrm([word]);
    expect(ran).toMatchObject(done);
    for (const name of names) expect(ran.out).toContain(`\n  ${name} `);
    expect(ran.out).toContain("Exit codes:");
  });

  test("without a command says the same, as an error", async () => {
    expect(await neocrm([])).toMatchObject({ code: 2, out: "", err: expect.stringContaining("Usage:") });
  });

  test("an unknown command is named", async () => {
    const ran = await neocrm(["sevre", "--port", "1"]);
    expect(ran).toMatchObject({ code: 2, out: "", err: expect.stringContaining('no command "sevre"') });
  });

  test.each([["version"], ["--version"], ["-v"]])("%s prints the version", async (word) => {
    expect(await neocrm([word])).toEqual({ ...done, out: version } as never);
  });

  test.each(names)("%s --help says more", async (name) => {
    const ran = await neocrm([name, "--help"]);
    expect(ran).toMatchObject(done);
    expect(ran.out).toStartWith(`neocrm ${name}`);
    expect((await neocrm([name, "-h"])).out).toBe(ran.out);
  });

  test.each([
    [["serve", "--prot", "1"], "--prot"],
    [["user", "list", "--jsno"], "--jsno"],
    [["config", "print", "--port"], "port"],
    [["migrate", "sideways"], "status, up or down"],
    [["migrate", "up", "down"], "status, up or down"],
    [["config"], "config print"],
    [["config", "show"], "config print"],
    [["user"], "create, list, password, role, deactivate or activate"],
    [["user", "delete"], "create, list, password, role, deactivate or activate"],
    [["user", "list", "twice"], "create, list, password, role, deactivate or activate"],
    [["user", "create", "--name", "X"], "--email is missing"],
    [["user", "create", "--email", " ", "--name", "X"], "--email is missing"],
    [["user", "create", "--email", "x@new.example"], "--name is missing"],
    [["user", "password"], "--email is missing"],
    [["user", "constructor"], "create, list, password, role, deactivate or activate"],
    [["migrate", "toString"], "status, up or down"],
    [["serve", "extra", "words"], 'takes no "extra"'],
    [["version", "extra"], 'takes no "extra"'],
    [["-v", "extra"], 'takes no "extra"'],
    [["healthcheck", "now"], 'takes no "now"'],
    [["doctor", "please"], 'takes no "please"'],
    [["user", "role", "--email", "x@new.example"], "--role is missing"],
  ])("%p is wrong usage", async (args, message) => {
    const env = { DATA_DIR: join(folder, "untouched") };
    const ran = await neocrm(args, { env });
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.err).toContain(message);
    expect(ran.err).not.toMatch(/\bat \S+ \(/);
  });

  test.each([
    [["config", "print", "--port", "x"], {}, "--port"],
    [["config", "print", "--profile", "prod"], {}, "prod"],
    [["config", "print", "--config", "nowhere.toml"], {}, "nowhere.toml"],
    [["migrate"], { JWT_SECRET: "short" }, "JWT_SECRET"],
    [["user", "list"], { DATABASE_URL: "mysql://x" }, "DATABASE_URL"],
    [["healthcheck"], { PORT: "70000" }, "PORT"],
    [["serve"], { RATE_LIMIT_IP: "many" }, "RATE_LIMIT_IP"],
  ])("%p with %p is a wrong configuration", async (args, env, message) => {
    const ran = await neocrm(args, { env, cwd: folder });
    expect(ran).toMatchObject({ code: 3, out: "" });
    expect(ran.err).toContain(message);
    expect(ran.err).not.toContain("short\n");
  });
});

describe("neocrm config print", () => {
  test("shows what is in force and where it comes from, and masks secrets", async () => {
    writeFileSync(join(folder, "my.toml"), '[log]\nlevel = "warn"\n');
    const env = { JWT_SECRET: "a secret that nobody may see printed", RATE_LIMIT_IP: "7" };
    const args = ["config", "print", "--config", "my.toml", "--port", "4000", "--profile", "staging"];
    const ran = await neocrm(args, { env, cwd: folder });
    expect(ran).toMatchObject(done);
    expect(ran.out).toContain("# profile: staging");
    expect(ran.out).toMatch(/^port = 4000 {2}# .*--port/m);
    expect(ran.out).toMatch(/^ip_per_minute = 7 {2}# .*RATE_LIMIT_IP/m);
    expect(ran.out).toMatch(/^level = "warn" {2}# .*my\.toml/m);
    expect(ran.out).toMatch(/^jwt_secret = "\*\*\*"/m);
    expect(ran.out).not.toContain(env.JWT_SECRET);
  });
});

describe.each(engines)("neocrm config print [%s]", (engine) => {
  test("shows what an admin stored, while the server runs", async () => {
    const place = await newInstallation(engine);
    const server = await place.start();
    const admin = await addPerson(server, "ada@new.example", "admin");
    const ada = { ...systemActor("a-test-of-commands"), userId: admin };
    await server.parts.settings.change(ada, "retention.days", 77, "any");
    const print = async () => (await neocrm(["config", "print"], { env: place.env })).out;
    expect(await print()).toMatch(/^days = 77 {2}# stored$/m);
    await server.parts.settings.change(ada, "retention.days", null, "any");
    expect(await print()).toMatch(/^days = 30 {2}# default$/m);
    await server.stop();
    place.remove();
  });
});

describe.each(engines)("neocrm migrate [%s]", (engine) => {
  test("shows, applies and reverts", async () => {
    const place = await newInstallation(engine, { empty: true });
    const migrate = (...args: string[]) => neocrm(["migrate", ...args], { env: place.env });
    expect((await migrate()).out).toMatch(/^pending {2}0000_/);
    const up = await migrate("up");
    expect(up).toMatchObject(done);
    expect(up.out).toContain("applied  0000_init");
    expect((await migrate("up")).out).toBe("The database is up to date.");
    const status = await migrate("status");
    expect(status.out).toMatch(/^applied {2}0000_init {2}\d{4}-\d\d-\d\dT.*Z$/m);
    expect(status.out).not.toContain("pending");
    const down = await migrate("down");
    expect(down).toMatchObject(done);
    expect(down.out).toMatch(/^reverted \d{4}_/m);
    if (engine === "sqlite") expect(down.out).toMatch(/^snapshot .*backups/m);
    expect((await migrate()).out).toMatch(/^pending/m);
    while (!(await migrate("down")).out.includes("nothing to revert"));
    place.remove();
  });

  test("down and up again leave the accounts that are there, and their roles", async () => {
    const place = await newInstallation(engine);
    const run = (args: string[], stdin = "") => neocrm(args, { env: place.env, stdin });
    const person = ["--email", "ada@new.example", "--name", "Ada", "--role", "admin", "--password-stdin"];
    expect((await run(["user", "create", ...person], "a long enough phrase")).code).toBe(0);
    expect(await run(["migrate", "down"])).toMatchObject(done);
    expect((await run(["migrate", "up"])).out).toMatch(/^applied {2}\d{4}_\w+$/m);
    expect((await run(["user", "list"])).out).toMatch(/^ada@new.example +admin +active +Ada$/m);
    const server = await place.start();
    const { json } = await newWorld(server, {} as People).send("nobody", "POST", "/api/auth/login", {
      body: { email: "ada@new.example", password: "a long enough phrase" },
    });
    expect(json.permissions).toContain("clients.read");
    await server.stop();
    place.remove();
  });

  test("leaves a running server's database alone", async () => {
    const place = await newInstallation(engine);
    const server = await place.start();
    const ran = await neocrm(["migrate", "down"], { env: place.env });
    expect(ran).toMatchObject({ code: 1, out: "", err: expect.stringContaining("in use by another neocrm") });
    expect(await neocrm(["migrate"], { env: place.env })).toMatchObject(done);
    await server.stop();
    place.remove();
  });
});

describe("neocrm healthcheck", () => {
  const check = (port: string, host = "127.0.0.1") =>
    neocrm(["healthcheck", "--port", port, "--host", host], { cwd: folder });

  test.each(["127.0.0.1", "0.0.0.0", "localhost"])("finds the server on %s", async (host) => {
    const server = await startTestServer("sqlite", { HOST: host });
    const { port } = new URL(server.url);
    expect(await check(port, host)).toEqual({ ...done, out: "ready" } as never);
    await server.stop();
    expect(await check(port, host)).toMatchObject({
      code: 1,
      err: expect.stringContaining("does not answer"),
    });
  });

  test("says when it is not ready", async () => {
    const server = await startTestServer("sqlite");
    rmSync(join(server.dataDir, "neocrm.db"));
    const ran = await check(new URL(server.url).port);
    expect(ran).toMatchObject({ code: 1, out: "", err: expect.stringContaining("answered 503") });
    await server.stop();
  });
});

describe("neocrm serve", () => {
  const quiet = () => startLogging({ level: "fatal", format: "json", write() {} });

  test("says when its port is taken, and leaves the data directory free", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const env = { DATA_DIR: join(folder, "taken"), HOST: "127.0.0.1", LOG_LEVEL: "error" };
    const ran = await neocrm(["serve", "--port", String(port)], { env, cwd: folder });
    quiet();
    expect(ran).toMatchObject({ code: 1, out: "", err: expect.stringContaining("The port is taken") });
    await new Promise((resolve) => other.close(resolve));
    expect(await neocrm(["user", "list"], { env, cwd: folder })).toMatchObject(done);
  });

  test("says what mends a database that cannot be read", async () => {
    const dataDir = join(folder, "damaged");
    const env = { DATA_DIR: dataDir, PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error" };
    const to = join(folder, "backups");
    await neocrm(["migrate", "up"], { env, cwd: folder });
    expect(await neocrm(["backup", "--to", to], { env, cwd: folder })).toMatchObject({ code: 0 });
    for (const end of ["-wal", "-shm"]) rmSync(join(dataDir, `neocrm.db${end}`), { force: true });
    writeFileSync(join(dataDir, "neocrm.db"), "no page of a database ".repeat(500));
    const ran = await neocrm(["serve"], { env, cwd: folder });
    quiet();
    expect(ran).toMatchObject({ code: 1, out: "", err: expect.stringContaining("neocrm restore") });
    const restored = await neocrm(["restore", "--from", to, "--replace"], { env, cwd: folder });
    expect(restored).toMatchObject({ code: 0 });
    expect(await neocrm(["user", "list"], { env, cwd: folder })).toMatchObject(done);
  });

  test("says who holds the data directory", async () => {
    const server = await startTestServer("sqlite");
    const env = { DATA_DIR: server.dataDir, PORT: "0", LOG_LEVEL: "error" };
    const ran = await neocrm(["serve"], { env, cwd: folder });
    quiet();
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining(`process ${process.pid}`) });
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    await server.stop();
  });

  test("runs until it is told to stop", async () => {
    const known = process.listeners("SIGTERM");
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    const env = { DATA_DIR: join(folder, "served"), HOST: "127.0.0.1", PORT: `${port}`, LOG_LEVEL: "error" };
    const serving = neocrm(["serve"], { env, cwd: folder });
    while ((await neocrm(["healthcheck"], { env, cwd: folder })).code !== 0) await Bun.sleep(5);
    process.emit("SIGTERM", "SIGTERM");
    expect(await serving).toEqual({ ...done, out: "" } as never);
    quiet();
    // It waits for a second signal, which would end this process.
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      for (const listener of process.listeners(signal)) {
        if (!known.includes(listener as never)) process.off(signal, listener as never);
      }
    }
    expect((await neocrm(["healthcheck"], { env, cwd: folder })).code).toBe(1);
  });
});
