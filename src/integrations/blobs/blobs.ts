/** Where the bytes of files are kept: on disk, or in a bucket. */
export interface Blobs {
  /**
   * Keeps bytes under a new key; no chunk is used after the next one is asked for. When it resolves they survive a power cut; when it rejects, nothing is left of them.
   * @throws whatever `bytes` throws, BlobError when the store cannot take them
   */
  put(bytes: AsyncIterable<Uint8Array>): Promise<StoredBlob>;
  /** Bytes as the body of a response, or of a part of it; `undefined` when there are none under this key. */
  read(key: string, part?: BlobPart): Promise<Blob | ReadableStream<Uint8Array> | undefined>;
  /** Removes what is there; what is not there is no mistake. */
  remove(key: string): Promise<void>;
  /** Everything there is, what was left of broken-off uploads included; in no order. */
  list(): AsyncIterable<ListedBlob>;
}

/** What was kept. */
export interface StoredBlob {
  /** Made by the store, and never used again. */
  key: string;
  size: number;
  /** SHA-256 in hexadecimal. */
  hash: string;
}

/** From the first byte to the last, both included, counted from 0. */
export interface BlobPart {
  first: number;
  last: number;
}

/** A key that there is, and when its bytes came, in milliseconds since 1970. */
export interface ListedBlob {
  key: string;
  storedAt: number;
}

/** Why a store cannot do it: there is no room, or it cannot be written or reached right now. */
export class BlobError extends Error {
  override name = "BlobError";

  constructor(
    readonly kind: "full" | "unavailable",
    cause: unknown,
  ) {
    super(`blobs: ${kind}`, { cause });
  }
}
