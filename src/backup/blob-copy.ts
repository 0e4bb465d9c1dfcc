import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { eachAtOnce } from "./at-once";
import { blobPath, type BlobRef } from "./blob-list";
import { sync } from "./durable";

/** The bytes of files, as a store reads them. */
export type ReadBlob = (ref: BlobRef) => Promise<Blob | ReadableStream<Uint8Array> | undefined>;

/** As many are copied at once: most of the time, each waits for a disk. */
export const filesAtOnce = 8;

/** What was done with bytes. */
export interface CopiedBlobs {
  /** The hashes of those that are there now, in order. */
  copied: string[];
  count: number;
  bytes: number;
  /** Those that were not there before. */
  added: number;
  /** SHA-256 of those that are gone, or have other bytes than they should. */
  missing: string[];
}

/**
 * Copies bytes to where backups lie, those that are not there yet. Each is read, compared with its hash and synced before
 * it gets its name; so whatever has a name there is whole.
 * @param onDone told the size of each, once it was dealt with
 * @throws the signal's reason once it is aborted
 */
export async function copyBlobs(
  refs: Iterable<BlobRef>,
  read: ReadBlob,
  to: string,
  { onDone, signal }: { onDone: (size: number) => void; signal: AbortSignal },
): Promise<CopiedBlobs> {
  const copied: CopiedBlobs = { copied: [], count: 0, bytes: 0, added: 0, missing: [] };
  const shelves = new Set<string>();
  await eachAtOnce(refs, filesAtOnce, async (ref) => {
    const path = blobPath(to, ref.hash);
    const isThere = (await sizeOf(path)) === ref.size;
    signal.throwIfAborted();
    const isCopied = isThere || (await copyOne(ref, read, path, signal));
    onDone(ref.size);
    if (!isCopied) {
      copied.missing.push(ref.hash);
      return;
    }
    copied.copied.push(ref.hash);
    copied.count++;
    copied.bytes += ref.size;
    if (isThere) return;
    copied.added++;
    shelves.add(dirname(path));
  });
  copied.copied.sort();
  for (const shelf of shelves) await sync(shelf);
  if (shelves.size > 0) await sync(dirname([...shelves][0]!));
  return copied;
}

const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size;

/** @returns whether the bytes were there, and the right ones */
async function copyOne(ref: BlobRef, read: ReadBlob, path: string, signal: AbortSignal): Promise<boolean> {
  const body = await read(ref);
  if (!body) return false;
  const draft = `${path}.draft`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const isRight = (await written(body instanceof Blob ? body.stream() : body, draft, signal)) === ref.hash;
    await (isRight ? rename(draft, path) : rm(draft));
    return isRight;
  } catch (error) {
    // On a full disk, nothing else makes room.
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Writes and syncs a file. @returns the SHA-256 of its bytes */
async function written(body: ReadableStream<Uint8Array>, path: string, signal: AbortSignal): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  const file = await open(path, "w", 0o600);
  try {
    for await (const chunk of body) {
      signal.throwIfAborted();
      hasher.update(chunk);
      await file.appendFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hasher.digest("hex");
}

/** The bytes of a copy, whole or not at all. @throws Error once they turn out to be other ones */
export async function* checkedBytes(folder: string, hash: string): AsyncGenerator<Uint8Array> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of createReadStream(blobPath(folder, hash))) {
    hasher.update(chunk as Uint8Array);
    yield chunk as Uint8Array;
  }
  if (hasher.digest("hex") !== hash) throw new DamagedBlob(hash);
}

/** A copy has other bytes than its name says. */
export class DamagedBlob extends Error {
  override name = "DamagedBlob";

  constructor(readonly hash: string) {
    super(`The copy of ${hash} is damaged.`);
  }
}

/** Whether a copy is there and whole. */
export async function isSound(folder: string, hash: string): Promise<boolean> {
  try {
    for await (const _ of checkedBytes(folder, hash));
    return true;
  } catch (error) {
    if (error instanceof DamagedBlob || (error as { code?: string }).code === "ENOENT") return false;
    throw error;
  }
}
