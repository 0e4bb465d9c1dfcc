import { join } from "node:path";
import { sqliteWorker } from "../build";
import { openToLook } from "../db/look";
import type { BlobRef } from "./blob-list";
import { BackupFailed, explained } from "./failed";
import type { DatabaseSource } from "./make";
import { names } from "./manifest";
import { unwatched, type Watch } from "./progress";
import type { CopyNews, CopyReply, CopyRequest, Inspected } from "./sqlite-work";

/** The SQLite database in this file, copied while others write. */
export const sqliteSource = (file: string): DatabaseSource => ({
  engine: "sqlite",
  async copyInto(folder, watch) {
    const copy = join(folder, names.sqlite);
    const inspected = await copySqlite(file, copy, watch);
    return { file: names.sqlite, ...inspected, blobs: blobsIn(copy) };
  },
});

/**
 * Copies a database that may be in use, off the event loop.
 * @throws BackupFailed when the copy is not whole, the signal's reason when it is aborted
 */
export const copySqlite = (from: string, to: string, watch: Watch = unwatched): Promise<Inspected> =>
  inWorker({ from, to, stop: new SharedArrayBuffer(1) }, `The database ${from} cannot be copied`, watch);

/** Reads a whole database, off the event loop. @throws BackupFailed when it is not whole */
export const inspectSqlite = (file: string): Promise<Inspected> =>
  inWorker({ file }, `The database ${file} cannot be used`);

async function inWorker(
  request: CopyRequest,
  what: string,
  { onProgress, signal }: Watch = unwatched,
): Promise<Inspected> {
  signal.throwIfAborted();
  const worker = new Worker(sqliteWorker);
  const stop = () => void ("stop" in request && Atomics.store(new Uint8Array(request.stop), 0, 1));
  signal.addEventListener("abort", stop);
  try {
    const reply = await new Promise<CopyReply>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<CopyReply | CopyNews>) =>
        "progress" in data ? onProgress(data.progress) : resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(request);
    });
    signal.throwIfAborted();
    if ("done" in reply) return reply.done;
    const { message } = reply.error;
    const isFull = message.includes("database or disk is full");
    throw isFull
      ? explained(what, { code: "ENOSPC" })
      : new BackupFailed(`${what}: ${message}. Nothing was changed.`);
  } finally {
    signal.removeEventListener("abort", stop);
    worker.terminate();
  }
}

/** The bytes that a database refers to, in the order of their hashes. @param file nobody writes to it */
export function* blobsIn(file: string): Generator<BlobRef> {
  const db = openToLook(file);
  try {
    if (!db.query("SELECT 1 FROM sqlite_schema WHERE name = 'blobs'").get()) return;
    yield* db.query<BlobRef, []>("SELECT hash, key, size FROM blobs ORDER BY hash").iterate();
  } finally {
    db.close();
  }
}
