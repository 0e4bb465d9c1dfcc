import { now } from "../../clock";
import type { Session, Store } from "../../db/store";
import type { BlobPart, Blobs, ListedBlob, StoredBlob } from "../../integrations/blobs/blobs";
import { areHeld, holding } from "./blob-holds";
import {
  blobByHash,
  blobsAfter,
  dropBlob,
  insertBlob,
  keysInUse,
  moveBlob,
  picturesOf,
  useBlob,
  type BlobRow,
} from "./blob-store";

/** What was found when all bytes were looked at. */
export interface Verified {
  blobs: number;
  bytes: number;
  /** SHA-256 of those whose bytes are gone, and of those that have others. */
  missing: string[];
  damaged: string[];
}

/** Looked up with one query. */
const portion = 200;

/**
 * Sees to it that bytes are there exactly as long as a file has them. They come before the row that refers to them
 * commits, under a key of their own, and go after the row did. Whoever dies in between leaves bytes without a row, which
 * `sweep` finds; there is never a row without bytes, and nobody removes what somebody else refers to meanwhile.
 */
export class BlobKeeper {
  constructor(
    private readonly store: Store,
    private readonly blobs: Blobs,
    /** The keys of bytes that are in use without being a file's. */
    private readonly others: () => Promise<readonly string[]> = async () => [],
  ) {}

  /** Keeps bytes that no row refers to as yet: `link` or `discard` has to follow. */
  put(bytes: AsyncIterable<Uint8Array>): Promise<StoredBlob> {
    return this.blobs.put(bytes);
  }

  /** Refers to bytes that were put, or to the same ones that are there already, in the transaction that needs them. */
  async link(session: Session, { hash, key, size }: StoredBlob, at: number): Promise<void> {
    if (await useBlob.first(session, { hash, used_at: at })) return;
    await insertBlob.all(session, { hash, key, size, used_at: at, created_at: at });
  }

  /**
   * After the commit: of bytes that were there already, the second copy goes. When that fails, the sweep does it. Where the first
   * copy was lost, the second takes its place: what is acknowledged can be read, and so can every other file that has these bytes.
   */
  async settle({ hash, key }: StoredBlob): Promise<void> {
    const row = await blobByHash.first(this.store.read, { hash }).catch(() => undefined);
    if (!row || row.key === key) return;
    if ((await this.#isLost(row.key)) && (await this.#replace({ hash, key, lost: row.key }))) return;
    await this.discard(key);
  }

  /** Whether there are no bytes under a key that a row has; a store that cannot be asked has lost nothing. */
  async #isLost(key: string): Promise<boolean> {
    const body = await this.blobs.read(key).catch(() => null);
    if (body instanceof ReadableStream) await body.cancel().catch(() => undefined);
    return body === undefined;
  }

  /** @returns whether it did; not when somebody else was first */
  async #replace(copy: { hash: string; key: string; lost: string }): Promise<boolean> {
    return (await this.store.tx((session) => moveBlob.all(session, copy))).length > 0;
  }

  /** Removes bytes that no row refers to. What cannot be removed now, the sweep will. */
  async discard(key: string): Promise<void> {
    await this.blobs.remove(key).catch(() => undefined);
  }

  /**
   * Lets go of bytes that one file or picture less has, in the transaction that removes it; the sweep takes them away. The
   * pictures of an image go with it.
   */
  async release(session: Session, hash: string): Promise<void> {
    const pictures = await picturesOf.all(session, { hash });
    if ((await dropBlob.all(session, { hash })).length === 0) return;
    for (const { checksum } of pictures) await dropBlob.all(session, { hash: checksum });
  }

  /** The bytes with this hash, as the body of a response, or of a part of it. @throws Error when they are gone */
  async read(hash: string, part?: BlobPart): Promise<Blob | ReadableStream<Uint8Array>> {
    const row = await blobByHash.first(this.store.read, { hash });
    const body = row && (await this.blobs.read(row.key, part));
    if (!body) throw new Error(`The bytes of ${hash} are gone: neocrm blobs verify says of what else.`);
    return body;
  }

  /** The bytes that a row referred to: under its key, or where the same ones are by now. */
  async bytesOf({ hash, key }: Pick<BlobRow, "hash" | "key">): ReturnType<Blobs["read"]> {
    const body = await this.blobs.read(key);
    const row = body ? undefined : await blobByHash.first(this.store.read, { hash });
    return body ?? (row && this.blobs.read(row.key));
  }

  /** Sees to it that bytes stay as long as `work` runs, also those whose last row goes meanwhile. */
  hold<Result>(work: () => Promise<Result>): Promise<Result> {
    return holding(this.store, work);
  }

  /**
   * Removes bytes that no row refers to, and that came longer ago than any upload takes; none while somebody holds them.
   * @returns how many there were
   */
  async sweep(olderThanMs: number): Promise<number> {
    const before = now() - olderThanMs;
    const others = new Set(await this.others());
    let removed = 0;
    let old: ListedBlob[] = [];
    const removeStrays = async () => {
      const keys = JSON.stringify(old.map(({ key }) => key));
      const used = new Set((await keysInUse.all(this.store.read, { keys })).map(({ key }) => key));
      // Asked after the rows: whoever held them before that reads the rows of a later instant.
      const strays = (await areHeld(this.store.read)) ? [] : old.filter(({ key }) => !used.has(key));
      for (const { key } of strays) await this.blobs.remove(key);
      removed += strays.length;
      old = [];
    };
    for await (const blob of this.blobs.list()) {
      if (blob.storedAt <= before && !others.has(blob.key)) old.push(blob);
      if (old.length === portion) await removeStrays();
    }
    if (old.length > 0) await removeStrays();
    return removed;
  }

  /** Reads all bytes that files have, and compares them with their hashes. */
  async verify(): Promise<Verified> {
    const found: Verified = { blobs: 0, bytes: 0, missing: [], damaged: [] };
    for (let hash = ""; ;) {
      const rows = await blobsAfter.all(this.store.read, { hash, limit: portion });
      for (const row of rows) {
        found.blobs++;
        found.bytes += row.size;
        const wrong = await this.#check(row);
        if (wrong) found[wrong].push(row.hash);
      }
      if (rows.length < portion) return found;
      hash = rows.at(-1)!.hash;
    }
  }

  async #check(row: BlobRow): Promise<"missing" | "damaged" | undefined> {
    const body = await this.blobs.read(row.key);
    if (body) return (await hashOf(body)) === row.hash ? undefined : "damaged";
    // Removed for good since the row was read, it is not missing.
    const isThere = await blobByHash.first(this.store.read, { hash: row.hash });
    return isThere?.key === row.key ? "missing" : undefined;
  }
}

async function hashOf(body: Blob | ReadableStream<Uint8Array>): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of body instanceof Blob ? body.stream() : body) hasher.update(chunk);
  return hasher.digest("hex");
}
