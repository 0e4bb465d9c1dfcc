/** What is said to somebody who may not read the configuration: as nobody, whoever runs the tests. */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { unprivileged } from "../support/unprivileged";

const here = mkdtempSync(join(tmpdir(), "neocrm-unreadable-"));
chmodSync(here, 0o755);
const closedOnes: string[] = [];
afterAll(() => {
  for (const place of closedOnes) chmodSync(place, 0o700);
  rmSync(here, { recursive: true });
});

const src = resolve(import.meta.dir, "../../src");

/** Lays out a working directory, closes one place in it, and runs `neocrm config print` there. */
function printIn(name: string, closed: string, env: Record<string, string> = {}) {
  const cwd = join(here, name);
  mkdirSync(join(cwd, "config"), { recursive: true });
  writeFileSync(join(cwd, "config/config.production.toml"), "[server]\nport = 4002\n");
  // Whatever is masked here: a server that was started masks all that others may do.
  for (const path of [".", "config", "config/config.production.toml"]) chmodSync(join(cwd, path), 0o755);
  chmodSync(join(cwd, closed), 0);
  closedOnes.push(join(cwd, closed));
  const context = `{ env: ${JSON.stringify({ NEOCRM_PROFILE: "production", ...env })}, cwd: ${JSON.stringify(cwd)}, terminal: { out() {}, err: (text) => said.push(text) } }`;
  const said = unprivileged(
    `import { runCli } from "${src}/cli/index"; import { userInfo } from "node:os";`,
    `const said = [];
     const code = await runCli(["config", "print"], ${context});
     console.log(JSON.stringify({ code, said: said.join("\\n").replaceAll(userInfo().username, "WHO") }));`,
  );
  return { cwd, ...(JSON.parse(said) as { code: number; said: string }) };
}

const elsewhere = "Or start in another directory (cd /): only the config/ of the current one counts.";
const mendedBy = (right: string, place: string) =>
  `Its owner can let them: chgrp to a group of theirs, and chmod g+${right} ${place}.`;

test.each([
  ["a folder config/ that is closed", "config", "look into", "x"],
  ["a file in it that is closed", "config/config.production.toml", "read", "r"],
  ["a working directory that is closed", ".", "look into", "x"],
])("%s is named, with what mends it", (name, closed, what, right) => {
  const { cwd, code, said } = printIn(name.replaceAll(/\W/g, "-"), closed);
  const place = resolve(cwd, closed);
  expect(said).toBe(
    `The configuration cannot be used:\n  ${cwd}/config/config.production.toml: cannot be read (EACCES): ` +
      `the user WHO may not ${what} ${place}. ${mendedBy(right, place)} ${elsewhere}`,
  );
  expect(code).toBe(3);
});

test("a secret's file that is closed is named, too, and not what is not counted", () => {
  const place = join(here, "secret");
  writeFileSync(place, "never shown");
  chmodSync(place, 0);
  const { code, said } = printIn("secrets", "../secret", { JWT_SECRET_FILE: place });
  expect(said).toBe(
    `The configuration cannot be used:\n  environment variable JWT_SECRET_FILE: auth.jwt_secret: ${place}: ` +
      `cannot be read (EACCES): the user WHO may not read ${place}. ${mendedBy("r", place)}`,
  );
  expect(code).toBe(3);
});
