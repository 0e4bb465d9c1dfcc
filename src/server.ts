import { setImmediate } from "node:timers/promises";
import { buildApp } from "./app";
import { version } from "./build";
import { second } from "./clock";
import type { Config, ConfigWithSecrets, LoadedConfig } from "./config";
import { ConfigError } from "./config/error";
import { Conflict } from "./errors";
import { passwordProblem } from "./features/auth/passwords";
import { isEnabled } from "./config/features";
import { reloaded, type Reloaded } from "./config/reload";
import { ensureSecrets } from "./config/secrets";
import { setupCode } from "./features/auth/setup-code";
import { newId } from "./ids";
import { openBlobs } from "./integrations/blobs/open";
import { lockDataDirectory } from "./ops/data-lock";
import { Health } from "./ops/health";
import { startObservers } from "./ops/observers";
import { log } from "./ops/logging";
import { listenForOperations } from "./control/socket";
import { listenForMetrics } from "./http/metrics-port";
import { runOperation } from "./control/operations";
import { openMigrator } from "./migrator";
import { openParts, type Parts } from "./parts";
import { systemActor } from "./policy";
import { socketHandlers } from "./realtime/socket";

/** A server that answers. */
export interface RunningServer {
  /** Where it answers, with the port that it really has. */
  url: string;
  /** What it is made of. */
  parts: Parts;
  /**
   * Looks at another configuration: what `apply` would change, and what would need a restart.
   * @throws ConfigError when it cannot be used
   */
  reload(fresh: LoadedConfig): Reload;
  /** Lets what runs finish, within the grace time, and closes everything. Calling it again is harmless. */
  stop(): Promise<void>;
}

/** A configuration that a running server can go over to. */
export interface Reload extends Pick<Reloaded, "changed" | "waiting"> {
  /** What is in force from then on. */
  config: Config;
  apply(): void;
}

/**
 * Starts the server: takes the data directory, makes the secrets, migrates, and listens.
 * @throws DataDirectoryInUse, NewerDatabase, or whatever keeps a store from opening
 */
export async function startServer(loaded: LoadedConfig): Promise<RunningServer> {
  const { config: given, dataDir } = loaded;
  assertFirstAdmin(loaded);
  const lock = lockDataDirectory(dataDir);
  const closing: (() => unknown)[] = [() => lock.release()];
  const close = async () => {
    for (const step of closing.splice(0).toReversed()) await step();
  };
  try {
    const config = ensureSecrets(given, dataDir);
    warn(loaded);
    closing.push(await startObservers(config, loaded.profile));
    await migrate(config, dataDir);
    const parts = await openParts(config, loaded);
    closing.push(() => parts.close());
    await makeFirstAdmin(config, parts);
    const health = new Health({
      ...{ store: parts.store, hasher: parts.hasher, dataDir },
      isDamaged: () => parts.metrics.isDatabaseDamaged,
    });
    const helpOfHealth = "What the server depends on: 1 is well, 0.5 soon not, 0 down.";
    parts.metrics.gauges({ name: "neocrm_health", help: helpOfHealth, label: "check" }, () =>
      health.figures(),
    );
    const control = listenForOperations(dataDir, (operation, input, asked) =>
      runOperation(parts, operation, input, asked),
    );
    closing.push(() => control.close());
    const metricsPort = config["metrics.port"];
    if (metricsPort !== 0) {
      const scraped = listenForMetrics(metricsPort, parts.metrics, health);
      closing.push(() => scraped.close());
    }
    const listening = listen(config, parts, health);
    parts.links.listensAt(listening.url);
    parts.start();
    closing.push(() => listening.close());
    let running: LoadedConfig = { ...loaded, config };
    const reload = (fresh: LoadedConfig): Reload => {
      const secured = { ...fresh, config: ensureSecrets(fresh.config, dataDir) };
      const { next, changed, waiting } = reloaded(running, secured);
      openBlobs(next.config, dataDir);
      const apply = () => {
        parts.reconfigure(next);
        running = next;
      };
      return { config: next.config, changed, waiting, apply };
    };
    return { url: listening.url, parts, reload, stop: close };
  } catch (error) {
    await close();
    throw error;
  }
}

function listen(config: ConfigWithSecrets, parts: Parts, health: Health) {
  const app = buildApp(config, parts, health);
  app.listen({
    hostname: config["server.host"],
    port: config["server.port"],
    idleTimeout: config["server.idle_timeout_seconds"],
    // Elysia's default lets a second server take the same port, and half of its requests.
    reusePort: false,
    // Bodies are counted where they are read, so that too large a one gets a problem document.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    // Bun's error page for developers would show stack traces.
    development: false,
    websocket: socketHandlers as never,
  });
  const server = app.server!;
  const inFlight = () => server.pendingRequests;
  parts.metrics.gauge("neocrm_http_requests_in_flight", "Requests under way now.", inFlight);
  const url = `http://${urlHost(config["server.host"])}:${server.port}`;
  log.info("Neo CRM answers", { version, url, database: parts.store.engine });
  return {
    url,
    async close() {
      health.stop();
      // Bun waits for every socket that is open.
      await parts.hub.close();
      const finished = server.stop().then(() => true);
      const isDone = await Promise.race([
        finished,
        graceIsOver(config["server.grace_seconds"] * forRequests),
      ]);
      if (!isDone) {
        log.warn("Requests were cut off: the grace time is over");
        await server.stop(true);
      }
      // A request is logged one turn after its answer went out.
      await setImmediate();
    },
  };
}

/** An address to type: `0.0.0.0` and `::` mean every address, and the own one is among them. */
function urlHost(host: string) {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

/** The share of the grace time that requests have; the rest is for closing what they used. */
const forRequests = 0.9;

const graceIsOver = (seconds: number) =>
  new Promise<false>((resolve) => {
    setTimeout(() => resolve(false), seconds * second).unref();
  });

async function migrate(config: ConfigWithSecrets, dataDir: string): Promise<void> {
  const { tags, snapshot } = await (await openMigrator(config, dataDir)).up();
  if (tags.length > 0) log.info("Database migrated", { migrations: tags, snapshot });
}

/** What is allowed and most likely not meant. */
function warn({ config, strangers }: LoadedConfig): void {
  for (const stranger of strangers) log.warn(`Not a setting: ${stranger}`);
  if (config["database.url"] !== null && config["auth.jwt_secret"] === null) {
    log.warn("JWT_SECRET is not set: other instances on this database will refuse the tokens of this one");
  }
  if (config["server.https"] !== "off" && config["server.trusted_proxies"].length === 0) {
    log.warn("server.https is on and server.trusted_proxies is empty: nothing will count as HTTPS");
  }
}

/** @throws ConfigError when the configured admin could not be made */
function assertFirstAdmin({ config, sources }: LoadedConfig): void {
  const { "admin.email": email, "admin.password": password } = config;
  if (email === null && password === null) return;
  if (email === null || password === null) {
    const [given, missing] =
      email === null ? (["password", "email"] as const) : (["email", "password"] as const);
    throw new ConfigError([`${sources[`admin.${given}`]}: admin.${given} needs admin.${missing} beside it`]);
  }
  const problem = passwordProblem(password);
  if (problem)
    throw new ConfigError([`${sources["admin.password"]}: admin.password = ***: ${problem.message}`]);
}

/** The first admin comes from the configuration, or from whoever holds the code that is printed here. */
async function makeFirstAdmin(config: ConfigWithSecrets, { auth }: Parts): Promise<void> {
  if (await auth.isSetUp()) return;
  const { "admin.email": email, "admin.password": password } = config;
  if (email !== null && password !== null) {
    const person = { email, password, full_name: "Administrator" };
    try {
      if (await auth.makeFirstAdmin(systemActor(newId()), person)) log.info("First admin made", { email });
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const mend = "neocrm user role --role admin makes its owner the admin";
      log.warn(`There is no admin: the address of admin.email belongs to another account; ${mend}`, {
        email,
      });
    }
    return;
  }
  const withCode = isEnabled(config, "setup")
    ? `, or POST /api/auth/setup with the code ${setupCode(config["auth.jwt_secret"])}`
    : "";
  log.info(`There is no admin yet. Make one: neocrm user create --role admin${withCode}`);
}
