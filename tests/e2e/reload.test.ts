/** SIGHUP: what a running server takes over, what it says needs a restart, and what it refuses. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runBinary, startBinary, type RunningBinary } from "../support/binary";
import { until } from "../support/realtime";
import { startMailServer } from "../support/smtp";

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "neocrm-reload-"));
let server: RunningBinary | undefined;

// The first run may have to build.
beforeAll(async () => void (await runBinary(["version"])), 60_000);
afterEach(async () => void (await server?.stop()));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string) => join(folder, name);
const write = (name: string, text: string) => (writeFileSync(file(name), text, { mode: 0o600 }), file(name));

const [email, password] = ["boss@example.com", "a long enough phrase"];
const admin = { NEOCRM_ADMIN_EMAIL: email, NEOCRM_ADMIN_PASSWORD: password };

async function start(env: Record<string, string>, config?: string) {
  server = await startBinary({ env: { ...admin, ...env }, args: config ? ["--config", config] : [] });
  return server;
}

interface Line {
  level: string;
  message: string;
  changed?: string[];
  settings?: string[];
  problems?: string[];
}

const lines = (text: string) =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ message }) => message !== "request");

const read = "The configuration was read anew";
const refused = "The configuration cannot be used; the one before goes on";
const restart = "Some settings count after a restart only";

/** Sends SIGHUP and gives what the log says of it. */
async function hangUp({ process, log }: RunningBinary, text = log): Promise<Line[]> {
  const isAnswer = ({ message }: Line) => message === read || message === refused;
  const before = lines(text()).length;
  process.kill("SIGHUP");
  await until(() => lines(text()).slice(before).some(isAnswer));
  await Bun.sleep(300);
  return lines(text()).slice(before);
}

async function signIn(url: string) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/api/auth/login`, {
    method: "POST",
    headers,
    body: JSON.stringify({ email, password }),
  });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { access_token: string }).access_token;
}

const statusOf = async (url: string, token: string) =>
  (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;

test("takes over what it can, says what waits for a restart, and what an admin stored stays over it", async () => {
  const config = write("own.toml", "[limits]\nuser_per_minute = 500\n[log]\nlevel = 'info'\n");
  const running = await start({}, config);
  const { url, log } = running;
  const token = await signIn(url);
  const setting = async (key: string) => {
    const answer = await fetch(`${url}/api/admin/settings`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { data } = (await answer.json()) as { data: { key: string; value: unknown; source: string }[] };
    return data.find((each) => each.key === key)!;
  };
  await fetch(`${url}/api/admin/settings/files.max_count`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "if-match": "*" },
    body: JSON.stringify({ value: 9 }),
  });
  write(
    "own.toml",
    "[limits]\nuser_per_minute = 700\n[files]\nmax_count = 5\n[server]\nbody_limit = '2MiB'\n[log]\nlevels.http = 'error'\n",
  );
  const said = await hangUp(running);
  expect(said).toMatchObject([
    { message: read, changed: ["files.max_count", "limits.user_per_minute", "log.levels.http"] },
    { level: "warn", message: restart, settings: ["server.body_limit"] },
  ]);
  expect(await setting("limits.user_per_minute")).toMatchObject({ value: 700, source: "file" });
  expect(await setting("files.max_count")).toMatchObject({ value: 9, source: "stored" });
  // Requests are not in the log any more, whereas everything else is.
  await Bun.sleep(300);
  expect(log()).not.toContain('"method":"GET","path":"/api/admin/settings"');
  expect(await hangUp(running)).toMatchObject([
    { message: read, changed: [] },
    { message: restart, settings: ["server.body_limit"] },
  ]);
});

test("a file that is wrong changes nothing, and the log says what is wrong", async () => {
  const config = write("wrong.toml", "[limits]\nip_per_minute = 3\n");
  const running = await start({}, config);
  write("wrong.toml", "[limits]\nip_per_minute = 0\nuser_per_minute = -1\n[log]\nlevels.htp = 'warn'\n");
  expect(await hangUp(running)).toMatchObject([
    {
      level: "error",
      message: refused,
      problems: [
        `${config}: limits.user_per_minute = -1: expected an integer from 0 to 1000000`,
        `${config}: unknown key log.levels.htp (did you mean log.levels.http?)`,
      ],
    },
  ]);
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await fetch(`${running.url}/api`)).status);
  expect(statuses.at(-1)).toBe(429);
  rmSync(config);
  expect((await hangUp(running)).at(-1)).toMatchObject({
    message: refused,
    problems: [`${config}: cannot be read (ENOENT)`],
  });
  write("wrong.toml", "");
  expect((await hangUp(running)).at(-1)).toMatchObject({ message: read, changed: ["limits.ip_per_minute"] });
  expect((await fetch(`${running.url}/api`)).status).toBe(200);
});

test("secrets in files: tokens of the key before stay good beside it, and end without it", async () => {
  const [first, second] = ["first".repeat(10), "second".repeat(10)];
  const running = await start({
    JWT_SECRET_FILE: write("jwt", first),
    JWT_SECRET_PREVIOUS_FILE: write("jwt-previous", "x".repeat(40)),
    METRICS_TOKEN_FILE: write("metrics", "the-first-metrics-token"),
  });
  const me = `${running.url}/api/users/me`;
  const metrics = `${running.url}/metrics`;
  const token = await signIn(running.url);
  expect(await statusOf(metrics, "the-first-metrics-token")).toBe(200);

  write("jwt", second);
  write("jwt-previous", first);
  write("metrics", "the-second-metrics-token");
  const said = await hangUp(running);
  expect(said).toMatchObject([
    { message: read, changed: ["auth.jwt_secret", "auth.jwt_secret_previous", "metrics.token"] },
  ]);
  expect(JSON.stringify(said)).not.toMatch(/firstfirst|secondsecond|metrics-token/);
  expect(await statusOf(me, token)).toBe(200);
  const newer = await signIn(running.url);
  expect(await statusOf(me, newer)).toBe(200);
  expect(await statusOf(metrics, "the-first-metrics-token")).toBe(401);
  expect(await statusOf(metrics, "the-second-metrics-token")).toBe(200);

  write("jwt-previous", "y".repeat(40));
  await hangUp(running);
  expect(await statusOf(me, token)).toBe(401);
  expect(await statusOf(me, newer)).toBe(200);
});

test("the proxies that are believed, and what plain HTTP gets", async () => {
  const config = write("proxy.toml", "[server]\n");
  const running = await start({}, config);
  const ask = (path: string, headers = {}) =>
    fetch(running.url + path, { headers, redirect: "manual" }).then(({ status }) => status);
  expect(await ask("/api")).toBe(200);
  write("proxy.toml", "[server]\nhttps = 'redirect'\ntrusted_proxies = ['127.0.0.1']\n");
  await hangUp(running);
  expect(await ask("/api")).toBe(308);
  expect(await ask("/api", { "x-forwarded-proto": "https" })).toBe(200);
  expect(await ask("/health/live")).toBe(200);
});

test("mails go to another server from then on", async () => {
  const [before, after] = [await startMailServer(), await startMailServer()];
  const urlOf = ({ port }: { port: number }) => `smtp://127.0.0.1:${port}`;
  const running = await start({ SMTP_URL_FILE: write("smtp", urlOf(before)), NEOCRM_MAIL_TLS: "none" });
  const forgot = () =>
    fetch(`${running.url}/api/auth/password/forgot`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email }),
    });
  await forgot();
  await until(() => before.taken.length > 0);
  const mailed = before.taken.length;
  write("smtp", urlOf(after));
  await hangUp(running);
  await forgot();
  await until(() => after.taken.length > 0);
  expect(before.taken.length).toBe(mailed);
  for (const each of [before, after]) await each.close();
});

test("the log goes into a file, put aside by its size, and opened anew after another program moved it", async () => {
  const path = file("neocrm.log");
  const config = write("log.toml", `[log]\nfile = '${path}'\n`);
  // Where it answers is in the file now: the port has to be known.
  const port = String(20_000 + (process.pid % 20_000));
  const child = Bun.spawn(
    ["sh", "-c", 'exec "$@"', "sh", ...(await serveCommand(["--port", port, "--config", config]))],
    { cwd: folder, env: { PATH: process.env["PATH"]!, HOST: "127.0.0.1" }, stdout: "pipe", stderr: "pipe" },
  );
  const url = `http://127.0.0.1:${port}`;
  const text = () => (existsSync(path) ? readFileSync(path, "utf8") : "");
  const signal = () => hangUp({ process: child } as unknown as RunningBinary, text);
  try {
    await until(async () => (await fetch(`${url}/api`).catch(() => undefined)) !== undefined);
    await until(() => text().includes('"path":"/api"'));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    renameSync(path, `${path}.moved`);
    child.kill("SIGHUP");
    await until(() => text().includes(read));
    expect(readFileSync(`${path}.moved`, "utf8")).toContain('"path":"/api"');
    await fetch(`${url}/api/openapi`);
    await until(() => text().includes("/api/openapi"));

    write("log.toml", `[log]\nfile = '${folder}/nowhere/neocrm.log'\n`);
    expect((await signal()).at(-1)).toMatchObject({ message: refused });
    expect(text()).toContain("cannot be written (ENOENT)");

    write("log.toml", `[log]\nfile = '${path}'\nrotate_size = 2000\nkeep = 3\n`);
    await signal();
    for (let i = 0; i < 40; i++) await fetch(`${url}/api?number=${i}`);
    await until(() => existsSync(`${path}.1`));
  } finally {
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  }
  expect(await new Response(child.stdout).text()).toBe("");
});

async function serveCommand(args: string[]) {
  const { binary } = await import("../support/binary");
  return [await binary(), "serve", "--data-dir", file("data"), ...args];
}
