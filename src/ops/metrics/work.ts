import { Counter, type Registry } from "./prom-client";
import { Histogram, type Series } from "./histogram";

/** How an attempt at a job ended: done, to be tried again (also elsewhere, when the server stops), or given up. */
export type JobOutcome = "succeeded" | "again" | "failed";

const [KiB, MiB] = [1024, 1024 * 1024];

/** Seconds that people wait for, and that jobs take. */
const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** Measures what takes its time beside a request as a whole: files that come in, jobs, what is told over sockets. */
export class WorkMetrics {
  readonly #uploadBytes;
  readonly #uploadTime;
  readonly #delivery;
  readonly #jobs: Histogram<"kind" | "outcome">;
  readonly #waits: Histogram<"kind">;
  readonly #series = new Map<string, Series>();
  readonly #sent;

  constructor(registry: Registry) {
    const alone = { labelNames: [], buckets: secondsBuckets } as const;
    this.#uploadBytes = new Histogram(registry, {
      name: "neocrm_upload_bytes",
      help: "Sizes of the files that were taken in.",
      ...{
        labelNames: [],
        buckets: [KiB, 16 * KiB, 128 * KiB, MiB, 8 * MiB, 64 * MiB, 512 * MiB, 4096 * MiB],
      },
    }).series({});
    this.#uploadTime = new Histogram(registry, {
      name: "neocrm_upload_duration_seconds",
      help: "Time from the first byte of a file to its last one being safe.",
      ...alone,
    }).series({});
    this.#delivery = new Histogram(registry, {
      name: "neocrm_realtime_delivery_seconds",
      help: "Time from a notification to its frame, for those who were listening then.",
      ...alone,
    }).series({});
    this.#sent = new Counter({
      name: "neocrm_realtime_notifications_sent_total",
      help: "Notifications handed to WebSockets and event streams.",
      registers: [registry],
    });
    this.#jobs = new Histogram(registry, {
      name: "neocrm_job_duration_seconds",
      help: "Time that attempts at jobs took, by kind and outcome.",
      ...{ labelNames: ["kind", "outcome"], buckets: secondsBuckets },
    });
    this.#waits = new Histogram(registry, {
      name: "neocrm_job_wait_seconds",
      help: "Time that jobs waited after they were due, by kind.",
      ...{ labelNames: ["kind"], buckets: secondsBuckets },
    });
  }

  /** What was measured since the start, by a name for people. */
  get durations(): readonly { what: string; series: Series<never> }[] {
    return [
      { what: "files taken in", series: this.#uploadTime },
      { what: "notifications on their way", series: this.#delivery },
      ...this.#waits.all.map((series) => ({ what: `jobs in line: ${series.labels.kind}`, series })),
      ...this.#jobs.all.map((series) => {
        const { kind, outcome } = series.labels;
        return { what: `jobs at work: ${kind}, ${outcome}`, series };
      }),
    ];
  }

  /** A file came in, and its bytes are safe. */
  uploaded(bytes: number, seconds: number): void {
    this.#uploadBytes.observe(bytes);
    this.#uploadTime.observe(seconds);
  }

  /** A notification went to somebody. @param seconds its age, where they were listening when it was made */
  delivered(seconds: number | undefined): void {
    this.#sent.inc();
    if (seconds !== undefined) this.#delivery.observe(seconds);
  }

  /** An attempt at a job begins. @param seconds for how long it was due */
  jobBegan(kind: string, seconds: number): void {
    this.#once(kind, () => this.#waits.series({ kind })).observe(Math.max(0, seconds));
  }

  /** An attempt at a job is over. */
  jobEnded(kind: string, outcome: JobOutcome, seconds: number): void {
    this.#once(`${kind} ${outcome}`, () => this.#jobs.series({ kind, outcome })).observe(seconds);
  }

  #once(key: string, make: () => Series): Series {
    return this.#series.getOrInsertComputed(key, make);
  }
}
