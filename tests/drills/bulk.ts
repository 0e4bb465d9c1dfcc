import { SQL } from "bun";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBinary, type RunningBinary } from "../support/binary";
import { seeded } from "../support/traffic";
import { drillEnv, signIn, walk, type Client } from "./api";

export interface BulkDrill {
  /** More than are changed at once without a job. */
  records: number;
  /** How often the server is killed during each job, at most: a job that ends its processes is given up. */
  killsOfEach: number;
  /** Of when it kills. */
  seed: number;
  /** Two of PostgreSQL, for the run that is killed and for the one that is not; SQLite without. */
  databaseUrls?: readonly [killed: string, undisturbed: string];
}

export interface BulkResult {
  kills: number;
  /** Changes of one record each, in all jobs together. */
  changes: number;
  /** Where the run that was killed again and again differs from the one that nobody disturbed. */
  faults: string[];
}

/** What there is to compare after a job: by name and without instants, which differ between any two runs. */
interface Outcome {
  job: Record<string, unknown>;
  left: string[];
  clients: Record<string, unknown>;
  events: Record<string, string[]>;
}

/**
 * Kills the executable with SIGKILL while many records are changed, then deleted, then brought back, then made what they were, each by
 * a job. What comes of it has to be what comes of the same jobs when nobody kills anything: every record, its version, its
 * events, what the jobs counted and what they left out.
 */
export async function bulkDrill({ databaseUrls, ...drill }: BulkDrill): Promise<BulkResult> {
  const killed = await run(drill, databaseUrls?.[0]);
  const undisturbed = await run({ ...drill, killsOfEach: 0 }, databaseUrls?.[1]);
  const faults = undisturbed.outcomes.flatMap(({ name, outcome }, i) =>
    differences(name, outcome, killed.outcomes[i]!.outcome),
  );
  const changes = killed.outcomes.reduce((sum, { outcome }) => sum + Number(outcome.job["updated"]), 0);
  return { kills: killed.kills, changes, faults };
}

async function run({ records, killsOfEach, seed }: Omit<BulkDrill, "databaseUrls">, databaseUrl?: string) {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-bulk-"));
  const host = new Host(join(folder, "data"), seeded(seed), killsOfEach, databaseUrl);
  const outcomes: { name: string; outcome: Outcome }[] = [];
  try {
    await host.start();
    const ids = await host.addClients(records);
    const ended = async (name: string, path: string, body: object) => {
      const id = await host.jobThroughKills(path, body);
      outcomes.push({ name, outcome: await host.outcome(id) });
      return id;
    };
    // Some of them are older than whoever changes them knows.
    const items = ids.map((id, i) => ({ id, version: i % 50 === 0 ? 99 : 1 }));
    const update = { items, set: { status: "customer", notes: "changed by many" } };
    const updated = await ended("update", "bulk/clients/update", update);
    await host.changeByHand(ids.filter((_, i) => i % 97 === 3));
    const all = { status: "customer", name: { starts_with: "client" } };
    const most = {
      type: "clients",
      filter: all,
      expected_count: items.filter((i) => i.version === 1).length,
    };
    const deleted = await ended("delete", "bulk/delete", most);
    await ended("undo of delete", `jobs/${deleted}/undo`, {});
    await ended("undo of update", `jobs/${updated}/undo`, {});
    await host.stop();
    return { kills: host.kills, outcomes };
  } finally {
    await host.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A server that is killed and started again on the same data. */
class Host {
  kills = 0;
  #server: RunningBinary | undefined;
  #headers: Record<string, string> = {};

  constructor(
    private readonly dataDir: string,
    private readonly random: (below: number) => number,
    private readonly killsOfEach: number,
    private readonly databaseUrl: string | undefined,
  ) {}

  async start(): Promise<void> {
    const env = { ...drillEnv, ...(this.databaseUrl !== undefined && { DATABASE_URL: this.databaseUrl }) };
    this.#server = await startBinary({ dataDir: this.dataDir, env });
    this.#headers = await signIn(this.#server.url);
  }

  async stop(): Promise<void> {
    await this.#server!.stop();
    this.#server = undefined;
  }

  /** Whatever happened, nothing is left running. */
  async end(): Promise<void> {
    await this.#server?.kill();
  }

  async addClients(count: number): Promise<string[]> {
    return inTurns(count, async (i) => {
      const client = { name: `client ${String(i).padStart(5, "0")}`, tags: i % 3 === 0 ? ["vip"] : [] };
      return (await this.#send("POST", "clients", client)).id as string;
    });
  }

  /** Somebody changes these themselves, so that taking back the job leaves that. */
  async changeByHand(ids: readonly string[]): Promise<void> {
    await inTurns(ids.length, (i) => this.#send("PATCH", `clients/${ids[i]}`, { notes: "by hand" }));
  }

  /** Begins a job and sees it to its end, through as many kills as it may have. Gives its id. */
  async jobThroughKills(path: string, body: object): Promise<string> {
    const { id, total } = await this.#send("POST", path, body);
    for (let kill = 0; kill < this.killsOfEach; kill++) {
      const done = await this.#reached(id as string, this.#someWhere(await this.#done(id as string), total));
      if (done === "over") break;
      await Bun.sleep(this.random(15));
      await this.#crash();
    }
    await this.#reached(id as string, Infinity);
    return id as string;
  }

  #someWhere(done: number, total: unknown): number {
    const left = Math.max(0, (typeof total === "number" ? total : 1_000) - done);
    return done + this.random(Math.max(1, Math.ceil(left / 2)));
  }

  async outcome(jobId: string): Promise<Outcome> {
    const clients = await walk(this.#server!.url, this.#headers, "&deleted=with&sort=name");
    const names = new Map(clients.map(({ id, name }) => [id, name]));
    const { state, done, total, updated, skipped } = await this.#send("GET", `jobs/${jobId}`);
    const csv = await this.#text(`jobs/${jobId}/errors.csv`);
    const left = csv.split("\r\n").map((line) => line.replace(/[0-9a-f-]{36}/, (id) => names.get(id) ?? id));
    return {
      job: { state, done, total, updated, skipped },
      left: left.toSorted(),
      clients: Object.fromEntries(clients.map((client) => [client.name, lastingOf(client)])),
      events: await this.#eventsOf(clients, names),
    };
  }

  /** What happened to each client, in the order of its versions: it is told a moment after it happened. */
  async #eventsOf(clients: readonly Client[], names: ReadonlyMap<string, string>) {
    const wanted = clients.reduce((sum, { version }) => sum + version, 0);
    const giveUpAt = performance.now() + 30_000;
    for (;;) {
      const events = await this.#events(names);
      const found = Object.values(events).reduce((sum, each) => sum + each.length, 0);
      if (found >= wanted || performance.now() > giveUpAt) return events;
      await Bun.sleep(100);
    }
  }

  async #events(names: ReadonlyMap<string, string>): Promise<Record<string, string[]>> {
    const events: Record<string, string[]> = {};
    for (let cursor = ""; ;) {
      const path = `activities?filter[entity_type]=client&sort=created_at&limit=200&count=none${cursor}`;
      const page = (await this.#send("GET", path)) as unknown as {
        data: { id: string; entity_id: string; type?: string; action?: string }[];
        pagination: { next_cursor: string | null };
      };
      for (const { entity_id, action } of page.data) (events[names.get(entity_id)!] ??= []).push(action!);
      if (page.pagination.next_cursor === null) return events;
      cursor = `&cursor=${page.pagination.next_cursor}`;
    }
  }

  async #crash(): Promise<void> {
    this.kills++;
    await this.#server!.kill();
    if (this.databaseUrl !== undefined) await leasesEnd(this.databaseUrl);
    await this.start();
  }

  async #done(id: string): Promise<number> {
    return Number((await this.#send("GET", `jobs/${id}`)).done ?? 0);
  }

  async #reached(id: string, wanted: number): Promise<number | "over"> {
    const giveUpAt = performance.now() + 120_000;
    while (performance.now() < giveUpAt) {
      const { state, done } = await this.#send("GET", `jobs/${id}`);
      if (state !== "queued" && state !== "running") return "over";
      if (Number(done ?? 0) >= wanted) return Number(done ?? 0);
      await Bun.sleep(2);
    }
    throw new Error(`The job ${id} does not come to ${wanted}.`);
  }

  async #send(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    return JSON.parse(await this.#text(path, method, body)) as Record<string, unknown>;
  }

  async #text(path: string, method = "GET", body?: object): Promise<string> {
    const response = await fetch(`${this.#server!.url}/api/${path}`, {
      ...{ method, headers: this.#headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  }
}

/** As if the time of a lease had passed: whoever held it is no more. One process takes back its own at once. */
async function leasesEnd(url: string): Promise<void> {
  const sql = new SQL({ url, max: 1 });
  await sql`update jobs set leased_until = 0 where leased_until is not null`;
  await sql.close();
}

/** What of a client is the same in every run. */
const lastingOf = ({ status, notes, tags, version, deleted_at }: Client) => ({
  ...{ status, notes, tags, version },
  isDeleted: deleted_at !== null,
});

const atOnce = 20;

async function inTurns<Result>(count: number, work: (i: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let first = 0; first < count; first += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, count - first) }, (_, i) => work(first + i));
    results.push(...(await Promise.all(some)));
  }
  return results;
}

function differences(name: string, wanted: Outcome, found: Outcome): string[] {
  return (Object.keys(wanted) as (keyof Outcome)[]).flatMap((part) => {
    const [all, others] = [wanted[part] as Record<string, unknown>, found[part] as Record<string, unknown>];
    return [...new Set([...Object.keys(all), ...Object.keys(others)])]
      .filter((key) => !Bun.deepEquals(all[key], others[key]))
      .map(
        (key) => `${name}, ${part} ${key}: ${JSON.stringify(others[key])}, not ${JSON.stringify(all[key])}`,
      );
  });
}
