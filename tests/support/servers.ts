import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load";
import { startServer, type RunningServer } from "../../src/server";
import { newDatabase } from "./postgres";

/** Every test of the API runs on both. */
export const engines = ["sqlite", "postgres"] as const;
export type Engine = (typeof engines)[number];

/** A server in this process, on a port and a data directory of its own. */
export interface TestServer extends RunningServer {
  engine: Engine;
  dataDir: string;
  /** PostgreSQL's URL, or `null` on SQLite. */
  databaseUrl: string | null;
}

/** Half of the time of a test would be syncs; those that are about what survives use the disk. */
const inMemory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Limits that no test reaches by accident. */
const generous = { RATE_LIMIT_IP: "0", RATE_LIMIT_AUTH: "0", RATE_LIMIT_USER: "0" };

/**
 * Starts a server in the production profile on a new database, or on `databaseUrl`.
 * @param env settings by environment variable, as a user would give them
 */
export async function startTestServer(
  engine: Engine,
  env: Record<string, string> = {},
  databaseUrl?: string,
): Promise<TestServer> {
  const folder = mkdtempSync(join(inMemory, "neocrm-"));
  const dataDir = join(folder, "data");
  const url = engine === "postgres" ? (databaseUrl ?? (await newDatabase())) : null;
  const loaded = loadConfig({
    env: {
      HOST: "127.0.0.1",
      PORT: "0",
      DATA_DIR: dataDir,
      ...generous,
      ...(url && { DATABASE_URL: url }),
      ...env,
    },
    cwd: folder,
  });
  const server = await startServer(loaded);
  return {
    ...{ url: server.url, parts: server.parts, engine, dataDir, databaseUrl: url },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
