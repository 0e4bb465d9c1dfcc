import { Gauge, Registry } from "./prom-client";
import { now, second } from "../../clock";
import type { StoreMeasures } from "../../db/measured";
import type { Store } from "../../db/store";
import { gauge, gauges, type Figure } from "./gauge";
import { processMetrics, watchEventLoop } from "./process";
import type { Series } from "./histogram";
import { RequestMetrics } from "./requests";
import { SlowQueries } from "./slow-queries";
import { storeMeasures } from "./store";
import { WorkMetrics } from "./work";

/** What can be asked at any time. */
export interface MetricSources {
  hasher: { readonly running: number; readonly waiting: number };
  store: Pick<Store, "engine" | "waiting">;
  relay: { readonly lagSeconds: number; lags(): Record<string, number> };
  worker: { readonly running: number };
  bus: { readonly isDeaf: boolean };
}

/** The figures of one server, for Prometheus. Each server has its own: several may run in one process. */
export class Metrics {
  readonly requests: RequestMetrics;
  readonly work: WorkMetrics;
  readonly slowQueries = new SlowQueries();
  readonly store: StoreMeasures;
  readonly #registry = new Registry();
  readonly #eventLoop;
  readonly #reload;
  #isDamaged = false;

  constructor(engine: Store["engine"]) {
    this.requests = new RequestMetrics(this.#registry);
    this.work = new WorkMetrics(this.#registry);
    this.store = storeMeasures(
      this.#registry,
      engine,
      (seconds, statement) => this.slowQueries.note(seconds, statement),
      () => (this.#isDamaged = true),
    );
    this.#reload = reloadMetrics(this.#registry);
    this.reloaded(true);
    this.#eventLoop = watchEventLoop(this.#registry);
    processMetrics(this.#registry);
  }

  /** How late the event loop was, since the start. */
  get eventLoopDelay(): Series {
    return this.#eventLoop.delay;
  }

  /** Whether the database was found to be damaged since the start. */
  get isDatabaseDamaged(): boolean {
    return this.#isDamaged;
  }

  /** The media type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** From here on, the queues are shown too. */
  watch({ hasher, store, relay, worker, bus }: MetricSources): void {
    this.gauge("neocrm_password_hashes_running", "Passwords being hashed now.", () => hasher.running);
    this.gauge("neocrm_password_hashes_waiting", "Passwords that wait for their turn.", () => hasher.waiting);
    const late = "Age of the oldest event that nothing has followed from yet.";
    this.gauge("neocrm_relay_lag_seconds", late, () => relay.lagSeconds);
    const lag = {
      name: "neocrm_consumer_lag_events",
      help: "Events in order that a consumer has still to take.",
      label: "consumer",
    };
    gauges(this.#registry, lag, () => relay.lags());
    this.gauge("neocrm_jobs_running", "Jobs under way in this process.", () => worker.running);
    const deaf = "1 while the other instances cannot be heard.";
    this.gauge("neocrm_bus_deaf", deaf, () => Number(bus.isDeaf));
    // PostgreSQL has no line of ours.
    if (store.engine === "postgres") return;
    this.gauge("neocrm_db_writers_waiting", "Writers in line for the database now.", () => store.waiting);
  }

  /** The configuration was read anew. @param isGood whether it could be used */
  reloaded(isGood: boolean): void {
    this.#reload.good.set(Number(isGood));
    if (isGood) this.#reload.at.set(now() / second);
  }

  /** Shows a figure that is asked for with each scrape, where there is one. */
  gauge(name: string, help: string, ask: () => Figure): void {
    gauge(this.#registry, name, help, ask);
  }

  /** Shows a figure for each value of a label, all of which are asked for with each scrape. */
  gauges(
    what: { name: string; help: string; label: string },
    ask: () => Record<string, number> | Promise<Record<string, number>>,
  ): void {
    gauges(this.#registry, what, ask);
  }

  /** Everything in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Ends what runs by itself. */
  close(): void {
    this.#eventLoop.stop();
  }
}

/** As Prometheus shows its own. */
function reloadMetrics(registry: Registry) {
  const made = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  return {
    good: made(
      "neocrm_config_last_reload_successful",
      "1 when the configuration could be used the last time that it was read.",
    ),
    at: made(
      "neocrm_config_last_reload_success_timestamp_seconds",
      "When the configuration was last read that is in force.",
    ),
  };
}
