/**
 * Makes a release, for `scripts/install.sh` to fetch from wherever you put it:
 *
 *   bun run release [--for x64] [--for arm64] [--with FILE]…      both, when none is named
 *
 * `dist/release/` holds an executable for each kind of machine, the systemd unit, the installer, the list of what is in it (SBOM), each
 * `--with` file, and the checksums of all of them.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build, type BuildOptions } from "./build";
import { sbom } from "./sbom";

const root = resolve(import.meta.dir, "..");

/** What to release. */
export interface ReleaseOptions {
  /** Emptied first. */
  folder: string;
  /** For which processors, such as `["x64", "arm64"]`. */
  processors: string[];
  /** Further files. */
  files?: string[];
  /** Makes an executable. */
  make?: (options: BuildOptions) => Promise<void>;
}

/** Makes a release in a folder. */
export async function release({
  folder,
  processors,
  files = [],
  make = build,
}: ReleaseOptions): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const processor of processors) {
    const executable = join(folder, `neocrm-linux-${processor}`);
    await make({ outfile: executable, target: `bun-linux-${processor}` });
    writeFileSync(`${executable}.gz`, gzipSync(readFileSync(executable), { level: 9 }));
    rmSync(executable);
  }
  const others = ["scripts/install.sh", "deploy/systemd/neocrm.service"].map((file) => join(root, file));
  for (const file of [...others, ...files]) copyFileSync(file, join(folder, basename(file)));
  writeFileSync(join(folder, "neocrm.cdx.json"), `${JSON.stringify(await sbom(), null, 2)}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), checksums(folder));
}

/** The lines that `sha256sum --check` reads. */
function checksums(folder: string): string {
  const lines = readdirSync(folder)
    .toSorted()
    .map((name) => `${Bun.SHA256.hash(readFileSync(join(folder, name)), "hex")}  ${name}\n`);
  return lines.join("");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      for: { type: "string", multiple: true, default: ["x64", "arm64"] },
      with: { type: "string", multiple: true, default: [] },
    },
  });
  const folder = join(root, "dist/release");
  await release({ folder, processors: values.for, files: values.with.map((file) => resolve(file)) });
  process.stdout.write(`${folder}\n${readFileSync(join(folder, "SHA256SUMS"), "utf8")}`);
}
