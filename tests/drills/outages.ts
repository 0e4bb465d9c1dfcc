/**
 * What operations have to live through, on the executable: a disk that fills or fails, a clock that is set, a database that goes
 * away. Each ends with what was acknowledged being there, and the server working without anybody's hand.
 */
import { Database } from "bun:sqlite";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { minute, second } from "../../src/clock";
import { runBinary, startBinary, type RunningBinary } from "../support/binary";
import { sha256 } from "../support/files";
import { newDatabase, postgres } from "../support/postgres";
import { startMailServer } from "../support/smtp";
import { adminEmail, drillEnv, signIn } from "./api";
import { Writers } from "./writers";

/** How writers fared. */
export interface Outage {
  acknowledged: number;
  /** Statuses of writes during the outage; 0 is no answer. */
  refused: number[];
  /** Status of a read, and what `/health` said, meanwhile. */
  read: number;
  health: string;
  /** Acknowledged writes that were not there exactly once at the end. */
  lost: string[];
}

const folderFor = (name: string) => mkdtempSync(join(tmpdir(), `neocrm-${name}-`));

async function statusOf(
  server: RunningBinary,
  headers: Record<string, string>,
  path: string,
): Promise<number> {
  const answer = await fetch(server.url + path, { headers });
  await answer.arrayBuffer();
  return answer.status;
}

async function healthOf({ url }: RunningBinary): Promise<string> {
  return ((await (await fetch(`${url}/health`)).json()) as { status: string }).status;
}

/** Has many write, breaks something, sees how that is told, mends it, and counts. */
async function outage(
  server: RunningBinary,
  breakIt: () => Promise<() => Promise<unknown>>,
): Promise<Outage> {
  const headers = await signIn(server.url);
  const writers = new Writers(server, headers);
  await writers.advance(100);
  const mend = await breakIt();
  const refused = await writers.refusals(20);
  const read = await statusOf(server, headers, "/api/clients?limit=1&count=none");
  const health = await healthOf(server);
  await mend();
  await writers.advance(100);
  await writers.stop();
  const lost = await writers.missing(server.url);
  return { acknowledged: writers.acknowledged.size, refused, read, health, lost };
}

/** The disk of the data directory, of 32 MiB, becomes full, and then there is room again. */
export async function fullDiskDrill(): Promise<Outage> {
  const folder = folderFor("full-disk");
  const dataDir = join(folder, "data");
  mkdirSync(dataDir, { mode: 0o700 });
  const mount = `mount -t tmpfs -o size=32m,mode=0700 tmpfs "$0" && exec "$@"`;
  const wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, dataDir];
  const server = await startBinary({ dataDir, env: drillEnv, wrapper });
  const within = (script: string) =>
    run(["nsenter", "-t", `${server.pid}`, "-U", "-m", "--preserve-credentials", "sh", "-c", script]);
  try {
    return await outage(server, async () => {
      // Until nothing fits any more, which is no success for `dd`.
      await within(`dd if=/dev/zero of=${dataDir}/ballast bs=64k 2>/dev/null || true`);
      return () => within(`rm ${dataDir}/ballast`);
    });
  } finally {
    // The mount is the server's own: from here its data cannot be seen, nor its pid in the directory.
    process.kill(server.pid, "SIGTERM");
    await server.process.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Every write to the database's files fails, as on a disk that the kernel made read-only after an error (EROFS), and then none.
 * A file system that has open files cannot be mounted read-only by hand, so the calls themselves are made to fail.
 */
export async function readOnlyDrill(): Promise<Outage> {
  const folder = folderFor("read-only");
  const server = await startBinary({ dataDir: join(folder, "data"), env: drillEnv });
  try {
    return await outage(server, async () => {
      const files = ["neocrm.db", "neocrm.db-wal"].flatMap((name) => ["-P", join(server.dataDir, name)]);
      const fault = "inject=pwrite64,write,fdatasync,fsync:error=EROFS";
      const command = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-p",
        `${server.pid}`,
        ...files,
        "-e",
        fault,
      ];
      const strace = Bun.spawn(command, { stdio: ["ignore", "ignore", "pipe"] });
      return async () => {
        strace.kill("SIGINT");
        await strace.exited;
      };
    });
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** PostgreSQL crashes under the writers, and comes back. */
export async function postgresDrill(): Promise<Outage> {
  const databaseUrl = await newDatabase({ durable: true, empty: true });
  const { crash, start } = await postgres({ durable: true });
  const server = await startBinary({ env: { ...drillEnv, DATABASE_URL: databaseUrl } });
  try {
    return await outage(server, async () => {
      await crash();
      return start;
    });
  } finally {
    await server.stop();
  }
}

export interface DamageResult {
  /** Statuses of reading and of changing each client, and of making new ones; how often each. */
  reads: Record<number, number>;
  changes: Record<number, number>;
  additions: Record<number, number>;
  health: string;
  /** Whether the log says so. */
  isLogged: boolean;
}

/** A page of the table of clients is overwritten while the server is stopped. */
export async function damageDrill(clients = 400): Promise<DamageResult> {
  const folder = folderFor("damage");
  const dataDir = join(folder, "data");
  const file = join(dataDir, "neocrm.db");
  try {
    const ids = await fill(dataDir, clients);
    overwritePage(file);
    const server = await startBinary({ dataDir, env: drillEnv });
    const headers = await signIn(server.url);
    const count = async (
      of: readonly string[],
      init: (id: string) => [path: string, method: string, body?: string],
    ) => {
      const counts: Record<number, number> = {};
      for (const id of of) {
        const [path, method, body] = init(id);
        const answer = await fetch(server.url + path, {
          method,
          headers,
          ...(body !== undefined && { body }),
        });
        await answer.arrayBuffer();
        counts[answer.status] = (counts[answer.status] ?? 0) + 1;
      }
      return counts;
    };
    const result = {
      reads: await count(ids, (id) => [`/api/clients/${id}`, "GET"]),
      changes: await count(ids, (id) => [`/api/clients/${id}`, "PATCH", '{"notes":"changed"}']),
      additions: await count(ids.slice(0, 20), (id) => ["/api/clients", "POST", `{"name":"After ${id}"}`]),
      health: await healthOf(server),
    };
    await server.stop();
    return { ...result, isLogged: server.log().includes("database disk image is malformed") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(dataDir: string, clients: number): Promise<string[]> {
  const server = await startBinary({ dataDir, env: drillEnv });
  const headers = await signIn(server.url);
  const ids: string[] = [];
  for (let i = 0; i < clients; i++) {
    const body = JSON.stringify({ name: `Client ${i}`, notes: "n".repeat(500) });
    const answer = await fetch(`${server.url}/api/clients`, { method: "POST", headers, body });
    ids.push(((await answer.json()) as { id: string }).id);
  }
  await server.stop();
  return ids;
}

/** Noise in the place of a page that holds records, in the middle of the table. */
function overwritePage(file: string): void {
  const db = new Database(file);
  const { page_size: size } = db.query<{ page_size: number }, []>("PRAGMA page_size").get()!;
  const leaves = db
    .query<{ pageno: number }, []>(
      "SELECT pageno FROM dbstat WHERE name = 'clients' AND pagetype = 'leaf' ORDER BY pageno",
    )
    .all();
  db.close();
  const { pageno } = leaves[leaves.length >> 1]!;
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, crypto.getRandomValues(new Uint8Array(size)), 0, size, (pageno - 1) * size);
  closeSync(descriptor);
}

export interface LostBytesResult {
  /** Statuses: the file whose bytes are gone, another file, and a backup's exit code. */
  gone: number;
  other: number;
  backup: number;
  health: string;
  /** Whether the log says which bytes. */
  isLogged: boolean;
  /** Once the same bytes were uploaded again: the new file, and the one from before. */
  back: number[];
  /** How writers fared meanwhile. */
  acknowledged: number;
  lost: string[];
}

/** The bytes of a file are removed under the server, and uploaded again as another file. */
export async function lostBytesDrill(): Promise<LostBytesResult> {
  const folder = folderFor("lost-bytes");
  const server = await startBinary({ dataDir: join(folder, "data"), env: drillEnv });
  try {
    const headers = await signIn(server.url);
    const writers = new Writers(server, headers);
    const add = (text: string) => uploadText(server.url, headers, text);
    const read = (id: string) => statusOf(server, headers, `/api/files/${id}/download`);
    const [one, two] = [await add("one"), await add("two")];
    rmSync(await blobOf(server.dataDir, "one"));
    const result = {
      ...{ gone: await read(one), other: await read(two), health: await healthOf(server) },
      backup: (await runBinary(["backup", "--to", join(folder, "backups"), "--data-dir", server.dataDir]))
        .code,
    };
    const again = await add("one");
    const back = [await read(again), await read(one)];
    await writers.advance(100);
    await writers.stop();
    const lost = await writers.missing(server.url);
    const isLogged = server.log().includes(`The bytes of ${sha256("one")} are gone`);
    return { ...result, isLogged, back, acknowledged: writers.acknowledged.size, lost };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the id of the file */
async function uploadText(url: string, { authorization }: Record<string, string>, text: string) {
  const body = new FormData();
  body.append("file", new Blob([text]), "text.txt");
  const answer = await fetch(`${url}/api/files/upload`, {
    method: "POST",
    headers: { authorization: authorization! },
    body,
  });
  return ((await answer.json()) as { id: string }).id;
}

/** Where a server keeps this text on its disk. */
async function blobOf(dataDir: string, text: string): Promise<string> {
  const names = new Bun.Glob(`blobs/??/${sha256(text)}-*`).scan({ cwd: dataDir, absolute: true });
  return (await Array.fromAsync(names))[0]!;
}

export interface ClockResult {
  /** Statuses of a read and a write an hour ahead: with a token from before that the server had not seen yet. */
  ahead: number[];
  /** The same a day back, with a token from ahead. */
  back: number[];
  /** After signing in again. */
  signedInAhead: number[];
  signedInBack: number[];
  /** Whether writers lost anything. */
  lost: string[];
  acknowledged: number;
  /** What was written at each time, in the order in which it happened. */
  order: string[];
  readyThroughout: boolean;
}

/** What lets a process have a clock of its own. */
function faketime(): string {
  const [library] = new Bun.Glob("/usr/lib/*/faketime/libfaketime.so.1").scanSync({
    cwd: "/",
    absolute: true,
  });
  if (library === undefined) throw new Error("The drill of the clock needs libfaketime (Debian: faketime).");
  return library;
}

/** The clock of the server goes an hour ahead, and then a day back, while it works. */
export async function clockDrill(): Promise<ClockResult> {
  const folder = folderFor("clock");
  const clock = join(folder, "clock");
  writeFileSync(clock, "+0");
  const env = {
    ...drillEnv,
    ...{ LD_PRELOAD: faketime(), FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_CACHE_DURATION: "1" },
    ...{ FAKETIME_DONT_FAKE_MONOTONIC: "1" },
  };
  const server = await startBinary({ dataDir: join(folder, "data"), env });
  const isSet = async (offset: number) => {
    const { headers } = await fetch(`${server.url}/health/live`);
    return Math.abs(Date.parse(headers.get("date")!) - Date.now() - offset * second) < minute;
  };
  const set = async (to: string) => {
    writeFileSync(clock, to);
    // libfaketime reads it again after as long as it was told, on a busy machine later.
    await Bun.sleep(1_500);
    for (let tries = 0; tries < 200 && !(await isSet(Number(to))); tries++) await Bun.sleep(100);
  };
  try {
    let headers = await signIn(server.url);
    const unseen = await signIn(server.url);
    const order: string[] = [];
    const ask = async (name: string) => {
      const body = JSON.stringify({ name });
      const answer = await fetch(`${server.url}/api/clients`, { method: "POST", headers, body });
      if (answer.status === 201) order.push(name);
      await answer.arrayBuffer();
      return [await statusOf(server, headers, "/api/users/me"), answer.status];
    };
    await ask("Before");
    const ready = async () => (await fetch(`${server.url}/health/ready`)).ok;
    await set("+3600");
    headers = unseen;
    const ahead = await ask("With the old token, ahead");
    headers = await signIn(server.url);
    const signedInAhead = await ask("Ahead");
    const aheadReady = await ready();
    await set("-86400");
    const back = await ask("With the token from ahead, back");
    headers = await signIn(server.url);
    const signedInBack = await ask("Back");
    const backReady = await ready();
    const writers = new Writers(server, headers, 4);
    await writers.advance(50);
    await set("+0");
    headers = await signIn(server.url);
    await writers.stop();
    const again = new Writers(server, headers, 4);
    await again.advance(50);
    await again.stop();
    const lost = [...(await again.missing(server.url))];
    return {
      ...{ ahead, back, signedInAhead, signedInBack, lost, order },
      acknowledged: writers.acknowledged.size + again.acknowledged.size,
      readyThroughout: aheadReady && backReady && (await ready()),
    };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface MailResult {
  /** What the request for a mail got while the mail server was away. */
  status: number;
  /** Mails in the queue meanwhile, and how many came once it was back. */
  waited: number;
  delivered: number;
  /** Whether they came without anybody's hand. */
  seconds: number;
}

/** The mail server is away when mails are due, and comes back: they come by themselves, each once. Takes over a minute. */
export async function mailDrill(): Promise<MailResult> {
  const away = await startMailServer();
  const { port } = away;
  await away.close();
  const env = { ...drillEnv, SMTP_URL: `smtp://127.0.0.1:${port}`, NEOCRM_MAIL_TLS: "none" };
  const server = await startBinary({ env });
  try {
    const headers = await signIn(server.url);
    const asked = await fetch(`${server.url}/api/auth/password/forgot`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: adminEmail }),
    });
    const mails = async () => {
      const answer = await fetch(`${server.url}/api/admin/jobs?filter[kind]=mail`, { headers });
      return ((await answer.json()) as { data: { state: string; error: string | null }[] }).data;
    };
    const tried = async () => (await mails()).filter(({ error }) => error !== null);
    while ((await tried()).length === 0) await Bun.sleep(100);
    const waited = (await mails()).filter(({ state }) => state === "queued").length;
    const back = await startMailServer({}, port);
    const startedAt = performance.now();
    while (back.taken.length < waited && performance.now() - startedAt < 180_000) await Bun.sleep(200);
    const seconds = (performance.now() - startedAt) / 1_000;
    await Bun.sleep(1_000);
    await back.close();
    return { status: asked.status, waited, delivered: back.taken.length, seconds };
  } finally {
    await server.stop();
  }
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdio: ["ignore", "ignore", "pipe"] });
  const errors = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${errors}`);
}
