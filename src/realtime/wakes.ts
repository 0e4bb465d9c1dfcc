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

  /** @param most how many names have their turn at once */
  constructor(
    private readonly most: number,
    private readonly work: (name: string) => Promise<void>,
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
    for (const name of this.#called) {
      this.#called.delete(name);
      try {
        await this.work(name);
      } catch (error) {
        // Whoever calls does so again, at the latest after half a minute.
        log.warn("Connections could not be told what happened", { error });
      }
    }
    this.#turns--;
  }
}
