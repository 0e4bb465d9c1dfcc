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
  resolve: (rows: Row[]) => void;
  reject: (error: unknown) => void;
}

/** More would wait longer than their deadline anyway. */
const mostWaiting = 64;

/**
 * Reads in a worker with its own connection, so that a long one delays nobody. A read that is not answered in time
 * fails as `deadline`; as SQLite cannot be interrupted from outside, its worker is left to finish and replaced.
 */
export class Reader {
  #worker: Worker | undefined;
  #nextId = 1;
  readonly #waiting = new Map<number, Waiting>();

  constructor(
    private readonly file: string,
    private readonly deadlineMs: number,
  ) {}

  /** @throws DbError `deadline` when it takes too long, `busy` when too many wait */
  run(text: string, values: unknown[]): Promise<Row[]> {
    if (this.#waiting.size >= mostWaiting) return Promise.reject(new DbError("busy"));
    const id = this.#nextId++;
    return new Promise<Row[]>((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(new DbError("deadline")), this.deadlineMs);
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(id);
      };
      this.#waiting.set(id, {
        resolve: (rows) => (settle(), resolve(rows)),
        reject: (error) => (settle(), reject(error)),
      });
      (this.#worker ??= this.#start()).postMessage({ id, text, values } satisfies ReadRequest);
    });
  }

  close(): void {
    this.#giveUp(new DbError("unavailable"));
  }

  #start(): Worker {
    const worker = new Worker(readerWorker, { ref: false });
    worker.onmessage = ({ data }: MessageEvent<ReadReply>) => {
      const caller = this.#waiting.get(data.id);
      if ("rows" in data) caller?.resolve(data.rows);
      else caller?.reject(Object.assign(new Error(data.error.message), { code: data.error.code }));
    };
    worker.onerror = ({ message }) => this.#giveUp(new Error(`The reader failed: ${message}`));
    worker.postMessage({ open: this.file });
    return worker;
  }

  /** Whoever still waits for this worker is told; the next read gets a new one. */
  #giveUp(reason: unknown): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const caller of [...this.#waiting.values()]) caller.reject(reason);
  }
}
