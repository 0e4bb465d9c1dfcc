import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBinary } from "../support/binary";
import { form } from "../support/files";
import { drillEnv, signIn } from "./api";

export interface MemoryResult {
  /** What the file became: its status, and whether its checksum is that of what was sent. */
  status: number;
  isWhole: boolean;
  /** By how many MiB the process grew at most while it took the file in. */
  grewMiB: number;
}

const piece = new Uint8Array(64 * 1024).map((_, i) => (i * 31 + (i >> 8)) % 251);

/** Uploads one file of so many megabytes, and looks at the memory of the executable. */
export async function memoryDrill(megabytes: number): Promise<MemoryResult> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-files-memory-"));
  try {
    const env = { ...drillEnv, MAX_FILE_SIZE: "1TiB" };
    const server = await startBinary({ dataDir: join(folder, "data"), env });
    const headers = await signIn(server.url);
    // What is used for the first time stays: it is no growth.
    await send(server.url, headers, folder, 4);
    // From here on: else what the start took at its height would hide growth.
    writeFileSync(`/proc/${server.pid}/clear_refs`, "5");
    const before = peakMiB(server.pid);
    const { status, isWhole } = await send(server.url, headers, folder, megabytes);
    const grewMiB = peakMiB(server.pid) - before;
    await server.stop();
    return { status, isWhole, grewMiB };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The most memory that a process had since it started, or since that was forgotten. */
function peakMiB(pid: number): number {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  return Number(kib) / 1024;
}

/** Sends a form that stands on disk, as programs do that upload large files: its length is known before. */
async function send(url: string, headers: Record<string, string>, folder: string, megabytes: number) {
  const hasher = new Bun.CryptoHasher("sha256");
  const empty = form({ field: "file", name: "large.bin", bytes: "" });
  const end = empty.raw.length - "\r\n------neocrm-tests--\r\n".length;
  const file = Bun.file(join(folder, "form"));
  const writer = file.writer({ highWaterMark: 2 ** 20 });
  await writer.write(empty.raw.slice(0, end));
  for (let written = 0; written < megabytes * 1_000_000; written += piece.length) {
    hasher.update(piece);
    await writer.write(piece);
    await writer.flush();
  }
  await writer.write(empty.raw.slice(end));
  await writer.end();
  const response = await fetch(`${url}/api/files/upload`, {
    ...{ method: "POST", body: file, headers: { ...headers, ...empty.headers } },
  });
  await file.delete();
  const { checksum } = (await response.json()) as { checksum: string };
  return { status: response.status, isWhole: checksum === hasher.digest("hex") };
}
