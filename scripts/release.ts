/**
 * Lays out a release in `dist/release`: executables for Linux, what installs them, `deploy/` with what stands around a server, the bill of
 * materials, and checksums of it all.
 *
 *   bun scripts/release.ts [--tag v0.1.0] [--arch x64 --arch arm64] [--out dist/release]
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../package.json";
import { build } from "./build";
import { architectures, type Architecture } from "./processor";
import { sbom } from "./sbom";

const root = resolve(import.meta.dir, "..");

/**
 * Makes the release anew in `folder`, as `deploy/install.sh` wants to find it.
 * @param level of gzip, 1 to 9
 */
export async function makeRelease(
  folder: string,
  wanted: readonly Architecture[],
  level: 1 | 9,
): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const architecture of wanted) await packExecutable(folder, architecture, level);
  copyFileSync(join(root, "deploy/install.sh"), join(folder, "install.sh"));
  copyFileSync(join(root, "deploy/systemd/neocrm.service"), join(folder, "neocrm.service"));
  packDeploy(join(folder, "neocrm-deploy.tar.gz"));
  await Bun.write(join(folder, "neocrm.cdx.json"), JSON.stringify(await sbom(), null, 2));
  await Bun.write(join(folder, "SHA256SUMS"), await sumsOf(folder));
}

async function packExecutable(folder: string, architecture: Architecture, level: 1 | 9): Promise<void> {
  const draft = join(folder, "neocrm");
  // For x64, one that also runs on processors from before 2013.
  const target = architecture === "x64" ? "bun-linux-x64-baseline" : "bun-linux-arm64";
  await build({ outfile: draft, target });
  const packed = Bun.gzipSync(await Bun.file(draft).bytes(), { level });
  await Bun.write(join(folder, `neocrm-linux-${architecture}.gz`), packed);
  rmSync(draft);
}

/** Configurations of proxies, Prometheus, Grafana and what collects logs: whoever installs a release has no source. */
function packDeploy(archive: string): void {
  const plain = ["--sort=name", "--owner=root:0", "--group=root:0", "--mode=u=rwX,go=rX"];
  const { exitCode, stderr } = Bun.spawnSync(["tar", "-czf", archive, ...plain, "-C", root, "deploy"]);
  if (exitCode !== 0) throw new Error(stderr.toString());
}

/** What `sha256sum --check` reads. */
async function sumsOf(folder: string): Promise<string> {
  const lines = readdirSync(folder)
    .toSorted()
    .map(async (name) => {
      const bytes = await Bun.file(join(folder, name)).bytes();
      return `${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}  ${name}\n`;
    });
  return (await Promise.all(lines)).join("");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      tag: { type: "string", default: `v${version}` },
      arch: { type: "string", multiple: true, default: [...architectures] },
      out: { type: "string", default: join(root, "dist/release") },
    },
  });
  if (values.tag !== `v${version}`)
    throw new Error(`The tag is ${values.tag}, and package.json says ${version}.`);
  const wanted = values.arch.map((name) => {
    const known = architectures.find((architecture) => architecture === name);
    if (!known) throw new Error(`There is no --arch ${name}, only ${architectures.join(" and ")}.`);
    return known;
  });
  await makeRelease(resolve(values.out), wanted, 9);
  console.log(await Bun.file(join(values.out, "SHA256SUMS")).text());
}
