import { afterAll } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ConfigError } from "../../../src/config/error";
import { loadConfig, type LoadOptions } from "../../../src/config/load";

/** An empty directory that goes away after the tests of the file. */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(tmpdir(), "neocrm-config-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes files by their path below `directory`. */
export function write(directory: string, files: Record<string, string>) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
}

/** Loads with nothing around it but what the test gives. */
export const load = (options: Partial<LoadOptions> = {}) =>
  loadConfig({ env: {}, cwd: "/nowhere", ...options });

/** The problems that `use` fails with. */
export function problemsOf(use: () => unknown): readonly string[] {
  try {
    use();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
