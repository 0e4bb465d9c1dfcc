import { contentsWorker } from "../build";
import { second } from "../clock";
import { Unreadable, type Contents, type ReadTask } from "./contents";

/** What comes back from the worker. */
export type ContentReply = { contents: Contents } | { unreadable: string } | { error: string };

/** Nothing that people make takes longer. */
const usualDeadlineMs = 30 * second;
/** A worker with nothing to do gives its memory back after this long. */
const idleMs = 30 * second;

/**
 * Reads files in a worker, one after the other, so that no image and no PDF holds up anybody's request. What takes too long is
 * given up with its worker.
 */
export class ContentReader {
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #giveUp: ((reason: Error) => void) | undefined;
  #idle: Timer | undefined;
  #isClosed = false;

  constructor(private readonly deadlineMs = usualDeadlineMs) {}

  /**
   * Reads bytes, which are the worker's from then on.
   * @throws Unreadable for what is damaged, locked or too much, Error when the worker ends before it is done
   */
  read(task: ReadTask): Promise<Contents> {
    const mine = this.#last.then(() => this.#read(task));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Ends what is under way, and reads nothing more. */
  close(): void {
    this.#isClosed = true;
    if (this.#giveUp) this.#giveUp(new Error("The server stops."));
    else this.#drop();
  }

  async #read(task: ReadTask): Promise<Contents> {
    if (this.#isClosed) throw new Error("The server stops.");
    clearTimeout(this.#idle);
    try {
      return contentsOf(await this.#ask(task));
    } finally {
      this.#giveUp = undefined;
      this.#idle = setTimeout(() => this.#drop(), idleMs);
      this.#idle.unref();
    }
  }

  #ask(task: ReadTask): Promise<ContentReply> {
    const { promise, resolve, reject } = Promise.withResolvers<ContentReply>();
    const worker = (this.#worker ??= new Worker(contentsWorker, { ref: false }));
    this.#giveUp = (reason) => {
      this.#drop();
      reject(reason);
    };
    const timer = setTimeout(
      () => this.#giveUp?.(new Unreadable("It takes too long to read.")),
      this.deadlineMs,
    );
    worker.onmessage = ({ data }: MessageEvent<ContentReply>) => resolve(data);
    worker.onerror = ({ message }) => this.#giveUp?.(new Error(`Reading failed: ${message}`));
    worker.postMessage(task, [task.bytes.buffer]);
    return promise.finally(() => clearTimeout(timer));
  }

  #drop(): void {
    clearTimeout(this.#idle);
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}

function contentsOf(reply: ContentReply): Contents {
  if ("contents" in reply) return reply.contents;
  throw "unreadable" in reply ? new Unreadable(reply.unreadable) : new Error(reply.error);
}
