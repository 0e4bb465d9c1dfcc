/** A release as it is published, and what publishes it. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { version } from "../../package.json";
import { architectures, type Architecture } from "../../scripts/processor";
import { makeRelease } from "../../scripts/release";

setDefaultTimeout(120_000);

const root = resolve(import.meta.dir, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

test("a release has its checksums, and installs itself", async () => {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-release-"));
  try {
    const release = join(folder, "release");
    await makeRelease(release, [process.arch as Architecture], 1);
    const archive = `neocrm-linux-${process.arch}.gz`;
    const files = ["SHA256SUMS", "install.sh", "neocrm-deploy.tar.gz", "neocrm.cdx.json", "neocrm.service"];
    expect(readdirSync(release).toSorted()).toEqual([...files, archive].toSorted());
    const run = (...command: string[]) => {
      const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: release });
      return { exitCode, text: stdout.toString() + stderr.toString() };
    };
    expect(run("sha256sum", "--check", "--strict", "SHA256SUMS").exitCode).toBe(0);
    const installed = run("sh", "install.sh", `file://${release}`, "--root", join(folder, "root"));
    expect(installed.text).toContain(`Installed ${version}`);
    expect(run(join(folder, "root/usr/local/bin/neocrm"), "version").text).toBe(`${version}\n`);
    expect(run("tar", "-xzf", "neocrm-deploy.tar.gz").exitCode).toBe(0);
    for (const file of ["caddy/Caddyfile", "nginx/neocrm.conf", "prometheus/alerts.yml"])
      expect(readFileSync(join(release, "deploy", file), "utf8")).toBe(read(`deploy/${file}`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

interface Workflow {
  jobs: Record<string, { permissions?: object; steps: { uses?: string; run?: string }[] }>;
}

test.each(["ci", "release"])("the workflow %s runs what it was written with", (name) => {
  const text = read(`.github/workflows/${name}.yml`);
  const { jobs } = Bun.YAML.parse(text) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  for (const { uses } of steps) if (uses) expect(uses).toMatch(/@[0-9a-f]{40}$/);
  for (const [script] of text.matchAll(/\b(?:scripts|deploy|release)\/[\w/-]+\.(?:ts|sh)\b/g))
    expect(() => read(script.replace("release/install.sh", "deploy/install.sh"))).not.toThrow();
  expect(text).toContain(`BUN_VERSION: ${Bun.version}`);
});

test("only the job that publishes may write", () => {
  const { jobs } = Bun.YAML.parse(read(".github/workflows/release.yml")) as Workflow;
  const writers = Object.entries(jobs).filter(([, { permissions }]) => permissions !== undefined);
  expect(writers.map(([name]) => name)).toEqual(["publish"]);
});

test("the script knows the processors that there are releases for", () => {
  for (const architecture of architectures)
    expect(read("deploy/install.sh")).toContain(`say ${architecture}`);
});

test.each([
  ["feat: let people pin a task", 0],
  ["fix(mail)!: refuse a sender without a domain", 0],
  ["Merge branch 'main'", 0],
  ["Pinned tasks", 1],
] as const)("the hook of commit messages: %s", async (subject, code) => {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-hook-"));
  await Bun.write(join(folder, "message"), `${subject}\n`);
  const { exitCode } = Bun.spawnSync([join(root, ".githooks/commit-msg"), join(folder, "message")]);
  rmSync(folder, { recursive: true });
  expect(exitCode).toBe(code);
});
