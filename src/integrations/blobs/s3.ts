import { S3Client, type S3File } from "bun";
import { newId } from "../../ids";
import { BlobError, type Blobs } from "./blobs";

/** Where the bucket is, and who we are there. */
export interface S3Options {
  /** The URL of the service. */
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** What every key begins with, so that the bucket may hold other things too. */
const prefix = "blobs/";

/** Bytes of one part of an upload, of which three are on their way at once: what an upload takes of memory. */
const partSize = 5 * 1024 * 1024;
const partsAtOnce = 3;

/** Blobs in a bucket of S3, or of what speaks like it: `blobs/<id>`. */
export function s3Blobs(options: S3Options): Blobs {
  const client = new S3Client(options);
  return {
    async put(bytes) {
      const key = prefix + newId();
      return { key, ...(await write(client, key, bytes)) };
    },
    async read(key, part) {
      const file = client.file(key);
      if (!(await reached(() => file.exists()))) return undefined;
      return (part ? file.slice(part.first, part.last + 1) : file).stream() as ReadableStream<Uint8Array>;
    },
    remove: (key) => reached(() => client.delete(key)),
    async *list() {
      for (let continuationToken: string | undefined; ;) {
        const page = await reached(() => client.list({ prefix, maxKeys: 1000, continuationToken }));
        for (const { key, lastModified } of page.contents ?? []) {
          if (lastModified !== undefined) yield { key, storedAt: Date.parse(lastModified) };
        }
        if (!page.isTruncated) return;
        continuationToken = page.nextContinuationToken;
      }
    },
  };
}

async function write(client: S3Client, key: string, bytes: AsyncIterable<Uint8Array>) {
  const hasher = new Bun.CryptoHasher("sha256");
  let size = 0;
  const file = client.file(key);
  const writer = file.writer({ partSize, queueSize: partsAtOnce, retry: 3 });
  try {
    for await (const chunk of bytes) {
      hasher.update(chunk);
      size += chunk.byteLength;
      // A copy: the caller may use its buffer again before the part is sent.
      await reached(async () => writer.write(Uint8Array.from(chunk)));
    }
    await reached(async () => writer.end());
  } catch (error) {
    await abandon(writer, file);
    throw error;
  }
  return { size, hash: hasher.digest("hex") };
}

/** Ends an upload that is not to be: what was sent of it must not stay. */
async function abandon(writer: { end(error?: Error): unknown }, file: S3File): Promise<void> {
  try {
    await writer.end(new Error("abandoned"));
  } catch {
    // That it did not succeed is what was asked for.
  }
  await file.delete().catch(() => undefined);
}

async function reached<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new BlobError("unavailable", error);
  }
}
