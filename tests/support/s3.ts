import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { S3Options } from "../../src/integrations/blobs/s3";
import { inMemory } from "./in-memory";

/** A service that speaks like S3, with one bucket. */
export interface S3Service {
  options: S3Options;
  /** What a server has to be told to keep its files there. */
  env: Record<string, string>;
  /** Where it has its files. */
  folder: string;
  stop(): Promise<void>;
}

/** Starts one of its own. */
export async function startS3(): Promise<S3Service> {
  const folder = mkdtempSync(join(inMemory, "neocrm-s3-"));
  const bucket = "neocrm";
  const script = join(import.meta.dir, "s3.mjs");
  const child = Bun.spawn(["node", script, folder, bucket], { stdio: ["ignore", "pipe", "inherit"] });
  const port = await firstLine(child.stdout);
  const options = {
    ...{ endpoint: `http://127.0.0.1:${port}`, bucket, region: "us-east-1" },
    ...{ accessKeyId: "S3RVER", secretAccessKey: "S3RVER" },
  };
  return {
    ...{ options, folder },
    env: {
      ...{ S3_ENDPOINT: options.endpoint, S3_BUCKET: bucket, S3_REGION: options.region },
      ...{ S3_ACCESS_KEY_ID: options.accessKeyId, S3_SECRET_ACCESS_KEY: options.secretAccessKey },
    },
    async stop() {
      child.kill();
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n")) return text.trim();
  }
  throw new Error("The S3 service did not start.");
}
