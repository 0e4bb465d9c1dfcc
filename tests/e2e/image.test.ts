import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import packageJson from "../../package.json";
import { lastStage, type ImageReport } from "../../scripts/image";
import { binary } from "../support/binary";

const root = resolve(import.meta.dir, "../..");
const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");

/** Quick, and so larger than an image may be: how small it gets is looked at by the release, which takes minutes. */
const level = "1";

async function makeImage(outfile: string): Promise<ImageReport> {
  const script = join(root, "scripts/image.ts");
  const options = ["--executable", await binary(), "--level", level, "--outfile", outfile, "--json"];
  const child = Bun.spawn([process.execPath, script, ...options], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect(err).toMatch(/^It is too large: [\d.]+ MB, and less than 50\.00 MB is wanted\.\n$/);
  expect(await child.exited).toBe(1);
  return JSON.parse(out) as ImageReport;
}

test("the image is the executable and its libraries, and runs as nobody on a file system that it cannot write", async () => {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-image-test-"));
  const outfile = join(folder, "image.tar");
  const { files, config, run } = await makeImage(outfile);
  expect(files.filter((file) => !/^\/lib(64)?\/.*\.so\.\d+$/.test(file))).toEqual(["/bin/neocrm"]);
  expect(files).toHaveLength(6);
  expect(config.config).toMatchObject({
    ...{ User: "65532:65532", Entrypoint: ["/bin/neocrm"], Cmd: ["serve"], StopSignal: "SIGTERM" },
    ...{ Volumes: { "/data": {} }, Healthcheck: { Test: ["CMD", "/bin/neocrm", "healthcheck"] } },
    Labels: {
      "org.opencontainers.image.title": "Neo CRM",
      "org.opencontainers.image.version": packageJson.version,
      "org.opencontainers.image.revision": expect.stringMatching(/^([0-9a-f]{12}|unknown)$/),
    },
  });
  expect(run).toMatchObject({ healthcheck: 0, uid: 65532, isRootReadOnly: true, exitCode: 0 });
  expect(run.health).toMatchObject({ status: "ok" });
  const listed = Bun.spawnSync(["tar", "--list", `--file=${outfile}`]).stdout.toString();
  expect(listed).toContain("./oci-layout\n");
  rmSync(folder, { recursive: true });
}, 120_000);

test("the stage before it copies what is there and what Docker is given", () => {
  const given = readFileSync(join(root, ".dockerignore"), "utf8").trim().split("\n");
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, what]) =>
    what!.split(" "),
  );
  expect(copied.length).toBeGreaterThan(3);
  for (const what of copied) {
    expect([what, existsSync(join(root, what))]).toEqual([what, true]);
    expect(given).toContain(`!${what.replace("./", "")}`);
  }
  expect(lastStage(dockerfile)).not.toContain("RUN");
});
