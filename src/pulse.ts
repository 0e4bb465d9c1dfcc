import { monotonic, second } from "./clock";
import type { LogModule } from "./ops/log-modules";
import { logOf } from "./ops/logging";

/** What is done again and again. */
export interface PulseOptions {
  /** What has failed when it did, for the log. */
  failure: string;
  /** Whose log says so. */
  module: LogModule;
  /** Does it; gives the milliseconds after which to come again, if not `everyMs`. */
  work: () => Promise<number | void>;
  /** Milliseconds between two times without a nudge. */
  everyMs: number;
  /** Milliseconds between a nudge and what it leads to: what happens meanwhile is done along with it. */
  soonMs?: number;
}

/** After failures in a row, at most this long until the next try: once a database is back, nobody waits longer to be told. */
const longestPauseMs = 10 * second;

/** Does something from time to time, and soon after each nudge; never twice at once, and with a pause after a failure. */
export class Pulse {
  #timer: Timer | undefined;
  #dueAt = Infinity;
  #running: Promise<void> | undefined;
  #failures = 0;
  #isNudged = false;
  #isOpen = false;

  constructor(private readonly options: PulseOptions) {}

  /** From here on it beats. */
  start(): void {
    this.#isOpen = true;
    this.#beatIn(0);
  }

  /** There is something to do. */
  nudge(): void {
    if (this.#running) this.#isNudged = true;
    else if (this.#failures === 0) this.#beatIn(this.options.soonMs ?? 0);
  }

  /** Resolves once it does nothing any more. */
  async close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #beatIn(milliseconds: number): void {
    const at = monotonic() + milliseconds;
    if (!this.#isOpen || at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => {
      this.#dueAt = Infinity;
      this.#running = this.#beat();
    }, milliseconds);
    this.#timer.unref();
  }

  async #beat(): Promise<void> {
    this.#isNudged = false;
    const pauseMs = await this.#pauseAfterWork();
    this.#running = undefined;
    const isWanted = this.#isNudged && this.#failures === 0;
    this.#beatIn(isWanted ? Math.min(pauseMs, this.options.soonMs ?? 0) : pauseMs);
  }

  async #pauseAfterWork(): Promise<number> {
    const { work, everyMs, failure, module } = this.options;
    try {
      const pauseMs = await work();
      this.#failures = 0;
      return pauseMs ?? everyMs;
    } catch (error) {
      const pauseMs = Math.min(everyMs * 2 ** this.#failures++, longestPauseMs);
      // Whatever ends while it is closed had to be expected.
      if (this.#isOpen) logOf(module).error(failure, { error, again_in_ms: pauseMs });
      return pauseMs;
    }
  }
}
