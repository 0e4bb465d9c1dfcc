import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { names } from "./manifest";

/** Bytes that a backup has, or should have. */
export interface BlobRef {
  /** SHA-256 in hexadecimal. */
  hash: string;
  /** Where the store had them. */
  key: string;
  size: number;
}

/** Where bytes lie in the folder that backups lie in: the same ones once for all of them. */
export const blobPath = (folder: string, hash: string): string =>
  join(folder, names.blobs, hash.slice(0, 2), hash);

/** Writes which bytes a backup has, one line each as `sha256sum` writes it. */
export async function writeBlobList(backup: string, hashes: Iterable<string>): Promise<void> {
  const file = await open(join(backup, names.blobList), "wx", 0o600);
  try {
    let lines = "";
    for (const hash of hashes) {
      lines += `${hash}  ../${names.blobs}/${hash.slice(0, 2)}/${hash}\n`;
      if (lines.length < 64 * 1024) continue;
      await file.write(lines);
      lines = "";
    }
    await file.write(lines);
  } finally {
    await file.close();
  }
}

/** The hashes of the bytes that a backup has, in their order. */
export async function* readBlobList(backup: string): AsyncGenerator<string> {
  const lines = createInterface({ input: createReadStream(join(backup, names.blobList)) });
  for await (const line of lines) if (line !== "") yield line.slice(0, 64);
}
