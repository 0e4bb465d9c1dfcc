/**
 * The whole test suite, from a fresh clone on:
 *
 *   bun run verify                  or, with Node only,    npx -y bun@1.4.5 run verify
 *
 * Every step runs even when one before it failed, so that one run shows everything. The last line is
 * `N passed, N failed`: each test counts, and so does each other step.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dir, "..");
const bun = process.execPath;
const lcovFile = join(root, "coverage/lcov.info");

/** How many tests a step passed and failed; a step that is no test run is one test. */
interface Score {
  passed: number;
  failed: number;
}

const score = (isOk: boolean): Score => ({ passed: isOk ? 1 : 0, failed: isOk ? 0 : 1 });

interface Step {
  name: string;
  run(): Promise<Score>;
  /** Without it the others cannot run. */
  isNeeded?: boolean;
}

const steps: Step[] = [
  { name: "dependencies", run: () => bunStep("install", "--frozen-lockfile"), isNeeded: true },
  { name: "system packages", run: systemPackages },
  { name: "format", run: () => bunStep("fmt", "--check") },
  { name: "types", run: () => bunStep("check") },
  { name: "lint", run: () => bunStep("--bun", "run", "lint") },
  { name: "build", run: () => bunStep("scripts/build.ts") },
  { name: "tests", run: tests },
  { name: "coverage", run: () => bunStep("scripts/coverage.ts", lcovFile) },
];

/** What a command is run with: colours would be in the way of whoever reads a log. */
const env = {
  ...process.env,
  NO_COLOR: "1",
  FORCE_COLOR: undefined,
  PATH: [dirname(bun), process.env.PATH].join(delimiter),
};

async function run(command: string[]): Promise<boolean> {
  try {
    const child = Bun.spawn(command, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
    return (await child.exited) === 0;
  } catch (error) {
    console.log(`${command[0]}: ${(error as Error).message}`);
    return false;
  }
}

const bunStep = async (...args: string[]): Promise<Score> => score(await run([bun, ...args]));

/** Programs that tests start, with the Debian package of each. */
const programs = [
  { program: "PostgreSQL's initdb and pg_ctl", package: "postgresql", isThere: hasPostgres },
  { program: "strace", package: "strace", isThere: () => Bun.which("strace") !== null },
  { program: "Chromium", package: "chromium", isThere: hasChromium },
  { program: "promtool", package: "prometheus", isThere: () => Bun.which("promtool") !== null },
  { program: "buildah", package: "buildah", isThere: () => Bun.which("buildah") !== null },
  { program: "nginx", package: "nginx", isThere: () => existsSync("/usr/sbin/nginx") },
  { program: "Caddy", package: "caddy", isThere: () => Bun.which("caddy") !== null },
  { program: "systemd-analyze", package: "systemd", isThere: () => Bun.which("systemd-analyze") !== null },
  { program: "logrotate", package: "logrotate", isThere: () => existsSync("/usr/sbin/logrotate") },
];

function hasPostgres(): boolean {
  const debian = "/usr/lib/postgresql";
  const folders = existsSync(debian)
    ? readdirSync(debian).map((version) => join(debian, version, "bin"))
    : [];
  return Bun.which("postgres") !== null || folders.some((folder) => existsSync(join(folder, "initdb")));
}

/** The system's, or the one that `playwright-core install chromium` brings. */
function hasChromium(): boolean {
  return Bun.which("chromium") !== null || existsSync(join(homedir(), ".cache/ms-playwright"));
}

const missingPrograms = () => programs.filter(({ isThere }) => !isThere());

async function systemPackages(): Promise<Score> {
  if (missingPrograms().length === 0) return score(true);
  if (process.getuid?.() === 0 && Bun.which("apt-get")) await installWithApt();
  const missing = missingPrograms();
  for (const { program, package: name } of missing) {
    console.log(`The tests need ${program}. On Debian and Ubuntu: sudo apt-get install ${name}`);
  }
  return score(missing.length === 0);
}

async function installWithApt() {
  const names = missingPrograms().map(({ package: name }) => name);
  console.log(`Installing ${names.join(", ")}`);
  const apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet=2"];
  await run([...apt, "update"]);
  await run([...apt, "install", "--yes", "--no-install-recommends", ...names]);
}

/** Runs every test with coverage; passing ones stay silent. */
async function tests(): Promise<Score> {
  rmSync(lcovFile, { force: true });
  const options = [
    // A slow or busy machine is no failure; what hangs still ends.
    "--timeout=60000",
    "--parallel",
    "--no-isolate",
    "--only-failures",
    "--coverage",
    "--coverage-reporter=lcov",
    "--coverage-dir=coverage",
  ];
  const child = Bun.spawn([bun, "test", ...options], {
    ...{ cwd: root, env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [, text] = await Promise.all([show(child.stdout), show(child.stderr)]);
  const isOk = (await child.exited) === 0;
  const [passed, failed] = [countOf(text, "pass"), countOf(text, "fail")];
  // A crash, an error outside of a test, or nothing to run: whatever it was, it is no success.
  const isExplained = failed > 0 || (isOk && passed > 0);
  if (!isExplained) console.log("The test run failed outside of its tests.");
  return { passed, failed: failed + (isExplained ? 0 : 1) };
}

/** Passes a stream on and gives its text. */
async function show(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    process.stdout.write(bytes);
    text += decoder.decode(bytes, { stream: true });
  }
  return text;
}

/** A number of Bun's summary, which ends its output: ` 12 pass`. */
function countOf(text: string, what: "pass" | "fail"): number {
  const lines = text.split("\n").map((line) => new RegExp(`^\\s*(\\d+) ${what}$`).exec(line)?.[1]);
  return Number(lines.findLast((count) => count !== undefined) ?? 0);
}

async function check(): Promise<Score> {
  const total = { passed: 0, failed: 0 };
  const failed: string[] = [];
  for (const step of steps) {
    console.log(`\n=== ${step.name}`);
    const start = performance.now();
    const result = await step.run();
    total.passed += result.passed;
    total.failed += result.failed;
    const isOk = result.failed === 0;
    console.log(
      `${isOk ? "ok" : "FAILED"}: ${step.name} (${((performance.now() - start) / 1000).toFixed(1)} s)`,
    );
    if (!isOk) failed.push(step.name);
    if (!isOk && step.isNeeded) break;
  }
  console.log(failed.length > 0 ? `\nFailed: ${failed.join(", ")}` : "");
  return total;
}

const { passed, failed } = await check();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
