/** The install script, as an operator runs it, with a server of its own in a folder of its own. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { version } from "../../package.json";
import { binary } from "../support/binary";
import { freePort } from "../support/free-port";
import { buildNewer, newerVersion } from "../support/newer";
import { archive, publish } from "../support/published";

setDefaultTimeout(120_000);

const deploy = resolve(import.meta.dir, "../../deploy");
const folder = mkdtempSync(join(tmpdir(), "neocrm-install-"));
const root = join(folder, "root");
const at = (path: string) => join(root, path);
const newer = join(folder, "newer");

/** Starts and stops the server as an init system would: only once, with its settings, and it waits until it has ended. */
const service = join(folder, "service");
const serviceScript = `#!/bin/sh
cd "${folder}"
pid=$(cat pid 2>/dev/null)
running() { [ -n "$pid" ] && readlink "/proc/$pid/exe" >/dev/null; }
case $1 in
  is-active) running ;;
  stop) if running; then kill "$pid"; while running; do sleep 0.1; done; fi ;;
  restart) "$0" stop && "$0" start ;;
  start)
    running && exit 0
    set -a
    . "${root}/etc/neocrm/neocrm.env"
    HOST=127.0.0.1 DATA_DIR="${root}/var/lib/neocrm" "${root}/usr/local/bin/neocrm" serve >>log 2>&1 </dev/null &
    echo $! >pid ;;
esac
`;

/** A release that upgrades the database, and then does not serve. */
const broken = `#!/bin/sh
case $1 in
  version) echo 100.0.0 ;;
  serve) "${newer}" migrate up; exit 1 ;;
  *) exec "${newer}" "$@" ;;
esac
`;

const releases = Bun.serve({
  ...{ hostname: "127.0.0.1", port: 0 },
  async fetch(request) {
    const file = Bun.file(join(folder, "releases", new URL(request.url).pathname));
    return (await file.exists()) ? new Response(file) : new Response(null, { status: 404 });
  },
});
const urlOf = (name: string) => `http://127.0.0.1:${releases.port}/${name}`;

const unitOf = (release: string) =>
  `${readFileSync(join(deploy, "systemd/neocrm.service"), "utf8")}# ${release}\n`;

function release(name: string, program: Uint8Array<ArrayBuffer>): void {
  publish(join(folder, "releases", name), program, unitOf(name));
}

beforeAll(async () => {
  writeFileSync(service, serviceScript, { mode: 0o755 });
  mkdirSync(at("etc/neocrm"), { recursive: true });
  writeFileSync(at("etc/neocrm/neocrm.env"), `PORT="${await freePort()}"\n`);
  await buildNewer(newer);
  release("this", await Bun.file(await binary()).bytes());
  release("newer", await Bun.file(newer).bytes());
  release("broken", new TextEncoder().encode(broken));
});

afterAll(async () => {
  Bun.spawnSync([service, "stop"]);
  await releases.stop(true);
  rmSync(folder, { recursive: true });
});

/** Runs the script with the shell that is strictest about POSIX. */
async function install(...args: string[]) {
  const options = ["--root", root, "--service", service, "--wait", "30"];
  const child = Bun.spawn(["dash", join(deploy, "install.sh"), ...options, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH },
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

function neocrm(...args: string[]): string {
  const env = {
    DATA_DIR: at("var/lib/neocrm"),
    PORT: readFileSync(at("etc/neocrm/neocrm.env"), "utf8").match(/\d+/)![0],
  };
  const ran = Bun.spawnSync([at("usr/local/bin/neocrm"), ...args], {
    ...{ cwd: folder, env },
    stdin: new TextEncoder().encode("a long enough phrase\n"),
  });
  return ran.stdout.toString() + ran.stderr.toString();
}

const installed = () => neocrm("version").trim();
const people = () => neocrm("user", "list");
const addUser = (email: string) =>
  neocrm("user", "create", "--email", email, "--name", "Somebody", "--role", "admin", "--password-stdin");

test("what is asked wrongly gets a hint and exit code 2", async () => {
  for (const [args, hint] of [
    [["--colour"], "There is no option --colour."],
    [["a", "b"], "One URL is enough."],
    [[], "Say where the release is: sh install.sh URL."],
  ] as const) {
    const { code, err } = await install(...args);
    expect(err).toContain(hint);
    expect(code).toBe(2);
  }
  expect((await install("--help")).out).toContain("sh install.sh [URL] [options]");
});

test("a release that is not whole, or not as it was released, is not installed", async () => {
  const from = (name: string) => join(folder, "releases", name);
  mkdirSync(from("damaged"));
  for (const name of ["SHA256SUMS", "neocrm.service"])
    copyFileSync(join(from("this"), name), join(from("damaged"), name));
  expect(await install(urlOf("damaged"))).toMatchObject({
    code: 1,
    err: expect.stringContaining("cannot be fetched"),
  });
  writeFileSync(join(from("damaged"), archive), Bun.gzipSync("something else"));
  const { code, err } = await install(urlOf("damaged"));
  expect(err).toContain(`${archive} is not what was released`);
  expect(code).toBe(1);
  expect(existsSync(at("usr/local/bin/neocrm"))).toBe(false);
});

test("there is nothing to go back to before there was an update", async () => {
  expect(await install("--rollback")).toMatchObject({
    code: 1,
    err: expect.stringContaining("no version to go back to"),
  });
});

test("it installs, starts and stays as it is when it runs again", async () => {
  const first = await install(urlOf("this"));
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.out).toContain(`Installed ${version} as ${at("usr/local/bin/neocrm")}.`);
  expect(neocrm("healthcheck")).toBe("ready\n");
  expect(statSync(at("var/lib/neocrm")).mode & 0o777).toBe(0o700);
  expect(readFileSync(at("etc/systemd/system/neocrm.service"), "utf8")).toEndWith("# this\n");
  expect(addUser("ada@example.com")).toContain("ada@example.com");
  const pid = readFileSync(join(folder, "pid"), "utf8");
  expect(await install()).toMatchObject({ code: 0, out: expect.stringContaining("is installed already") });
  expect(readFileSync(join(folder, "pid"), "utf8")).toBe(pid);
});

test("an update that does not become healthy is taken back, with its data", async () => {
  const { code, err, out } = await install(urlOf("broken"), "--wait", "8");
  expect(err).toContain(`The update was taken back; ${version} is in place again.`);
  expect(out).toContain("undone   9999_later");
  expect(code).toBe(1);
  expect(installed()).toBe(version);
  expect(neocrm("healthcheck")).toBe("ready\n");
  expect(people()).toContain("ada@example.com");
  expect(readFileSync(at("etc/systemd/system/neocrm.service"), "utf8")).toEndWith("# this\n");
  expect(readFileSync(at("etc/neocrm/release-url"), "utf8")).toBe(`${urlOf("this")}\n`);
});

test("an update keeps the data and the previous version, which can be gone back to, and forward again", async () => {
  const updated = await install(urlOf("newer"));
  expect(updated).toMatchObject({ code: 0, err: "" });
  expect(installed()).toBe(newerVersion);
  expect(neocrm("healthcheck")).toBe("ready\n");
  expect(people()).toContain("ada@example.com");
  addUser("later@example.com");

  const back = await install("--rollback");
  expect(back).toMatchObject({ code: 0, err: "" });
  expect(installed()).toBe(version);
  expect(neocrm("healthcheck")).toBe("ready\n");
  expect(people()).toContain("ada@example.com");
  expect(people()).not.toContain("later@example.com");

  expect(await install()).toMatchObject({ code: 0, err: "" });
  expect(installed()).toBe(newerVersion);
  expect(people()).toContain("ada@example.com");
});

test("the files of a release may lie on the machine", async () => {
  const { code, out } = await install(`file://${join(folder, "releases/newer")}`);
  expect(out).toContain(`${newerVersion} is installed already.`);
  expect(code).toBe(0);
});
