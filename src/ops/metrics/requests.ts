import { Counter, type Registry } from "./prom-client";
import { Histogram, type Series } from "./histogram";

/** The label of requests that reached no route: unknown paths, and what was refused before. */
const noRoute = "none";
/** Anybody can make up a method: all others are one. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const otherMethod = "other";

/** Seconds: from a record read by its id to what a proxy in front would give up. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts answered and refused requests. */
export class RequestMetrics {
  readonly #duration;
  readonly #refused;
  readonly #forwardedInVain;
  readonly #problems;
  readonly #searches;
  #untrustedProxy: string | null = null;
  /** By route, method and status: found without making a key for each request. */
  readonly #series = new Map<string, Map<string, Map<number, Series>>>();

  constructor(registry: Registry) {
    this.#duration = new Histogram(registry, {
      name: "neocrm_http_request_duration_seconds",
      help: "Time from a request to the end of its answer, by route template, method and status.",
      labelNames: ["route", "method", "status"],
      buckets,
    });
    this.#refused = new Counter({
      name: "neocrm_rate_limit_refusals_total",
      help: "Requests refused with 429, by the limit that refused them.",
      labelNames: ["policy"],
      registers: [registry],
    });
    this.#problems = new Counter({
      name: "neocrm_http_problems_total",
      help: "Answers that were a problem document, by route template and code.",
      labelNames: ["route", "code"],
      registers: [registry],
    });
    this.#searches = new Histogram(registry, {
      name: "neocrm_search_duration_seconds",
      help: "Time of answered requests that search for words, lists among them.",
      ...{ labelNames: [], buckets },
    }).series({});
    this.#forwardedInVain = new Counter({
      name: "neocrm_http_untrusted_forwards_total",
      help: "Requests with X-Forwarded-For from an address that is no trusted proxy.",
      registers: [registry],
    });
  }

  /** What was answered since the start: a series for each route, method and status. */
  get answers(): readonly Series<"route" | "method" | "status">[] {
    return this.#duration.all;
  }

  /** The time of searches since the start. */
  get searches(): Series<never> {
    return this.#searches;
  }

  /** Counts one answer. @param route the template that answered, `null` when none did */
  answered(route: string | null, method: string, status: number, seconds: number): void {
    const byMethod = entry(this.#series, route ?? noRoute, () => new Map<string, Map<number, Series>>());
    const known = methods.has(method) ? method : otherMethod;
    const byStatus = entry(byMethod, known, () => new Map<number, Series>());
    const series = entry(byStatus, status, () =>
      this.#duration.series({ route: route ?? noRoute, method: known, status: String(status) }),
    );
    series.observe(seconds);
  }

  /** Counts one problem. @param route the template that answered, `null` when none did; @param code one of `problems.ts` */
  problem(route: string | null, code: string): void {
    this.#problems.inc({ route: route ?? noRoute, code });
  }

  /** Times one search, which was counted as a request too. */
  searched(seconds: number): void {
    this.#searches.observe(seconds);
  }

  /** Counts one request whose `X-Forwarded-For` was not believed. @param address who sent it */
  forwardedInVain(address: string): void {
    this.#untrustedProxy = address;
    this.#forwardedInVain.inc();
  }

  /** The last address that sent `X-Forwarded-For` and is no trusted proxy: most likely one that should be. */
  get untrustedProxy(): string | null {
    return this.#untrustedProxy;
  }

  /** Counts one 429. @param policy the name of the limit */
  refused(policy: string): void {
    this.#refused.inc({ policy });
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
