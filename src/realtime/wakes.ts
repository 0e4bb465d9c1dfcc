import { setImmediate } from "node:timers/promises";
import { logOf } from "../ops/logging";

const log = logOf("realtime");

/**
 * Work for names that are called, as often as they are and no oftener: a name that is called while it waits has its
 * turn once, one that is called during its turn has another.
 */
export class Wakes {
  readonly #called = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #turns = 0;
  #isClosed = false;

  /**
   * @param most how many turns there are at once
   * @param share how many names may have one together
   */
  constructor(
    private readonly most: number,
    private readonly share: number,
    private readonly work: (names: readonly string[]) => Promise<void>,
  ) {}

  wake(name: string): void {
    if (this.#isClosed) return;
    this.#called.add(name);
    if (this.#turns >= this.most) return;
    this.#turns++;
    const running = this.#run().finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Calls nobody any more, and resolves once nobody has a turn. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#called.clear();
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    // Those who are called together have their turn together.
    await setImmediate();
    while (this.#called.size > 0) {
      const names = this.#called.values().take(this.share).toArray();
      for (const name of names) this.#called.delete(name);
      try {
        await this.work(names);
      } catch (error) {
        // Whoever calls does so again, at the latest after half a minute.
        log.warn("Connections could not be told what happened", { error });
      }
    }
    this.#turns--;
  }
}
