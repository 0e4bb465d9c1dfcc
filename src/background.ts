import { log } from "./ops/logging";

/** Work that goes on after the answer. Whoever closes what it works on waits for it before. */
export class Background {
  readonly #running = new Set<Promise<void>>();

  /** @param most how much may go on at once; what comes beyond that is dropped, and the log says so */
  constructor(private readonly most = Infinity) {}

  /** Starts `work`, which nobody hears of. A failure stands in the log as `what`. */
  start(what: string, work: () => Promise<void>): void {
    if (this.#running.size >= this.most) {
      log.warn("Too much goes on in the background", { dropped: what });
      return;
    }
    const running = work()
      .catch((error: unknown) => log.error(what, { error }))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves once nothing goes on any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
