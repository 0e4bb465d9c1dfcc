import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, runBinary, startBinary } from "../support/binary";
import { oneFile, sha256 } from "../support/files";
import { seeded } from "../support/traffic";
import { drillEnv, signIn, walk } from "./api";

export interface BackupDrill {
  rounds: number;
  writers: number;
  seed: number;
  /** Gives an empty PostgreSQL database for each installation; SQLite without. */
  newDatabase?: () => Promise<string>;
}

export interface BackupResult {
  backups: number;
  /** Clients and files that were acknowledged before a backup began, looked for after its restore. */
  acknowledged: number;
  faults: string[];
}

type Headers = Record<string, string>;

/** What the server acknowledged: clients by id with their names, files by id with their hashes. */
interface Known {
  clients: Map<string, string>;
  files: Map<string, string>;
}

/**
 * Backs up while many write, kills the executable with SIGKILL, restores elsewhere and compares: whatever was acknowledged
 * before a backup began is there, with its bytes. In each round, the kill breaks off a second backup, with which the command
 * goes on by itself.
 */
export async function backupDrill({
  rounds,
  writers,
  seed,
  newDatabase,
}: BackupDrill): Promise<BackupResult> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-backup-"));
  const random = seeded(seed);
  const to = join(folder, "backups");
  const environment = async () => ({
    ...drillEnv,
    ...(newDatabase && { DATABASE_URL: await newDatabase() }),
  });
  const env = await environment();
  const dataDir = join(folder, "data");
  const known: Known = { clients: new Map(), files: new Map() };
  const result: BackupResult = { backups: 0, acknowledged: 0, faults: [] };
  try {
    for (let round = 0; round < rounds; round++) {
      const server = await startBinary({ dataDir, env });
      const headers = await signIn(server.url);
      const work = Array.from({ length: writers }, (_, writer) =>
        writeUntilKilled(server.url, headers, known, `${round}-${writer}`),
      );
      const enough = known.files.size + writers * 2;
      while (known.files.size < enough) await Bun.sleep(1);
      const before: Known = { clients: new Map(known.clients), files: new Map(known.files) };
      const made = await runBinary(["backup", "--to", to, "--data-dir", dataDir], { env });
      if (made.code !== 0) result.faults.push(`backup: ${made.code} ${made.out}${made.err}`);
      const backup = newestIn(to);
      result.backups++;

      const second = runBinary(["backup", "--to", to, "--data-dir", dataDir], { env });
      await Bun.sleep(random(150));
      await server.kill();
      await Promise.all(work);
      const { code, out, err } = await second;
      if (code === 0) result.backups++;
      else result.faults.push(`backup whose server was killed: ${code} ${out}${err}`);

      const elsewhere = { dataDir: join(folder, `elsewhere-${round}`), env: await environment() };
      const restored = await runBinary(
        ["restore", "--from", join(to, backup), "--data-dir", elsewhere.dataDir],
        {
          env: elsewhere.env,
        },
      );
      if (restored.code !== 0) result.faults.push(`restore: ${restored.code} ${restored.out}${restored.err}`);
      const other = await startBinary(elsewhere);
      result.acknowledged += before.clients.size + before.files.size;
      result.faults.push(...(await faultsIn(other.url, before)));
      await other.stop();
      rmSync(elsewhere.dataDir, { recursive: true, force: true });
    }
    const verified = await runBinary(["backup", "verify", "--to", to], { env });
    if (verified.code !== 0) result.faults.push(verified.out + verified.err);
    const left = readdirSync(to).filter((name) => name.endsWith(".partial"));
    result.faults.push(...left.map((name) => `${name} is left`));
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const newestIn = (to: string) =>
  readdirSync(to)
    .filter((name) => /^\d{8}T\d{9}Z$/.test(name))
    .toSorted()
    .at(-1)!;

async function writeUntilKilled(url: string, headers: Headers, known: Known, name: string): Promise<void> {
  for (let i = 0; ; i++) {
    // There is to be load, and not more than can be compared.
    await Bun.sleep(20);
    try {
      const body = JSON.stringify({ name: `Client ${name} ${i}` });
      const client = await fetch(`${url}/api/clients`, { method: "POST", headers, body });
      known.clients.set(((await client.json()) as { id: string }).id, `Client ${name} ${i}`);
      const bytes = `${name} ${i % 7} `.repeat(1 + ((i * 397) % 5_000));
      const form = oneFile(`${name}-${i}.txt`, bytes);
      const file = await fetch(`${url}/api/files/upload`, {
        method: "POST",
        headers: { ...headers, ...form.headers },
        body: form.raw,
      });
      known.files.set(((await file.json()) as { id: string }).id, sha256(bytes));
    } catch {
      return;
    }
  }
}

/** What was acknowledged and is not there as it was. */
async function faultsIn(url: string, { clients, files }: Known): Promise<string[]> {
  const headers = await signIn(url);
  const found = new Map((await walk(url, headers)).map(({ id, name }) => [id, name]));
  const faults = [...clients]
    .filter(([id, name]) => found.get(id) !== name)
    .map(([id]) => `client ${id} is lost`);
  for (const [id, hash] of files) {
    const answer = await fetch(`${url}/api/files/${id}/download`, { headers });
    const bytes = await answer.bytes();
    if (answer.status !== 200 || sha256(bytes) !== hash) faults.push(`file ${id}: ${answer.status}`);
  }
  return faults.slice(0, mostShown);
}

/** Of what is wrong after one restore. */
const mostShown = 10;

export interface RestoreResult {
  kills: number;
  /** After how many of them there was what was there before, and after how many what was restored. */
  old: number;
  restored: number;
  faults: string[];
}

/** Kills a restore with SIGKILL at any moment: there is what was there before, or what was restored, and never half. */
export async function restoreDrill({
  kills,
  seed,
  newDatabase,
}: Omit<BackupDrill, "rounds" | "writers"> & { kills: number }): Promise<RestoreResult> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-restore-"));
  const random = seeded(seed);
  const env = { ...drillEnv, ...(newDatabase && { DATABASE_URL: await newDatabase() }) };
  const dataDir = join(folder, "data");
  const to = join(folder, "backups");
  const restore = ["restore", "--from", to, "--replace", "--data-dir", dataDir];
  const result: RestoreResult = { kills: 0, old: 0, restored: 0, faults: [] };
  try {
    await write(dataDir, env, "backed up");
    await runBinary(["backup", "--to", to, "--data-dir", dataDir], { env });
    const started = performance.now();
    await runBinary(restore, { env });
    const whole = performance.now() - started;
    for (; result.kills < kills; result.kills++) {
      await write(dataDir, env, "since");
      const child = Bun.spawn([await binary(), ...restore], {
        env: { PATH: process.env.PATH ?? "", ...env },
        stdio: ["ignore", "ignore", "ignore"],
      });
      await Bun.sleep(random(Math.ceil(whole * 1.2)));
      child.kill("SIGKILL");
      await child.exited;
      const names = await read(dataDir, env);
      if (names.join() === "backed up") result.restored++;
      else if (names.length > 1 && names.every((name) => name === "backed up" || name === "since"))
        result.old++;
      else result.faults.push(names.join());
      const verified = await runBinary(["blobs", "verify", "--data-dir", dataDir], { env });
      if (verified.code !== 0) result.faults.push(verified.out + verified.err);
    }
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Adds a client and a file of that name. */
async function write(dataDir: string, env: Headers, name: string): Promise<void> {
  const server = await startBinary({ dataDir, env });
  const headers = await signIn(server.url);
  await fetch(`${server.url}/api/clients`, { method: "POST", headers, body: JSON.stringify({ name }) });
  const form = oneFile("file.txt", name.repeat(100_000));
  await fetch(`${server.url}/api/files/upload`, {
    method: "POST",
    headers: { ...headers, ...form.headers },
    body: form.raw,
  });
  await server.stop();
}

/** The names of all clients. */
async function read(dataDir: string, env: Headers): Promise<string[]> {
  const server = await startBinary({ dataDir, env });
  try {
    return (await walk(server.url, await signIn(server.url))).map(({ name }) => name).toSorted();
  } finally {
    await server.stop();
  }
}
