import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load";
import { ensureSecrets } from "../../src/config/secrets";
import { accessTokens, type AccessTokens } from "../../src/features/auth/tokens";
import { startServer, type RunningServer } from "../../src/server";
import { inMemory } from "./in-memory";
import { dropDatabase, newDatabase } from "./postgres";

/** Every test of the API runs on both. */
export const engines = ["sqlite", "postgres"] as const;
export type Engine = (typeof engines)[number];

/** A server in this process, on a port and a data directory of its own. */
export interface TestServer extends RunningServer {
  engine: Engine;
  dataDir: string;
  /** PostgreSQL's URL, or `null` on SQLite. */
  databaseUrl: string | null;
  /** Signs as it does. */
  tokens: AccessTokens;
}

/** Limits that no test reaches by accident. */
const generous = { RATE_LIMIT_IP: "0", RATE_LIMIT_AUTH: "0", RATE_LIMIT_USER: "0" };

/** Each new connection makes PostgreSQL read its catalogue again, and a test asks little at once. */
const fewConnections = { NEOCRM_DATABASE_CONNECTIONS: "4" };

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
      ...fewConnections,
      ...(url && { DATABASE_URL: url }),
      ...env,
    },
    cwd: folder,
  });
  const server = await startServer(loaded);
  const config = ensureSecrets(loaded.config, loaded.dataDir);
  return {
    ...{ url: server.url, parts: server.parts, reload: server.reload, engine, dataDir, databaseUrl: url },
    tokens: accessTokens(config["auth.jwt_secret"], null, config["auth.access_token_minutes"]),
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
      if (url && !databaseUrl) dropDatabase(url);
    },
  };
}
