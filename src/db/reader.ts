import type { Database } from "bun:sqlite";
import { readerWorker } from "../build";
import { DbError } from "./errors";
import type { Row } from "./hot";

/** A query on its way to the reader. */
export interface ReadRequest {
  id: number;
  text: string;
  values: unknown[];
}

/** What comes back: rows, or the driver's error. */
export type ReadReply =
  { id: number; rows: Row[] } | { id: number; error: { message: string; code?: string } };

/** Answers reads on one connection. It runs in the worker; apart from it, so that it can be tested. */
export function serveReads(db: Database): (request: ReadRequest) => ReadReply {
  return ({ id, text, values }) => {
    try {
      return { id, rows: db.query(text).all(...(values as never[])) as Row[] };
    } catch (error) {
      const { message, code } = error as { message: string; code?: string };
      return { id, error: { message, code } };
    }
  };
}

interface Waiting {
  request: ReadRequest;
  resolve: (rows: Row[]) => void;
  reject: (error: unknown) => void;
}

/** More would wait longer than their deadline anyway. */
const mostWaiting = 64;
/** Workers that were given up and still read: more of them would take the processor from everybody else. */
const mostLeaving = 2;

/**
 * Reads in a worker with its own connection, so that a long one delays nobody. A read that is not answered in time
 * fails as `deadline`; as SQLite cannot be interrupted from outside, its worker is left to finish and replaced.
 */
export class Reader {
  #worker: Worker | undefined;
  #leaving = 0;
  #isClosed = false;
  #nextId = 1;
  /** In the order in which the worker answers them. */
  readonly #waiting = new Map<number, Waiting>();

  constructor(
    private readonly file: string,
    private readonly deadlineMs: number,
  ) {}

  /** @throws DbError `deadline` when it takes too long, `busy` when too many wait, `unavailable` once it is closed */
  run(text: string, values: unknown[]): Promise<Row[]> {
    if (this.#isClosed) return Promise.reject(new DbError("unavailable"));
    if (this.#waiting.size >= mostWaiting || this.#leaving >= mostLeaving) {
      return Promise.reject(new DbError("busy"));
    }
    const request: ReadRequest = { id: this.#nextId++, text, values };
    return new Promise<Row[]>((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(request.id), this.deadlineMs);
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(request.id);
      };
      this.#waiting.set(request.id, {
        request,
        resolve: (rows) => (settle(), resolve(rows)),
        reject: (error) => (settle(), reject(error)),
      });
      this.#send(request);
    });
  }

  /** Tells whoever still waits, and reads nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#fail(new DbError("unavailable"));
  }

  #send(request: ReadRequest): void {
    (this.#worker ??= this.#start()).postMessage(request);
  }

  #start(): Worker {
    const worker = new Worker(readerWorker, { ref: false });
    worker.onmessage = ({ data }: MessageEvent<ReadReply>) => {
      const caller = this.#waiting.get(data.id);
      if ("rows" in data) caller?.resolve(data.rows);
      else caller?.reject(Object.assign(new Error(data.error.message), { code: data.error.code }));
    };
    worker.onerror = ({ message }) => this.#fail(new Error(`The reader failed: ${message}`));
    worker.postMessage({ open: this.file });
    return worker;
  }

  /** Reads run in the order they came, so the one that is late is the one that runs; the others get a new worker. */
  #giveUp(id: number): void {
    this.#dismiss();
    this.#waiting.get(id)?.reject(new DbError("deadline"));
    for (const { request } of this.#waiting.values()) this.#send(request);
  }

  #fail(reason: unknown): void {
    this.#dismiss();
    for (const caller of [...this.#waiting.values()]) caller.reject(reason);
  }

  #dismiss(): void {
    if (!this.#worker) return;
    this.#leaving++;
    this.#worker.addEventListener("close", () => this.#leaving--);
    this.#worker.terminate();
    this.#worker = undefined;
  }
}
