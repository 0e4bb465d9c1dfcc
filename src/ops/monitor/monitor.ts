import { stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { day, hour, minute, monotonic, now, second } from "../../clock";
import type { Store } from "../../db/store";
import type { JobRow } from "../../jobs/job";
import { mailJob } from "../../mails/queue";
import { log } from "../logging";
import type { Metrics } from "../metrics";
import { quantile, type Series } from "../metrics/histogram";
import { History, type Sample } from "./history";
import { activeUsers, countedJobs, isQuicklyCounted, openJobs } from "./store";

/** What is watched. */
export interface MonitorSources {
  metrics: Metrics;
  store: Store;
  hub: { readonly size: number };
  dataDir: string;
}

/** What the database says, at most `lookMs` old. */
interface Figures {
  jobs: { kind: string; state: string; count: number; first: number }[];
  activeUsers: { hour: number; day: number };
  disk: { free: number; size: number } | null;
  /** SQLite's files: `main` and `wal`. */
  database: Record<string, number>;
}

/** Everything that only grows. */
interface Totals {
  at: number;
  answers: Float64Array;
  errors: number;
  delays: Float64Array;
  cpu: number;
}

const lookMs = 10 * second;
/** Who waits for a turn in the reader with the others: the server itself. */
const caller = "monitor";

/**
 * Watches the server for those who look after it: what it did in the last minute, what waits, and each minute of the last
 * 24 hours.
 */
export class Monitor {
  readonly #history: History;
  /** Every look of the last minute, the oldest first. */
  readonly #looks: Totals[] = [];
  #minute: Totals;
  #figures: Figures = { jobs: [], activeUsers: { hour: 0, day: 0 }, disk: null, database: {} };
  #timer: ReturnType<typeof setInterval> | undefined;
  #looking: Promise<void> | undefined;

  constructor(private readonly sources: MonitorSources) {
    this.#history = new History(join(sources.dataDir, "monitor.ndjson"));
    this.#minute = this.#totals();
    this.#looks.push(this.#minute);
    this.#show();
  }

  /** From here on it looks, and remembers what was before. */
  start(): void {
    this.#looking = this.#begin();
    this.#timer = setInterval(() => void this.look(), lookMs);
    this.#timer.unref();
  }

  /** Looks now. Once a minute, what it saw since then is kept. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  /** The first of the jobs under way that say how far they are; none while the database does not answer. */
  async underWay(limit: number): Promise<JobRow[]> {
    return countedJobs.all(this.sources.store.aside(caller), { limit }).catch(() => []);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  get figures(): Figures {
    return this.#figures;
  }

  /** The last 24 hours, a sample for each minute. */
  get history(): readonly Sample[] {
    return this.#history.samples;
  }

  /** What happened in the last minute, or since the start where that is not so long ago. */
  get latest(): Sample & { seconds: number } {
    const [since, until] = [this.#looks[0]!, this.#totals()];
    return { ...this.#sample(since, until), seconds: Math.max(1, (until.at - since.at) / second) };
  }

  async #begin(): Promise<void> {
    await this.#history.load();
    this.#looking = undefined;
    await this.look();
  }

  async #look(): Promise<void> {
    this.#figures = await this.#ask();
    const totals = this.#totals();
    this.#looks.push(totals);
    while (this.#looks.length > 2 && totals.at - this.#looks[1]!.at >= minute) this.#looks.shift();
    if (totals.at - this.#minute.at < minute) return;
    const sample = this.#sample(this.#minute, totals);
    this.#minute = totals;
    await this.#history.add(sample);
  }

  /** What cannot be asked now stays as it was: a database that is down is told of by the health checks. */
  async #ask(): Promise<Figures> {
    const { store, dataDir } = this.sources;
    const at = now();
    try {
      // A worker that is started and kept for a few rows costs more than they do.
      const session = (await isQuicklyCounted(store.read)) ? store.read : store.aside(caller);
      const jobs = await openJobs.all(session, {});
      const [lastHour] = await activeUsers.all(session, { since: at - hour });
      const [lastDay] = await activeUsers.all(session, { since: at - day });
      const { bavail, blocks, bsize } = await statfs(dataDir);
      return {
        jobs,
        activeUsers: { hour: lastHour!.count, day: lastDay!.count },
        disk: { free: bavail * bsize, size: blocks * bsize },
        database: store.engine === "sqlite" ? await databaseSizes(dataDir) : {},
      };
    } catch (error) {
      log.debug("The figures of the server could not be read", { error });
      return this.#figures;
    }
  }

  #totals(): Totals {
    const { requests, eventLoopDelay } = this.sources.metrics;
    const { user, system } = process.cpuUsage();
    return {
      at: monotonic(),
      answers: summed(requests.answers),
      errors: summed(requests.answers.filter(isError)).reduce((sum, count) => sum + count, 0),
      delays: eventLoopDelay.counts.slice(),
      cpu: (user + system) / 1e6,
    };
  }

  #sample(since: Totals, until: Totals): Sample {
    const { metrics, hub } = this.sources;
    const bounds = metrics.requests.answers[0]?.bounds ?? [];
    const answers = difference(until.answers, since.answers);
    const ms = (seconds: number | null) => (seconds === null ? null : Math.round(seconds * 1e6) / 1e3);
    const at = (share: number) => ms(quantile(bounds, answers, share));
    const seconds = (until.at - since.at) / second;
    const delays = difference(until.delays, since.delays);
    return {
      at: now(),
      requests: answers.reduce((sum, count) => sum + count, 0),
      errors: until.errors - since.errors,
      ...{ p50: at(0.5), p95: at(0.95), p99: at(0.99) },
      cpu: seconds > 0 ? Math.round(((until.cpu - since.cpu) / seconds) * 1_000) / 1_000 : 0,
      memory: process.memoryUsage.rss(),
      delay: ms(quantile(metrics.eventLoopDelay.bounds, delays, 0.99)),
      sockets: hub.size,
      disk_free: this.#figures.disk?.free ?? null,
    };
  }

  /** Shows Prometheus what is known. */
  #show(): void {
    const { metrics } = this.sources;
    metrics.gauges(
      { name: "neocrm_active_users", help: "People who were here within a time.", label: "within" },
      () => ({ "1h": this.#figures.activeUsers.hour, "24h": this.#figures.activeUsers.day }),
    );
    metrics.gauges(
      { name: "neocrm_jobs", help: "Jobs that wait, run, or have failed for good.", label: "state" },
      () => byState(this.#figures.jobs),
    );
    metrics.gauges(
      {
        name: "neocrm_mails",
        help: "Mails that wait, are being sent, or have failed for good.",
        label: "state",
      },
      () => byState(this.#figures.jobs.filter(({ kind }) => kind === mailJob)),
    );
    metrics.gauges(
      { name: "neocrm_disk_bytes", help: "The disk of the data directory.", label: "part" },
      () => ({ ...this.#figures.disk }),
    );
    const late = "Age of the oldest job that is due and that nobody has taken.";
    metrics.gauge("neocrm_jobs_oldest_due_seconds", late, () => lateness(this.#figures.jobs));
    if (this.sources.store.engine !== "sqlite") return;
    metrics.gauges(
      { name: "neocrm_database_bytes", help: "The database's file, and its write-ahead log.", label: "part" },
      () => this.#figures.database,
    );
  }
}

async function databaseSizes(dataDir: string): Promise<Record<string, number>> {
  const size = async (name: string) => (await stat(join(dataDir, name)).catch(() => undefined))?.size ?? 0;
  return { main: await size("neocrm.db"), wal: await size("neocrm.db-wal") };
}

function lateness(jobs: Figures["jobs"]): number {
  const first = Math.min(...jobs.filter(({ state }) => state === "queued").map(({ first }) => first));
  return Math.max(0, (now() - first) / second);
}

const isError = ({ labels: { status } }: Series<"route" | "method" | "status">) => status.startsWith("5");

/** All values, in the buckets that all series have alike. */
function summed(all: readonly Series<never>[]): Float64Array {
  const sum = new Float64Array(all[0]?.counts.length ?? 0);
  for (const { counts } of all) counts.forEach((count, bucket) => (sum[bucket]! += count));
  return sum;
}

/** Before the first value, there were no buckets. */
const difference = (until: Float64Array, since: Float64Array) =>
  until.map((count, bucket) => count - (since[bucket] ?? 0));

function byState(jobs: Figures["jobs"]): Record<string, number> {
  const all: Record<string, number> = { queued: 0, running: 0, failed: 0 };
  for (const { state, count } of jobs) all[state]! += count;
  return all;
}
