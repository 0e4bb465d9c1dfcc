import { statfs } from "node:fs/promises";
import { monotonic, second } from "../clock";
import type { Store } from "../db/store";
import { log } from "./logging";

/** How well something works. */
export type Status = "ok" | "degraded" | "down";

/** How one thing that the server depends on is doing. */
export interface Check {
  status: Status;
  /** What is wrong and what to do about it, or `null`. */
  detail: string | null;
}

/** `down` when nothing works, `degraded` when something will soon not. */
export interface HealthReport {
  status: Status;
  uptime_seconds: number;
  checks: { database: Check; disk: Check; writers: Check; passwords: Check };
}

/** What is looked after. */
export interface HealthOptions {
  store: Pick<Store, "ping" | "waiting">;
  hasher: { readonly waiting: number; readonly places: number };
  dataDir: string;
  /** Whether a read or a write found the database damaged. */
  isDamaged?: () => boolean;
}

/** Free bytes of the data directory below which the server says `degraded`. */
export const lowDiskBytes = 500 * 1024 * 1024;
/** … and below which it says `down`. */
export const lastDiskBytes = 20 * 1024 * 1024;
const manyWrites = 2_000;
/** Probes come from several places at once; the answer is as good for all of them. */
const keptMs = second;

/** Looks after what the server depends on. */
export class Health {
  readonly #startedAt = monotonic();
  #last: { at: number; report: Promise<HealthReport> } | undefined;
  #stopping = false;

  constructor(private readonly options: HealthOptions) {}

  /** From here on the server is not ready: load balancers send nothing more. */
  stop(): void {
    this.#stopping = true;
  }

  /** Whether requests are served: not while stopping, nor while something is down. */
  async isReady(): Promise<boolean> {
    return !this.#stopping && (await this.report()).status !== "down";
  }

  /** The state of everything, at most a second old. */
  report(): Promise<HealthReport> {
    const at = monotonic();
    if (!this.#last || this.#last.at + keptMs < at) this.#last = { at, report: this.#check() };
    return this.#last.report;
  }

  /** How each thing is doing, as a number that alerts can look at. */
  async figures(): Promise<Record<string, number>> {
    const { checks } = await this.report();
    return Object.fromEntries(Object.entries(checks).map(([name, { status }]) => [name, figureOf[status]]));
  }

  async #check(): Promise<HealthReport> {
    const { store, hasher, dataDir, isDamaged } = this.options;
    const checks = {
      database: await checkDatabase(store, isDamaged?.() ?? false),
      disk: await checkDisk(dataDir),
      writers: queue(store.waiting, manyWrites, "writes wait for the database"),
      passwords: queue(hasher.waiting, Math.max(1, hasher.places / 2), "people wait to sign in"),
    };
    const statuses = Object.values(checks).map(({ status }) => status);
    const status = statuses.includes("down") ? "down" : statuses.includes("degraded") ? "degraded" : "ok";
    return { status, uptime_seconds: Math.floor((monotonic() - this.#startedAt) / second), checks };
  }
}

const figureOf: Record<Status, number> = { ok: 1, degraded: 0.5, down: 0 };

const ok: Check = { status: "ok", detail: null };

const damaged: Check = {
  status: "degraded",
  detail:
    "The database is damaged: some records can be neither read nor changed. Stop the server and restore a backup.",
};

async function checkDatabase(store: HealthOptions["store"], isDamaged: boolean): Promise<Check> {
  try {
    await store.ping();
    return isDamaged ? damaged : ok;
  } catch (error) {
    // The reason may name a host: it stays in the log.
    log.warn("The database cannot be reached", { error });
    return { status: "down", detail: "The database cannot be reached." };
  }
}

async function checkDisk(dataDir: string): Promise<Check> {
  try {
    const { bavail, bsize } = await statfs(dataDir);
    const free = bavail * bsize;
    if (free >= lowDiskBytes) return ok;
    const detail = `Only ${Math.floor(free / 1024 / 1024)} MiB are free for the data directory: make room.`;
    return { status: free < lastDiskBytes ? "down" : "degraded", detail };
  } catch (error) {
    log.warn("The data directory cannot be read", { error });
    return { status: "down", detail: "The data directory cannot be read." };
  }
}

const queue = (waiting: number, many: number, what: string): Check =>
  waiting < many ? ok : { status: "degraded", detail: `${waiting} ${what}.` };
