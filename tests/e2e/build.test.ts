import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import PostalMime from "postal-mime";
import packageJson from "../../package.json";
import { promtool } from "../support/metrics";
import { runBinary, startBinary, type RunningBinary } from "../support/binary";

setDefaultTimeout(60_000);

const folders: string[] = [];
const servers: RunningBinary[] = [];

function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-e2e-"));
  folders.push(folder);
  return folder;
}

async function start(...args: Parameters<typeof startBinary>) {
  const server = await startBinary(...args);
  servers.push(server);
  return server;
}

// The first run may have to build.
beforeAll(async () => void (await runBinary(["version"])), 60_000);
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe("the command line", () => {
  test("version prints the version alone", async () => {
    const ran = await Promise.all([["version"], ["--version"], ["-v"]].map((args) => runBinary(args)));
    for (const each of ran) expect(each).toEqual({ code: 0, out: `${packageJson.version}\n`, err: "" });
  });

  test("--help names every command and writes nothing", async () => {
    const cwd = newFolder();
    const { code, out, err } = await runBinary(["--help"], { cwd });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const commands = ["serve", "migrate", "user", "config", "doctor", "healthcheck", "version"];
    const helps = await Promise.all(commands.map((command) => runBinary([command, "--help"], { cwd })));
    for (const [i, command] of commands.entries()) {
      expect(out).toContain(`  ${command} `);
      expect(helps[i]!.out).toContain(`neocrm ${command}`);
    }
    expect(readdirSync(cwd)).toEqual([]);
  });

  test.each<{ args: string[]; says: string }>([
    { args: [], says: "Usage: neocrm <command>" },
    { args: ["sevre"], says: 'There is no command "sevre".' },
    { args: ["serve", "--prot", "1"], says: "--prot" },
    { args: ["version", "--port", "1"], says: "--port" },
    { args: ["migrate", "sideways"], says: "status, up or down" },
    { args: ["user", "create", "--name", "Lan"], says: "--email is missing." },
  ])("wrong usage exits 2: $args", async ({ args, says }) => {
    const { code, out, err } = await runBinary(args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(says);
  });

  test("a setting out of range exits 3, naming variable and range", async () => {
    const ports = ["65536", "-1", "http"];
    const runs = ports.map((PORT) => runBinary(["serve"], { env: { PORT } }));
    for (const { code, out, err } of await Promise.all(runs)) {
      expect({ code, out }).toEqual({ code: 3, out: "" });
      expect(err).toContain("PORT");
      expect(err).toContain("an integer from 0 to 65535");
    }
  });

  test("config print: production by default, secrets masked", async () => {
    const env = {
      JWT_SECRET: "not-for-the-eyes-of-anybody-at-all",
      DATABASE_URL: "postgres://u:hidden@db/crm",
    };
    const { code, out } = await runBinary(["config", "print"], { env });
    expect(code).toBe(0);
    expect(out).toContain("# profile: production");
    expect(out).toContain('jwt_secret = "***"  # JWT_SECRET');
    expect(out).not.toContain("eyes");
    expect(out).not.toContain("hidden");
  });

  test("what lies in the working directory is not run or read", async () => {
    const cwd = newFolder();
    writeFileSync(join(cwd, ".env"), "PORT=1234\nNEOCRM_PROFILE=development\n");
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
    writeFileSync(join(cwd, "preload.ts"), 'await Bun.write("preloaded", "");');
    writeFileSync(join(cwd, "package.json"), "not even JSON");
    writeFileSync(join(cwd, "tsconfig.json"), "not even JSON");
    const { code, out } = await runBinary(["config", "print"], { cwd });
    expect(code).toBe(0);
    expect(out).toContain("# profile: production");
    expect(out).toContain("port = 3000  # default");
    expect(existsSync(join(cwd, "preloaded"))).toBe(false);
  });
});

describe("migrate", () => {
  const migrate = (dataDir: string, ...args: string[]) =>
    runBinary(["migrate", ...args, "--data-dir", dataDir]);

  test("goes up, down, and up again, with a snapshot before it changes data", async () => {
    const dataDir = join(newFolder(), "data");
    expect((await migrate(dataDir, "up")).out).toContain("applied  0000_init");
    expect((await migrate(dataDir, "up")).out).toBe("The database is up to date.\n");
    const tags = (await migrate(dataDir, "status")).out.match(/^applied/gm) ?? [];
    expect(tags.length).toBeGreaterThan(0);

    const { code, out } = await migrate(dataDir, "down");
    expect(code).toBe(0);
    const snapshot = /^snapshot (.+)$/m.exec(out)?.[1];
    expect(statSync(snapshot!).size).toBeGreaterThan(0);
    const reverted = /^reverted (.+)$/m.exec(out)?.[1];
    expect((await migrate(dataDir, "status")).out).toContain(`pending  ${reverted}`);
    expect((await migrate(dataDir, "up")).out).toContain(`applied  ${reverted}`);
  });

  test("status of what does not exist yet lists what is pending", async () => {
    const dataDir = join(newFolder(), "data");
    const { code, out } = await migrate(dataDir, "status");
    expect(code).toBe(0);
    expect(out).toContain("pending  0000_init");
    expect(existsSync(dataDir)).toBe(false);
  });

  test("down is refused while a server runs", async () => {
    const { dataDir, pid } = await start();
    const { code, err } = await migrate(dataDir, "down");
    expect(code).toBe(1);
    expect(err).toContain(`is in use by another neocrm (process ${pid})`);
  });
});

const password = "correct horse battery staple";
const email = "lan@example.com";
const create = ["user", "create", "--email", email, "--name", "Lan", "--password-stdin"];
const promote = ["user", "role", "--email", email, "--role", "manager"];
const replace = ["user", "password", "--email", email, "--password-stdin"];

const logIn = (url: string, secret: string) =>
  fetch(`${url}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password: secret }),
  });

async function tokenOf(url: string, secret: string) {
  const { access_token } = (await (await logIn(url, secret)).json()) as { access_token: string };
  return { authorization: `Bearer ${access_token}` };
}

describe("user", () => {
  test("looks after accounts while no server runs", async () => {
    const dataDir = join(newFolder(), "data");
    const user = (args: string[], stdin?: string) => runBinary([...args, "--data-dir", dataDir], { stdin });

    const created = await user(create, `${password}\n`);
    expect(created).toMatchObject({ code: 0, err: "" });
    expect(created.out).toStartWith(`created ${email} (user, `);
    expect(await user(create, `${password}\n`)).toMatchObject({ code: 1, out: "" });
    const tooShort = ["user", "create", "--email", "x@example.com", "--name", "X", "--password-stdin"];
    expect(await user(tooShort, "short")).toMatchObject({ code: 1, out: "" });

    expect((await user(promote)).code).toBe(0);
    expect((await user(replace, "another good phrase")).code).toBe(0);
    expect((await user(["user", "role", "--email", "nobody@example.com", "--role", "user"])).code).toBe(1);
    expect((await user(["user", "list"])).out).toContain(email);
    const listed = await user(["user", "list", "--json"]);
    expect(JSON.parse(listed.out)).toMatchObject([{ email, role: "manager", full_name: "Lan" }]);
    expect(listed.out).not.toContain("argon2");

    const { url } = await start({ dataDir });
    expect((await logIn(url, password)).status).toBe(401);
    expect((await logIn(url, "another good phrase")).status).toBe(200);
  });

  test("looks after accounts while a server runs, which knows at once", async () => {
    const { dataDir, url } = await start();
    const user = (args: string[], stdin?: string) => runBinary([...args, "--data-dir", dataDir], { stdin });
    const me = async (headers: Record<string, string>) => {
      const answer = await fetch(`${url}/api/users/me`, { headers });
      return { status: answer.status, ...((await answer.json()) as { role?: string }) };
    };

    expect((await user(create, password)).code).toBe(0);
    const headers = await tokenOf(url, password);
    expect(await me(headers)).toMatchObject({ status: 200, role: "user" });

    expect((await user(promote)).code).toBe(0);
    expect(await me(headers)).toMatchObject({ status: 401 });
    const again = await tokenOf(url, password);
    expect(await me(again)).toMatchObject({ status: 200, role: "manager" });

    expect((await user(replace, "another good phrase")).code).toBe(0);
    expect(await me(again)).toMatchObject({ status: 401 });
    expect((await logIn(url, password)).status).toBe(401);
    expect(JSON.parse((await user(["user", "list", "--json"])).out)).toMatchObject([
      { email, role: "manager" },
    ]);
  });
});

describe("serve", () => {
  test("serves those who signed in, also what it reads in its worker", async () => {
    const { dataDir, url, log } = await start();
    await runBinary([...create, "--data-dir", dataDir], { stdin: password });
    const headers = { ...(await tokenOf(url, password)), "content-type": "application/json" };
    const body = JSON.stringify({ name: "Ánh Dương", company: "Sao Mai" });
    expect((await fetch(`${url}/api/clients`, { method: "POST", headers, body })).status).toBe(201);
    const list = await fetch(`${url}/api/clients?count=exact&filter[company][contains]=mai`, { headers });
    expect(list.status).toBe(200);
    expect(await list.json()).toMatchObject({ data: [{ name: "Ánh Dương" }] });
    expect(log()).not.toContain('"level":"error"');
  });

  test("writes mail that can be read", async () => {
    const { dataDir, url } = await start();
    await runBinary([...create, "--data-dir", dataDir], { stdin: password });
    const answer = await fetch(`${url}/api/auth/password/forgot`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email }),
    });
    expect(answer.status).toBe(204);
    const outbox = join(dataDir, "outbox");
    const files = () =>
      existsSync(outbox) ? readdirSync(outbox).filter((name) => name.endsWith(".eml")) : [];
    while (files().length === 0) await Bun.sleep(10);
    const mail = await PostalMime.parse(readFileSync(join(outbox, files()[0]!)));
    expect(mail.to).toMatchObject([{ address: email }]);
    expect(mail.text).toContain(`${url}/reset-password?token=`);
  });

  test("keeps its data to itself", async () => {
    const { dataDir } = await start();
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    for (const entry of readdirSync(dataDir, { recursive: true, encoding: "utf8" })) {
      const stat = statSync(join(dataDir, entry));
      expect([entry, stat.mode & 0o777]).toEqual([entry, stat.isDirectory() ? 0o700 : 0o600]);
    }
    expect(readdirSync(dataDir)).toContain("neocrm.db");
  });

  test("a second one on the same data says who holds it", async () => {
    const { dataDir, pid } = await start();
    const { code, err } = await runBinary(["serve", "--port", "0", "--data-dir", dataDir]);
    expect(code).toBe(1);
    expect(err).toContain(`${dataDir} is in use by another neocrm (process ${pid})`);
  });

  test("a second one on the same port says that it is taken", async () => {
    const { url } = await start();
    const { code, err } = await runBinary(["serve", "--host", "127.0.0.1", "--port", new URL(url).port]);
    expect(code).toBe(1);
    expect(err).toContain("The port is taken");
  });

  test("starts again on what a crash left behind", async () => {
    const dataDir = join(newFolder(), "data");
    const first = await start({ dataDir });
    await runBinary([...create, "--data-dir", dataDir], { stdin: password });
    await first.kill();
    const { url } = await start({ dataDir });
    expect((await logIn(url, password)).status).toBe(200);
  });

  test("SIGTERM lets a running request finish, then exits 0", async () => {
    const server = await start();
    const request = await halfARequest(server.url);
    const stopped = server.stop();
    await refusal(server.url);
    expect(await request.finish()).toStartWith("HTTP/1.1 401 ");
    expect(await stopped).toBe(0);
    expect(server.log()).toContain('"message":"Stopped"');
  });

  test("a Ctrl-C that comes twice, once by the terminal and once by npm, is one", async () => {
    const server = await start();
    const request = await halfARequest(server.url);
    server.process.kill("SIGINT");
    await Bun.sleep(5);
    server.process.kill("SIGINT");
    await refusal(server.url);
    expect(await request.finish()).toStartWith("HTTP/1.1 401 ");
    expect(await server.process.exited).toBe(0);
    expect(server.log()).toContain('"message":"Stopped"');
  });
});

describe("healthcheck", () => {
  test("0 when the server is ready, 1 when nothing answers", async () => {
    const server = await start();
    const check = () => runBinary(["healthcheck"], { env: { PORT: new URL(server.url).port } });
    expect(await check()).toEqual({ code: 0, out: "ready\n", err: "" });
    await server.stop();
    expect(await check()).toMatchObject({ code: 1, out: "" });
  });
});

describe("looking after it", () => {
  test("the doctor finds what is wrong with it, and the metrics count", async () => {
    const token = "what-prometheus-sends";
    const server = await start({ env: { METRICS_TOKEN: token } });
    const env = { DATA_DIR: server.dataDir, PORT: new URL(server.url).port, HOST: "127.0.0.1" };
    expect(await runBinary(["doctor"], { env })).toMatchObject({
      code: 0,
      out: expect.stringMatching(/All is well\.\n$/),
      err: "",
    });
    const ran = await runBinary(["doctor", "--json"], { env: { ...env, JWT_SECRET: "changeme".repeat(4) } });
    expect(ran).toMatchObject({ code: 1, err: "" });
    expect(JSON.parse(ran.out)).toMatchObject({ failures: 1, warnings: 0 });
    const scraped = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    expect(await promtool(await scraped.text())).toBe("");
  });
});

/** Sends a login without the end of its body, which `finish` sends before it gives the whole answer. */
async function halfARequest(url: string) {
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ email: "nobody@example.com", password });
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once("connect", resolve));
  const head = [
    "POST /api/auth/login HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Expect: 100-continue",
    "Connection: close",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  // So that the request is running, and not merely on its way.
  await new Promise((resolve) => socket.once("data", resolve));
  socket.write(body.slice(0, 10));
  return {
    finish() {
      socket.write(body.slice(10));
      return textOf(socket);
    },
  };
}

async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Waits until nobody is let in any more. */
async function refusal(url: string) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answer = await fetch(`${url}/health/live`, { keepalive: false }).catch(() => undefined);
    if (!answer) return;
    await Bun.sleep(10);
  }
  throw new Error("The server still takes requests.");
}
