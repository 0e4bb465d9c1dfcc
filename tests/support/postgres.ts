/**
 * Private PostgreSQL servers for tests: started from the system's binaries, gone when the test process is.
 * Nothing that already runs on the machine is touched.
 */
import { SQL } from "bun";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { postgresMigrator } from "../../src/db/migrate.postgres";
import { postgresMigrations } from "../../src/db/migrations.generated";
import { inMemory } from "./in-memory";

export interface ServerOptions {
  /** Syncs every commit to disk, as in production: for drills that crash the server. Slower. */
  durable?: boolean;
}

export interface PostgresServer {
  /** The maintenance database, as its superuser. */
  readonly url: string;
  /** Its data, its socket and its log. */
  readonly folder: string;
  /** Ends the server as a crash would: no checkpoint, connections cut. `start` brings it back on its port. */
  crash(): Promise<void>;
  start(): Promise<void>;
}

const servers = new Map<boolean, Promise<PostgresServer>>();

/** The server of this test process, started by whoever asks first; the durable one is a second server. */
export function postgres({ durable = false }: ServerOptions = {}): Promise<PostgresServer> {
  let server = servers.get(durable);
  if (!server) servers.set(durable, (server = startServer(durable)));
  return server;
}

/** The URL of a fresh database: migrated, or with nothing in it. */
export async function newDatabase(options: ServerOptions & { empty?: boolean } = {}): Promise<string> {
  const { url } = await postgres(options);
  if (options.empty) return createDatabase(url, "template1");
  const made = await (ahead.get(url) ?? createMigrated(url));
  const next = createMigrated(url);
  ahead.set(url, next);
  // A server that has been crashed since fails whoever asks for it, and nobody else.
  next.catch(() => {});
  return made;
}

/** The next migrated database of each server, which is made while tests run. */
const ahead = new Map<string, Promise<string>>();

const createMigrated = async (url: string) => createDatabase(url, await migratedTemplate(url));

const templates = new Map<string, Promise<string>>();

function migratedTemplate(url: string): Promise<string> {
  let template = templates.get(url);
  if (!template) templates.set(url, (template = migrateTemplate(url)));
  return template;
}

async function migrateTemplate(url: string) {
  const name = "migrated_template";
  await postgresMigrator(await createDatabase(url, "template1", name), postgresMigrations).up();
  return name;
}

async function createDatabase(
  serverUrl: string,
  template: string,
  name = `test_${randomBytes(6).toString("hex")}`,
) {
  await runOn(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  return at(serverUrl, name);
}

/** Has a database removed that `newDatabase` made, once nobody is connected any more. Nobody waits for that. */
export function dropDatabase(url: string): void {
  const statement = `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`;
  // A server that is down takes its databases along in the end.
  runOn(at(url, "postgres"), statement).catch(() => {});
}

async function runOn(url: string, statement: string) {
  const client = new SQL({ url, max: 1 });
  try {
    await client.unsafe(statement);
  } finally {
    await client.close();
  }
}

const at = (url: string, database: string) => Object.assign(new URL(url), { pathname: `/${database}` }).href;

async function startServer(durable: boolean): Promise<PostgresServer> {
  const bin = findBinaries();
  const user = unprivilegedUser();
  const folder = mkdtempSync(join(durable ? tmpdir() : inMemory, "neocrm-postgres-"));
  chmodSync(folder, 0o700);
  if (user) chownSync(folder, user.uid, user.gid);
  watchOver(folder);

  const data = join(folder, "data");
  const run = (...command: string[]) => runAs(user, folder, command);
  const locale = majorVersion(bin) >= 15 ? ["--locale-provider=icu", "--icu-locale=en-US"] : [];
  // A locale that sorts as people expect, not by bytes: what depends on the order must say so in its schema.
  await run(
    join(bin, "initdb"),
    `--pgdata=${data}`,
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
    ...locale,
  );
  const port = freePort();
  const settings = Object.entries({ ...commonSettings(folder, port), ...(durable ? {} : fastSettings) });
  const pgOptions = settings.map(([name, value]) => `-c ${name}=${value}`).join(" ");
  const pgCtl = (...args: string[]) =>
    run(join(bin, "pg_ctl"), `--pgdata=${data}`, "--silent", "--wait", ...args);
  const start = () => pgCtl("start", `--log=${join(folder, "log")}`, `--options=${pgOptions}`);
  await start();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    folder,
    crash: () => pgCtl("stop", "--mode=immediate"),
    start,
  };
}

const commonSettings = (folder: string, port: number) => ({
  listen_addresses: "127.0.0.1",
  port,
  unix_socket_directories: folder,
  max_connections: 200,
  shared_buffers: "32MB",
  timezone: "UTC",
  jit: "off",
});

/** Nobody needs these databases after a crash. */
const fastSettings = {
  ...{ fsync: "off", synchronous_commit: "off", full_page_writes: "off" },
  ...{ wal_level: "minimal", max_wal_senders: 0, autovacuum: "off" },
};

function findBinaries(): string {
  const inPath = Bun.which("postgres");
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(inPath ? [dirname(realpathSync(inPath))] : []),
    ...versions.map((version) => join(debian, version, "bin")),
  ];
  const found = folders.find((folder) =>
    ["postgres", "initdb", "pg_ctl"].every((name) => existsSync(join(folder, name))),
  );
  if (found) return found;
  throw new Error(
    "The tests need PostgreSQL's server binaries (postgres, initdb, pg_ctl), in PATH or in " +
      "/usr/lib/postgresql/*/bin. On Debian and Ubuntu: apt-get install postgresql; on Alpine: apk add " +
      "postgresql; on macOS: brew install postgresql.",
  );
}

function majorVersion(bin: string) {
  const { stdout } = Bun.spawnSync([join(bin, "postgres"), "--version"]);
  return Number(/(\d+)/.exec(stdout.toString())?.[1]);
}

interface User {
  name: string;
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root. Undefined: whoever runs the tests is unprivileged already. */
function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const known = findUser("postgres") ?? findUser("nobody");
  if (known) return known;
  Bun.spawnSync(["useradd", "--system", "neocrm-test"]);
  const created = findUser("neocrm-test");
  if (!created) throw new Error("PostgreSQL does not run as root, and there is no other user to run it as.");
  return created;
}

function findUser(wanted: string): User | undefined {
  for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name === wanted) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

async function runAs(user: User | undefined, cwd: string, command: string[]) {
  const child = Bun.spawn([...(user ? becomeUser(user) : []), ...command], {
    cwd,
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C.UTF-8" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  if ((await child.exited) === 0) return;
  const log = join(cwd, "log");
  const details = existsSync(log) ? readFileSync(log, "utf8") : await new Response(child.stderr).text();
  throw new Error(`${command[0]} failed: ${details}`);
}

function becomeUser({ name, uid, gid }: User) {
  if (Bun.which("setpriv")) return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--"];
  return ["runuser", "-u", name, "--"];
}

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  probe.stop(true);
  return probe.port;
}

/**
 * Stops the server and removes its folder when this process is gone, however it ended: the watchdog reads a
 * pipe that the kernel closes with us. It has a session of its own, so that Ctrl-C does not reach it.
 */
function watchOver(folder: string) {
  const script = `
    cat >/dev/null
    for attempt in 1 2 3 4 5; do
      pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null && sleep 0.1
      rm -rf "$0" 2>/dev/null && exit
      sleep 0.5
    done`;
  const watchdog = Bun.spawn(["sh", "-c", script, folder], {
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
    detached: true,
  });
  watchdog.unref();
  keptOpen.push(watchdog);
}

/** The write ends of the watchdogs' pipes: collected as garbage, they would close. */
const keptOpen: unknown[] = [];
