import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { adminPassword, drillEnv } from "../tests/drills/api";
import { binary } from "../tests/support/binary";
import { pinned, serverCore } from "./load";
import { emailOf, userCount } from "./seed";

/** A server that is measured. */
export interface Contender {
  name: string;
  url: string;
  pid: number;
  /** One of each seeded user. */
  tokens: string[];
  /** From its start to its first answer. */
  startMs: number;
  stop(): Promise<void>;
}

/** Everything that a server does is on; its limits are only raised. */
const raised = "1000000";
const neocrmEnv = {
  ...drillEnv,
  ...{ RATE_LIMIT_IP: raised, RATE_LIMIT_AUTH: raised, RATE_LIMIT_USER: raised },
  ...{ MAX_FILE_SIZE: "2GiB", HOST: "127.0.0.1", NEOCRM_AUTH_ACCESS_TOKEN_MINUTES: "120" },
};

const envOf = (databaseUrl: string | undefined) => ({
  ...neocrmEnv,
  ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
});

/** The executable, on the core of the servers. */
export const startNeocrm = async (name: string, dataDir: string, databaseUrl?: string): Promise<Contender> =>
  start(name, await serving(dataDir), envOf(databaseUrl));

/** The executable as whoever runs it starts it: with every core there is. */
export const startNeocrmFreely = async (dataDir: string, databaseUrl?: string): Promise<Contender> =>
  start("neocrm", await serving(dataDir), envOf(databaseUrl), (command) => command);

async function serving(dataDir: string): Promise<(port: string) => string[]> {
  const executable = await binary();
  return (port) => [executable, "serve", "--port", port, "--data-dir", dataDir];
}

export const startFloor = (database: string) =>
  start("floor", (port) => [process.execPath, join(import.meta.dir, "floor.ts"), database, port]);

const fastifyFolder = join(import.meta.dir, "fastify");

export async function startFastify(database: string): Promise<Contender> {
  if (!existsSync(join(fastifyFolder, "node_modules"))) installFastify();
  return start("fastify", (port) => ["node", join(fastifyFolder, "server.js"), database, port], {
    NODE_ENV: "production",
  });
}

/** It is no part of the product, so its packages are installed when they are first needed. */
function installFastify(): void {
  console.error("Installing Fastify into bench/fastify");
  const { success } = Bun.spawnSync(["npm", "ci", "--no-audit", "--no-fund"], {
    cwd: fastifyFolder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (!success) throw new Error("Fastify cannot be installed in bench/fastify.");
}

/** nginx as it sends files fastest: one process, the kernel copies, nothing is logged. */
export async function startNginx(folder: string): Promise<Contender> {
  const config = (port: string) => `
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      sendfile on;
      tcp_nopush on;
      ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/nginx;`).join(" ")}
      server {
        listen 127.0.0.1:${port};
        root ${folder};
        location = /health/live { return 200; }
      }
    }`;
  return start("nginx", (port) => {
    const path = join(folder, "nginx.conf");
    writeFileSync(path, config(port));
    return ["nginx", "-e", "stderr", "-c", path];
  });
}

const onServerCore = (command: string[]) => pinned(serverCore, command);

/** Starts a server, on the core of the servers unless `placed` says otherwise, its log thrown away. */
async function start(
  name: string,
  command: (port: string) => string[],
  env: Record<string, string> = {},
  placed = onServerCore,
): Promise<Contender> {
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const child = Bun.spawn(placed(command(String(port))), {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
  };
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`${name} exited with code ${child.exitCode}.`);
    await Bun.sleep(1);
  }
  return { name, url, pid: child.pid, tokens: [], startMs: performance.now() - startedAt, stop };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/live`)).ok;
  } catch {
    return false;
  }
}

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

/** Signs every seeded user in. */
export async function signInAll(contender: Contender): Promise<void> {
  for (let user = 0; user < userCount; user++) contender.tokens.push(await signIn(contender, user));
}

/** Signs one of the seeded users in and gives the access token. */
export async function signIn({ name, url }: Contender, user: number): Promise<string> {
  const response = await fetch(`${url}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: emailOf(user), password: adminPassword }),
  });
  if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { access_token: string }).access_token;
}
