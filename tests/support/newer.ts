/** A release after this one: the same source with a higher version and one more migration. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");

/** What the newer release calls itself. */
export const newerVersion = "99.0.0";

/** The migration that only the newer release knows. */
export const newerMigration = "9999_later";

const sql = { up: "CREATE TABLE later (id INTEGER)", down: "DROP TABLE later" };

/** Builds it as `outfile`. */
export async function buildNewer(outfile: string): Promise<void> {
  const source = mkdtempSync(join(tmpdir(), "neocrm-newer-"));
  try {
    for (const name of ["src", "config", "drizzle", "scripts", "package.json", "tsconfig.json"])
      cpSync(join(root, name), join(source, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(source, "node_modules"));
    change(join(source, "package.json"), /"version": "[^"]+"/, `"version": "${newerVersion}"`);
    const later = JSON.stringify({ tag: newerMigration, ...sql });
    change(join(source, "src/db/migrations.generated.ts"), /^\];$/gm, `  ${later},\n];`);
    const child = Bun.spawn([process.execPath, "scripts/build.ts", "--outfile", outfile], {
      cwd: source,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const errors = await new Response(child.stderr).text();
    if ((await child.exited) !== 0) throw new Error(`The newer release cannot be built: ${errors}`);
  } finally {
    rmSync(source, { recursive: true });
  }
}

function change(file: string, pattern: RegExp, replacement: string): void {
  const text = readFileSync(file, "utf8");
  if (text.search(pattern) === -1) throw new Error(`${file} has nothing like ${pattern}.`);
  writeFileSync(file, text.replace(pattern, replacement));
}
