/**
 * Lays out what the image is made of: in `root/` the executable and the libraries that it is linked with, in `data/` nothing, the
 * place of its data.
 *
 *   bun scripts/image-root.ts dist/neocrm /image
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { architectureOf, runnerOf, type Runner } from "./processor";

/** Puts `executable` and everything it needs to run into a folder, as the Dockerfile's last stage copies it. */
export function layOutImage(executable: string, folder: string): void {
  const root = join(folder, "root");
  copy(executable, join(root, "bin/neocrm"));
  const runner = runnerOf(architectureOf(executable));
  for (const library of librariesOf(executable, runner))
    copy(join(runner.libraries, library), join(root, library));
  mkdirSync(join(folder, "data"), { recursive: true });
}

/** Copies what a link leads to, not the link. */
function copy(from: string, to: string) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

/** What is loaded with it, the loader included, as it finds them. */
function librariesOf(executable: string, { emulator, libraries, loader }: Runner): string[] {
  // `ldd` is no more than that, for this processor.
  const command =
    emulator === undefined
      ? ["ldd", executable]
      : [emulator, "-L", libraries, join(libraries, loader), "--list", executable];
  const { stdout, success } = Bun.spawnSync(command);
  if (!success) throw new Error(`What ${executable} is linked with cannot be told: ${command.join(" ")}`);
  return [...new Set(stdout.toString().match(/\/lib\S*/g))];
}

if (import.meta.main) {
  const [executable, folder] = process.argv.slice(2);
  if (!executable || !folder) throw new Error("bun scripts/image-root.ts EXECUTABLE FOLDER");
  layOutImage(executable, folder);
}
