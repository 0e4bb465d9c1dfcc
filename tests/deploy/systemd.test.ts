import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { binary, startBinary } from "../support/binary";

setDefaultTimeout(60_000);

const given = readFileSync(resolve(import.meta.dir, "../../deploy/systemd/neocrm.service"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "neocrm-systemd-"));
const file = join(folder, "neocrm.service");
afterAll(() => rmSync(folder, { recursive: true }));

async function analyze(...args: string[]) {
  writeFileSync(file, given.replace("/usr/local/bin/neocrm", await binary()));
  const { stdout, stderr, exitCode } = Bun.spawnSync(["systemd-analyze", ...args]);
  return { exitCode, text: stdout.toString() + stderr.toString() };
}

test("the unit is one that systemd understands whole", async () => {
  expect(await analyze("verify", file)).toEqual({ exitCode: 0, text: "" });
});

test("the unit leaves little open", async () => {
  // Of 100; 20 is what systemd calls OK, and a unit without any hardening has 96.
  const { exitCode } = await analyze("security", "--offline=true", "--threshold=20", file);
  expect(exitCode).toBe(0);
  expect(given).not.toContain("MemoryDenyWriteExecute=");
});

test("the server calls the kernel for nothing that the unit forbids", async () => {
  const trace = join(folder, "trace");
  const server = await startBinary({ wrapper: ["strace", "-f", "-qq", "-o", trace] });
  const body = JSON.stringify({ email: "nobody@example.com", password: "a long enough phrase" });
  const headers = { "content-type": "application/json" };
  await fetch(`${server.url}/api/auth/login`, { method: "POST", headers, body });
  await (await fetch(`${server.url}/swagger`)).text();
  await server.stop();
  const lines = readFileSync(trace, "utf8").matchAll(/^\d+ +(?:<\.\.\. )?([a-z]\w*)(?:\(| resumed)/gm);
  const called = new Set([...lines].map(([, name]) => name!));
  expect(called.size).toBeGreaterThan(40);
  const [allowed, denied] = [...given.matchAll(/^SystemCallFilter=~?(@\S+)$/gm)].map(([, set]) =>
    callsOf(set!),
  );
  // SQLite gives the files that it makes as root the owner of the database; the unit runs another user.
  if (process.getuid!() === 0) called.delete("fchown");
  const forbidden = [...called].filter((name) => !allowed!.has(name) || denied!.has(name));
  expect(forbidden).toEqual([]);
});

/** What is in a set of systemd's, and in the sets in it. */
function callsOf(set: string): Set<string> {
  const { stdout } = Bun.spawnSync(["systemd-analyze", "syscall-filter", set]);
  const names = stdout
    .toString()
    .split("\n")
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  return new Set(names.flatMap((name) => (name.startsWith("@") ? [...callsOf(name)] : [name])));
}
