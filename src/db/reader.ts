import { readerWorker } from "../build";
import { minute } from "../clock";
import { DbError } from "./errors";
import type { Row } from "./hot";
import type { ReadReply, ReadRequest } from "./serve-reads";

function rowsOf(columns: string[], rows: string): Row[] {
  return (JSON.parse(rows) as unknown[][]).map((values) => {
    const row: Row = {};
    for (let i = 0; i < columns.length; i++) row[columns[i]!] = values[i];
    return row;
  });
}

interface Reading {
  resolve: (rows: Row[]) => void;
  reject: (error: unknown) => void;
}

/** A worker that has nothing to read for so long ends, with its memory and its pages: the next read starts another. */
const restsAfterMs = 1 * minute;

/** Workers that were given up and still read: more of them would take the processor from everybody else. */
const mostLeaving = 2;

/**
 * Reads in a worker with its own connection, one read at a time, so that a long one delays nobody. A read that is not
 * answered in time fails as `deadline`; as SQLite cannot be interrupted from outside, its worker is left to finish
 * and replaced.
 */
export class Reader {
  #worker: Worker | undefined;
  #reading: Reading | undefined;
  #resting: Timer | undefined;
  #leaving = 0;
  #isClosed = false;

  constructor(
    private readonly file: string,
    private readonly deadlineMs: number,
    private readonly restMs = restsAfterMs,
  ) {}

  /** Whether it can read right now. */
  get isFree(): boolean {
    return !this.#reading && this.#leaving < mostLeaving;
  }

  /**
   * Reads; the one before has to be over.
   * @throws DbError `deadline` when it takes too long, `busy` while given up reads still run, `unavailable` when closed
   */
  run(text: string, values: unknown[]): Promise<Row[]> {
    if (this.#isClosed) return Promise.reject(new DbError("unavailable"));
    if (!this.isFree) return Promise.reject(new DbError("busy"));
    return new Promise<Row[]>((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(new DbError("deadline")), this.deadlineMs);
      const settle = () => {
        clearTimeout(timer);
        this.#reading = undefined;
        this.#rest();
      };
      clearTimeout(this.#resting);
      this.#reading = {
        resolve: (rows) => (settle(), resolve(rows)),
        reject: (error) => (settle(), reject(error)),
      };
      (this.#worker ??= this.#start()).postMessage({ text, values } satisfies ReadRequest);
    });
  }

  /** Tells whoever still waits, and reads nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#giveUp(new DbError("unavailable"));
  }

  #start(): Worker {
    const worker = new Worker(readerWorker, { ref: false });
    worker.onmessage = ({ data }: MessageEvent<ReadReply>) => {
      if ("rows" in data) this.#reading?.resolve(rowsOf(data.columns, data.rows));
      else this.#reading?.reject(Object.assign(new Error(data.error.message), { code: data.error.code }));
    };
    worker.onerror = ({ message }) => this.#giveUp(new Error(`The reader failed: ${message}`));
    worker.postMessage({ open: this.file });
    return worker;
  }

  #giveUp(reason: unknown): void {
    this.#letGo();
    this.#reading?.reject(reason);
  }

  #rest(): void {
    if (!this.#worker) return;
    this.#resting = setTimeout(() => this.#letGo(), this.restMs);
    this.#resting.unref();
  }

  /** The next read gets a new worker; this one says nothing more, and goes when it is done. */
  #letGo(): void {
    clearTimeout(this.#resting);
    if (!this.#worker) return;
    this.#leaving++;
    this.#worker.onmessage = null;
    this.#worker.onerror = null;
    this.#worker.addEventListener("close", () => this.#leaving--);
    this.#worker.terminate();
    this.#worker = undefined;
  }
}
