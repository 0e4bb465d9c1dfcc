import type { Database } from "bun:sqlite";
import { checkpointWorker } from "../build";

/** A log of so many changed rows has about forty megabytes. Pages that each commit writes come into the file once for all of them. */
export const changesAtOnce = 12_000;

/** What the worker is told. */
export type CheckpointRequest = { open: string } | "checkpoint" | "close";

/**
 * Brings what was committed from SQLite's log into its file, in a worker with a connection of its own: thousands of pages are
 * read, written and synced, for which whoever commits would wait. Most of it is done while others write, and then, while the
 * next batch waits, what came in the meantime: only when the file has all of it, the log begins anew.
 */
export class Checkpoints {
  readonly #changes;
  #worker: Worker | undefined;
  #running: PromiseWithResolvers<void> | undefined;
  #isRestDue = false;
  #begunAt = 0;

  constructor(
    writer: Database,
    private readonly file: string,
  ) {
    const total = writer.prepare<{ changes: number }, []>("SELECT total_changes() AS changes");
    this.#changes = () => total.get()!.changes;
  }

  /** To be called between batches. @returns what the next one has to wait for, if anything */
  between(): Promise<void> | undefined {
    if (this.#isRestDue) {
      this.#isRestDue = false;
      return this.#run();
    }
    if (this.#running) return undefined;
    const changes = this.#changes();
    if (changes - this.#begunAt < changesAtOnce) return undefined;
    this.#begunAt = changes;
    void this.#run().then(() => (this.#isRestDue = true));
    return undefined;
  }

  /** Resolves when nobody has the file open here any more. */
  async close(): Promise<void> {
    await this.#running?.promise;
    if (!this.#worker) return;
    await this.#ask("close");
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  #run(): Promise<void> {
    this.#worker ??= this.#start();
    return this.#ask("checkpoint");
  }

  /** Resolves when the worker is done with it, or is no more. */
  #ask(request: CheckpointRequest): Promise<void> {
    this.#running = Promise.withResolvers<void>();
    this.#worker!.postMessage(request);
    return this.#running.promise;
  }

  #start(): Worker {
    const worker = new Worker(checkpointWorker, { ref: false });
    const settle = () => {
      const running = this.#running;
      this.#running = undefined;
      running?.resolve();
    };
    worker.onmessage = settle;
    // The next one gets a new worker. Until one succeeds the log grows, and the writer itself looks after it.
    worker.onerror = () => {
      this.#worker = undefined;
      settle();
    };
    worker.postMessage({ open: this.file } satisfies CheckpointRequest);
    return worker;
  }
}
