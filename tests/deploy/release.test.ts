import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import packageJson from "../../package.json";
import { release } from "../../scripts/release";
import { bundled, sbom } from "../../scripts/sbom";
import { asset } from "../support/installer";

setDefaultTimeout(60_000);

const root = resolve(import.meta.dir, "../..");
const workflow = (name: string) =>
  Bun.YAML.parse(readFileSync(join(root, ".github/workflows", name), "utf8")) as {
    on: { push: { tags?: string[] } };
    jobs: Record<string, { needs?: string; steps: { uses?: string; run?: string }[] }>;
  };

test("a release holds what the installer fetches, for each processor, and the checksums of all of it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-release-"));
  const image = join(folder, "image.tar");
  writeFileSync(image, "an image");
  const made: unknown[] = [];
  await release({
    ...{ folder: join(folder, "release"), processors: ["x64", "arm64"], files: [image] },
    make: async ({ outfile, target }) => {
      made.push(target);
      writeFileSync(outfile, `for ${target}`);
    },
  });
  expect(made).toEqual(["bun-linux-x64", "bun-linux-arm64"]);
  const names = readdirSync(join(folder, "release")).toSorted();
  const executables = ["neocrm-linux-arm64.gz", "neocrm-linux-x64.gz"];
  expect(names).toEqual(
    ["SHA256SUMS", "image.tar", "install.sh", ...executables, "neocrm.cdx.json", "neocrm.service"].toSorted(),
  );
  expect(names).toContain(asset);
  const check = Bun.spawnSync(["sha256sum", "--check", "--strict", "SHA256SUMS"], {
    cwd: join(folder, "release"),
  });
  expect([check.exitCode, check.stdout.toString().trim().split("\n")]).toEqual([
    0,
    names.filter((name) => name !== "SHA256SUMS").map((name) => `${name}: OK`),
  ]);
  rmSync(folder, { recursive: true });
});

test("the list of parts has every package whose code is in the executable, once, and nothing of development", async () => {
  const { components, dependencies, serialNumber } = await sbom();
  const listed = components.map(({ group, name }) => (group ? `${group}/${name}` : name));
  const inside = [...(await bundled())];
  expect(inside).toEqual(expect.arrayContaining(["elysia", "drizzle-orm", "nodemailer", "swagger-ui-dist"]));
  expect(inside.filter((name) => !listed.includes(name))).toEqual([]);
  expect(listed.filter((name) => Object.hasOwn(packageJson.devDependencies, name))).toEqual([]);

  const refs = components.map((component) => component["bom-ref"]);
  expect(new Set(refs).size).toBe(refs.length);
  const known = new Set([...refs, `pkg:npm/neocrm@${packageJson.version}`]);
  expect(
    dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]).filter((ref) => !known.has(ref)),
  ).toEqual([]);
  for (const { name, hashes } of components) {
    if (name !== "bun")
      expect([name, hashes?.[0]?.content]).toEqual([name, expect.stringMatching(/^[0-9a-f]{128}$/)]);
  }
  expect((await sbom()).serialNumber).toBe(serialNumber);
});

test("the release workflow tries what it publishes, and every action is pinned to a commit", () => {
  const { on, jobs } = workflow("release.yml");
  expect(on.push.tags).toEqual(["v*"]);
  expect([jobs.install!.needs, jobs.publish!.needs]).toEqual(["build", "install"]);
  const scripts = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
  for (const [, name] of scripts.join("\n").matchAll(/bun run ([a-z:-]+)/g)) {
    expect(Object.keys(packageJson.scripts)).toContain(name!);
  }
  for (const file of readdirSync(join(root, ".github/workflows"))) {
    const steps = Object.values(workflow(file).jobs).flatMap((job) => job.steps);
    const uses = steps.flatMap((step) => step.uses ?? []);
    expect(uses.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(action))).toEqual([]);
  }
});
