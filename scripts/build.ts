/**
 * Makes the executable: one file that carries the runtime, the program, its migrations and its configuration.
 *
 *   bun run build [--target bun-linux-arm64] [--outfile dist/neocrm]
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = resolve(import.meta.dir, "..");

/** What to make. */
export interface BuildOptions {
  /** Where to put it; relative to the working directory. */
  outfile: string;
  /** The machine to make it for, such as `bun-linux-arm64-musl`. Default: this one. */
  target?: string;
}

/** Makes the executable. It appears at its place whole or not at all. */
export async function build({ outfile, target }: BuildOptions): Promise<void> {
  const place = resolve(outfile);
  mkdirSync(dirname(place), { recursive: true });
  // A folder of its own: Bun leaves source maps beside what it compiles, which the executable carries already.
  const folder = mkdtempSync(join(dirname(place), ".build-"));
  const draft = join(folder, "neocrm");
  try {
    await Bun.build({
      entrypoints: entrypoints(),
      // Workers are found by their place under it.
      root: join(root, "src"),
      format: "esm",
      // What is imported when it is first used is not read before.
      splitting: true,
      // It is embedded as a file, see `src/contents/pdf.ts`.
      external: ["unpdf/pdfjs"],
      bytecode: true,
      sourcemap: "inline",
      // Not the identifiers: Elysia reads the source of its handlers.
      minify: { whitespace: true, syntax: true, identifiers: false },
      define: { NEOCRM_COMMIT: JSON.stringify(commit()), NEOCRM_YEAR: String(year()) },
      compile: {
        outfile: draft,
        ...(target && { target: target as Bun.Build.CompileTarget }),
        // What lies in the working directory is not ours: a bunfig.toml there could run code.
        autoloadBunfig: false,
        autoloadDotenv: false,
        autoloadPackageJson: false,
        autoloadTsconfig: false,
      },
    });
    renameSync(draft, place);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The program, and the workers it starts: a worker's file has to be named to be in the executable. */
export function entrypoints(): string[] {
  const workers = [...new Bun.Glob("src/**/*.worker.ts").scanSync(root)].toSorted();
  return ["src/main.ts", ...workers].map((file) => join(root, file));
}

/** The commit of the source, or `unknown` where there is no git. */
export const commit = (): string =>
  process.env.NEOCRM_COMMIT || git("rev-parse", "--short=12", "HEAD") || "unknown";

/** The year of that commit, so that the same source gives the same executable; without git, this year. */
const year = () =>
  Number(git("show", "--no-patch", "--date=format:%Y", "--format=%cd")) || new Date().getFullYear();

/** What git says of the source; nothing where there is no git. */
function git(...args: string[]): string {
  try {
    const said = Bun.spawnSync(["git", ...args], { cwd: root, stderr: "ignore" });
    return said.success ? said.stdout.toString().trim() : "";
  } catch {
    return "";
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { target: { type: "string" }, outfile: { type: "string", default: join(root, "dist/neocrm") } },
  });
  await build(values);
  const megabytes = (Bun.file(values.outfile).size / 1e6).toFixed(1);
  console.log(`${values.outfile}  ${megabytes} MB  commit ${commit()}`);
}
