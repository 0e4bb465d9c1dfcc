import { Database } from "bun:sqlite";
import { SQL } from "bun";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBinary } from "../support/binary";
import { randomNumbers } from "../unit/integrations/random";
import { drillEnv, signIn, walk, type Client } from "./api";

export interface ImportsDrill {
  /** Imports, each killed on its way, and then once more while it is taken back. */
  rounds: number;
  /** How often an import is killed: more often than a job may fail that gets no further. */
  killsEach: number;
  rows: number;
  seed: number;
  /** PostgreSQL's URL; SQLite without. */
  databaseUrl?: string;
}

export interface ImportsResult {
  kills: number;
  /** Kills that hit a job on its way, and not before its first row or after its last. */
  midway: number;
  faults: string[];
}

interface Job {
  id: string;
  state: string;
  done: number;
  [count: string]: unknown;
}

type Headers = Record<string, string>;

/** Records that imports change, and rows between two of those. */
const there = 20;
const every = 10;

/**
 * Kills the executable with SIGKILL while it imports, and while it takes that back. What comes of it in the end has to be
 * what comes of it undisturbed: each row once, each count right, and after the undo everything as it was.
 */
export async function importsDrill({
  rounds,
  killsEach,
  rows,
  seed,
  databaseUrl,
}: ImportsDrill): Promise<ImportsResult> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-imports-"));
  const dataDir = join(folder, "data");
  const env = { ...drillEnv, ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }) };
  const random = randomNumbers(seed);
  const result: ImportsResult = { kills: 0, midway: 0, faults: [] };
  let server = await startBinary({ dataDir, env });
  let headers = await signIn(server.url);

  /** Has a job killed after some of it, again and again, and waits for its end in the last process. */
  const disturbed = async (kills: number, begin: () => Promise<Job>): Promise<Job> => {
    const { id } = await begin();
    let job = await look(server.url, headers, id);
    for (let kill = 0; kill < kills; kill++) {
      const until = Math.floor(((kill + random()) * rows) / kills);
      while (job.done < until && isOpen(job)) {
        await Bun.sleep(2);
        job = await look(server.url, headers, id);
      }
      await server.kill();
      result.kills++;
      if (isOpen(job) && job.done > 0) result.midway++;
      await endLeases(dataDir, databaseUrl);
      server = await startBinary({ dataDir, env });
      headers = await signIn(server.url);
    }
    for (;;) {
      job = await look(server.url, headers, id);
      if (!isOpen(job)) return job;
      await Bun.sleep(20);
    }
  };

  try {
    await makeRecords(server.url, headers);
    for (let round = 0; round < rounds; round++) {
      const before = await records(server.url, headers);
      const post = (path: string, body: string, type: string) => send(server.url, headers, path, body, type);
      const job = await disturbed(killsEach, () =>
        post("/api/bulk/clients?mode=upsert&match=external_id", csvOf(round, rows), "text/csv"),
      );
      const after = await records(server.url, headers);
      result.faults.push(...faultsIn(round, rows, job, before, after));
      const undo = await disturbed(1, () => post(`/api/jobs/${job.id}/undo`, "{}", "application/json"));
      const restored = await records(server.url, headers);
      if (
        undo.state !== "succeeded" ||
        undo["skipped"] !== 0 ||
        !Bun.deepEquals(plain(before), plain(restored))
      )
        result.faults.push(
          `round ${round}: the undo, ${JSON.stringify(undo)}, left something else than before`,
        );
    }
    return result;
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const isOpen = ({ state }: Job) => state === "queued" || state === "running";

/** As if the half minute had passed for which a job belongs to a process that is gone. */
async function endLeases(dataDir: string, databaseUrl: string | undefined): Promise<void> {
  const statement = "update jobs set leased_until = 0 where state = 'running'";
  if (databaseUrl === undefined) {
    const db = new Database(join(dataDir, "neocrm.db"));
    db.run(statement);
    db.close();
    return;
  }
  const sql = new SQL(databaseUrl);
  await sql.unsafe(statement);
  await sql.end();
}

async function send(url: string, headers: Headers, path: string, body: string, type: string): Promise<Job> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { ...headers, "content-type": type },
    body,
  });
  if (response.status !== 202) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Job;
}

const look = async (url: string, headers: Headers, id: string): Promise<Job> =>
  (await (await fetch(`${url}/api/jobs/${id}`, { headers })).json()) as Job;

async function makeRecords(url: string, headers: Headers): Promise<void> {
  for (let i = 0; i < there; i++) {
    const body = JSON.stringify({ name: `There ${i}`, external_id: `there-${i}`, company: "before" });
    const response = await fetch(`${url}/api/clients`, { method: "POST", headers, body });
    if (response.status !== 201) throw new Error(await response.text());
  }
}

/** Of ten rows, one changes a record (as long as there are some), and one cannot be taken. */
const kindOf = (i: number) =>
  i % every === 0 && i / every < there ? "change" : i % every === every - 1 ? "fault" : "new";

function csvOf(round: number, rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const kind = kindOf(i);
    const key = kind === "change" ? `there-${i / every}` : `${round}-${i}`;
    return `${key},Row ${i},${kind === "fault" ? "no mail" : `r${round}-${i}@example.com`},company ${round}`;
  });
  return `external_id,name,email,company\n${lines.join("\n")}\n`;
}

/** Every client by its external id; a second one with the same is a fault. */
async function records(url: string, headers: Headers): Promise<Map<string, Client>> {
  const found = await walk(url, headers);
  const byKey = new Map(found.map((client) => [String(client["external_id"]), client]));
  if (byKey.size !== found.length) throw new Error(`${found.length - byKey.size} clients are there twice.`);
  return byKey;
}

/** What undo gives back: all but the marks that something happened. */
const plain = (found: Map<string, Client>) =>
  [...found]
    .map(([, { version: _, updated_at: __, ...rest }]) => rest)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));

function faultsIn(
  round: number,
  rows: number,
  job: Job,
  before: Map<string, Client>,
  after: Map<string, Client>,
): string[] {
  const kinds = Map.groupBy(
    Array.from({ length: rows }, (_, i) => kindOf(i)),
    (kind) => kind,
  );
  const count = (kind: ReturnType<typeof kindOf>) => kinds.get(kind)?.length ?? 0;
  const wanted = {
    ...{ state: "succeeded", done: rows, total: rows, skipped: 0 },
    ...{ created: count("new"), updated: count("change"), failed: count("fault") },
  };
  const faults = Object.entries(wanted)
    .filter(([name, value]) => job[name] !== value)
    .map(([name, value]) => `${name} is ${JSON.stringify(job[name])} and not ${value}`);
  if (after.size !== before.size + count("new")) faults.push(`${after.size} clients`);
  for (const [key, client] of after) {
    const was = before.get(key);
    const version = was ? was.version + 1 : 1;
    if (client.version !== version) faults.push(`${key} has version ${client.version} and not ${version}`);
  }
  return faults.map((fault) => `round ${round}: ${fault}`);
}
