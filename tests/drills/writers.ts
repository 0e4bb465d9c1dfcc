/** People who write without end, and remember what was acknowledged. */
import { newId } from "../../src/ids";
import { walk, type Client } from "./api";

/** Writes clients, each under a name and a key of its own; what is not acknowledged is sent again until it is. */
export class Writers {
  /** The names that were answered with success. */
  readonly acknowledged = new Set<string>();
  /** Other answers, by status, and requests that got none, as 0. */
  readonly refused = new Map<number, number>();
  readonly #group = newId();
  #isOver = false;
  readonly #running: Promise<void>[];

  constructor(
    private readonly server: { url: string },
    private readonly headers: Record<string, string>,
    count = 8,
  ) {
    this.#running = Array.from({ length: count }, (_, lane) => this.#write(lane));
  }

  /** Waits until so many more writes are acknowledged than now. */
  async advance(count: number): Promise<void> {
    const wanted = this.acknowledged.size + count;
    await this.#until(() => this.acknowledged.size >= wanted, `${count} more writes`);
  }

  /** Waits until so many writes are refused from now on; gives the statuses that they got. */
  async refusals(count: number): Promise<number[]> {
    const before = new Map(this.refused);
    const since = () =>
      [...this.refused].map(([status, times]) => [status, times - (before.get(status) ?? 0)] as const);
    const total = () => since().reduce((sum, [, times]) => sum + times, 0);
    await this.#until(() => total() >= count, `${count} refusals`);
    return since()
      .filter(([, times]) => times > 0)
      .map(([status]) => status)
      .toSorted((a, b) => a - b);
  }

  /** Lets everybody finish what they are at. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  /** The acknowledged names that are not there exactly once. */
  async missing(url: string): Promise<string[]> {
    const counts = new Map<string, number>();
    const found: Client[] = await walk(url, this.headers);
    for (const { name } of found) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...this.acknowledged].filter((name) => counts.get(name) !== 1);
  }

  async #write(lane: number): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      const name = `Client ${i} of writer ${lane} of ${this.#group}`;
      const key = newId();
      while (!(await this.#send(name, key)) && !this.#isOver) await Bun.sleep(20);
    }
  }

  async #send(name: string, key: string): Promise<boolean> {
    const body = JSON.stringify({ name, notes: "n".repeat(200) });
    const headers = { ...this.headers, "idempotency-key": key };
    const signal = AbortSignal.timeout(20_000);
    const answer = await fetch(`${this.server.url}/api/clients`, {
      method: "POST",
      headers,
      body,
      signal,
    }).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => undefined);
    const status = answer?.status ?? 0;
    if (status === 201) this.acknowledged.add(name);
    else this.refused.set(status, (this.refused.get(status) ?? 0) + 1);
    return status === 201;
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + 60_000;
    while (!holds()) {
      if (performance.now() > deadline) {
        throw new Error(
          `No ${what} within a minute; so far ${JSON.stringify([...this.refused])} were refused.`,
        );
      }
      await Bun.sleep(10);
    }
  }
}
