import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "../../ids";
import { BlobError, type Blobs, type ListedBlob, type StoredBlob } from "./blobs";

/** Uploads on their way, by an id of their own. */
const incoming = "incoming";
const keyShape = /^([0-9a-f]{2}|incoming)\/[0-9a-f-]+$/;

/**
 * Blobs in a folder: `ab/<sha256>-<id>` for what begins with `ab`. Written elsewhere first, so that a name stands for
 * whole bytes or for none.
 */
export function diskBlobs(folder: string): Blobs {
  const pathOf = (key: string) => {
    if (!keyShape.test(key)) throw new Error(`This is no key of a blob: ${key}`);
    return join(folder, key);
  };
  return {
    async put(bytes) {
      const id = newId();
      const draft = join(folder, incoming, id);
      try {
        await makeFolder(folder, incoming);
        const { size, hash } = await write(draft, bytes);
        const shelf = hash.slice(0, 2);
        const key = `${shelf}/${hash}-${id}`;
        await makeFolder(folder, shelf);
        await rename(draft, pathOf(key));
        await sync(join(folder, shelf));
        return { key, size, hash };
      } catch (error) {
        await rm(draft, { force: true }).catch(() => undefined);
        throw blobErrorOf(error);
      }
    },
    async read(key, part) {
      const file = Bun.file(pathOf(key));
      if (!(await file.exists())) return undefined;
      return part ? file.slice(part.first, part.last + 1) : file;
    },
    remove: (key) => rm(pathOf(key), { force: true }),
    async *list() {
      for (const shelf of await namesIn(folder)) {
        for (const name of await namesIn(join(folder, shelf))) {
          const listed = await look(folder, `${shelf}/${name}`);
          if (listed) yield listed;
        }
      }
    },
  };
}

/** Writes and syncs a new file. */
async function write(path: string, bytes: AsyncIterable<Uint8Array>): Promise<Omit<StoredBlob, "key">> {
  const hasher = new Bun.CryptoHasher("sha256");
  let size = 0;
  const file = await open(path, "wx", 0o600);
  try {
    for await (const chunk of bytes) {
      hasher.update(chunk);
      size += chunk.byteLength;
      await writeWhole(file, chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { size, hash: hasher.digest("hex") };
}

/** A file takes less at once than it was given when its disk is nearly full. */
async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) {
    const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done);
    done += bytesWritten;
  }
}

/** A folder that was made is synced into the one that it is in: else a power cut takes it, with what it holds. */
async function makeFolder(parent: string, name: string): Promise<void> {
  if ((await mkdir(join(parent, name), { recursive: true, mode: 0o700 })) !== undefined) await sync(parent);
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const codeOf = (error: unknown) => (error as { code?: string }).code ?? "";

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    // Nothing was ever kept; or what lies there is no folder of ours.
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return [];
    throw error;
  }
}

/** `undefined` for what is not ours, or was removed meanwhile. */
async function look(folder: string, key: string): Promise<ListedBlob | undefined> {
  if (!keyShape.test(key)) return undefined;
  const found = await stat(join(folder, key)).catch(() => undefined);
  return found && { key, storedAt: found.mtimeMs };
}

const full = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const unavailable = new Set(["EROFS", "EACCES", "EPERM", "EIO", "EMFILE", "ENFILE", "ENOENT", "ESTALE"]);

function blobErrorOf(error: unknown): unknown {
  const code = codeOf(error);
  if (full.has(code)) return new BlobError("full", error);
  return unavailable.has(code) ? new BlobError("unavailable", error) : error;
}
