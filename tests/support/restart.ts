import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newDatabase } from "./postgres";
import { startTestServer, type Engine, type TestServer } from "./servers";

/** Data that outlives the server on it. */
export interface Installation {
  /** What `neocrm` has to be told to work on it. */
  env: Record<string, string>;
  dataDir: string;
  start(env?: Record<string, string>): Promise<TestServer>;
  remove(): void;
}

/** A data directory and a database without anything in them. */
export async function newInstallation(
  engine: Engine,
  options: { empty?: boolean } = {},
): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-"));
  const dataDir = join(folder, "data");
  const databaseUrl = engine === "postgres" ? await newDatabase(options) : undefined;
  const env = { DATA_DIR: dataDir, ...(databaseUrl && { DATABASE_URL: databaseUrl }) };
  return {
    env,
    dataDir,
    start: (more = {}) => startTestServer(engine, { ...env, ...more }, databaseUrl),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
