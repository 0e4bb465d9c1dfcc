import { afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { version as ours } from "../../package.json";
import { binary, runBinary } from "../support/binary";
import { asset, newMachine, otherVersion, type Machine } from "../support/installer";

setDefaultTimeout(120_000);

let machine: Machine;
let first: Uint8Array;
beforeAll(async () => void (first = await Bun.file(await binary()).bytes()));
beforeEach(async () => void (machine = await newMachine("dash")));
afterEach(() => machine.end());

const at = (path: string) => join(machine.root, path);
const mode = (path: string) => (statSync(at(path)).mode & 0o777).toString(8);
const ready = async () => (await fetch(`http://127.0.0.1:${machine.port}/health/ready`)).status;

test("installs the program, its unit and its data directory, and starts it; a second time it changes nothing", async () => {
  const url = machine.publish("1", first);
  const done = await machine.run(url);
  expect(done).toMatchObject({ code: 0, err: "" });
  expect(done.out).toContain(`Installed version ${ours} as ${at("usr/local/bin/neocrm")}.`);
  expect(await ready()).toBe(200);
  expect([mode("usr/local/bin/neocrm"), mode("var/lib/neocrm")]).toEqual(["755", "700"]);
  expect(mode("etc/systemd/system/neocrm.service")).toBe("644");
  // What an operator wrote stays.
  expect(readFileSync(at("etc/neocrm/neocrm.env"), "utf8")).toBe(`# of this machine\nPORT=${machine.port}\n`);

  const pid = readFileSync(at("run/neocrm.pid"), "utf8");
  const again = await machine.run();
  expect(again).toMatchObject({ code: 0, err: "" });
  expect(again.out).toContain(`Version ${ours} is installed already.`);
  expect(readFileSync(at("run/neocrm.pid"), "utf8")).toBe(pid);
  expect(await machine.run("--rollback")).toMatchObject({
    code: 1,
    err: "install.sh: There is no version to go back to.\n",
  });
});

test("updates, goes back to the version before, and forward again; what was written stays", async () => {
  await machine.run(machine.publish("1", first));
  await addAdmin();
  const update = await machine.run(machine.publish("2", await otherVersion("9.9.9")));
  expect(update).toMatchObject({ code: 0, err: "" });
  for (const expected of ["9.9.9", ours, "9.9.9"]) {
    expect(machine.version()).toBe(expected);
    expect(await ready()).toBe(200);
    expect(await admins()).toContain("ada@example.com");
    await machine.run("--rollback");
  }
});

test("an update that does not become healthy is taken back, with the database, and says why", async () => {
  await machine.run(machine.publish("1", first));
  await machine.run(machine.publish("2", await otherVersion("9.9.1")));
  await addAdmin();
  // It migrates, as a newer version would, and ends.
  const database = at("var/lib/neocrm/neocrm.db");
  const sql = (statement: string) =>
    `${process.execPath} -e 'new (require("bun:sqlite").Database)("${database}").run(\`${statement}\`)'`;
  const newer = await otherVersion(
    "9.9.2",
    `case "$1 $2" in
  "serve ") ${sql(`insert into _migrations (tag, applied_at) values ("9999_newer", 1)`)}; echo broken; exit 1 ;;
  "migrate down") exec ${sql(`delete from _migrations where tag = "9999_newer"`)} ;;
esac`,
  );
  const { code, out, err } = await machine.run(machine.publish("3", newer), "--wait", "3");
  expect(code).toBe(1);
  expect(out).toContain("The database is newer than version 9.9.1: reverting one migration.");
  expect(err).toContain("Version 9.9.2 does not become healthy");
  expect(err).toContain("The update was taken back: version 9.9.1 runs again.");
  expect([machine.version(), await ready()]).toEqual(["9.9.1", 200]);
  expect(await admins()).toContain("ada@example.com");
  // Back goes to what was before the last update that went well.
  expect((await machine.run("--rollback")).code).toBe(0);
  expect(machine.version()).toBe(ours);
});

test("an update that was cut off after the exchange is finished by the next run", async () => {
  await machine.run(machine.publish("1", first));
  const url = machine.publish("2", await otherVersion("9.9.3"));
  await machine.run(url);
  writeFileSync(at("usr/local/lib/neocrm/healthy.sha256"), "of the version before\n");
  expect((await machine.run()).out).toContain("Installed version 9.9.3");
  expect((await machine.run("--rollback")).code).toBe(0);
  expect(machine.version()).toBe(ours);
});

test("what is not what was released, or no whole release, is not installed", async () => {
  for (const [damage, says] of [
    [asset, `${asset} is not what was released: its SHA-256 is`],
    ["neocrm.service", "neocrm.service is not what was released"],
    ["SHA256SUMS", "SHA256SUMS has no line for neocrm.service"],
  ] as const) {
    const { code, err } = await machine.run(machine.publish("damaged", await otherVersion("1"), damage));
    expect([code, err]).toEqual([1, expect.stringContaining(says)]);
  }
  const foreign = await machine.run(machine.publish("foreign", "\u007fELF of another processor"));
  expect([foreign.code, foreign.err]).toEqual([1, expect.stringContaining(`${asset} does not run here`)]);
  const { code, err } = await machine.run(`${machine.url}/nowhere`);
  expect([code, err]).toEqual([1, expect.stringContaining("/nowhere/SHA256SUMS cannot be fetched.")]);
  expect(existsSync(at("usr")) || existsSync(at("var/lib")) || existsSync(at("etc/systemd"))).toBe(false);
});

test("what cannot be meant is refused with exit code 2", async () => {
  for (const [args, says] of [
    [[], "Say where the release is: sh install.sh URL."],
    [["--fast"], "There is no option --fast."],
    [["--wait", "long", "x"], 'needs a number of seconds, not "long".'],
    [["a", "b"], "One URL is enough."],
  ] as const) {
    const { code, err } = await machine.run(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(says)]);
  }
  expect((await machine.run("--help")).out).toContain("Exit codes:");
});

const user = (args: string[], stdin = "") =>
  runBinary(["user", ...args, "--data-dir", at("var/lib/neocrm")], { stdin });

async function addAdmin() {
  const options = ["--email", "ada@example.com", "--name", "Ada", "--role", "admin", "--password-stdin"];
  expect((await user(["create", ...options], "a long enough phrase")).code).toBe(0);
}

const admins = async () => (await user(["list"])).out;
