import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBinary } from "../support/binary";
import { drillEnv, signIn } from "./api";

export interface SyncResult {
  /** Answers of success to a write that the trace shows going out. */
  acknowledgements: number;
  /** Those of them before which no sync of the WAL was seen since their request came in. */
  unsynced: number;
  syncs: number;
}

/**
 * Watches the executable's system calls while `writers` write `each` clients: between the arrival of a request and
 * the answer to it, the WAL has to be synced. That rows survive a `kill -9` proves less, as the kernel keeps them.
 */
export async function syncDrill({ writers, each }: { writers: number; each: number }): Promise<SyncResult> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-sync-"));
  const trace = join(folder, "trace");
  const calls = "trace=read,recvfrom,write,writev,sendto,sendmsg,fsync,fdatasync";
  const strace = ["strace", "-f", "-y", "-s", "24", "-e", calls, "-o", trace];
  try {
    const server = await startBinary({ dataDir: join(folder, "data"), env: drillEnv, wrapper: strace });
    const headers = await signIn(server.url);
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let i = 0; i < each; i++) await write(server.url, headers, `writer ${writer} no ${i}`);
      }),
    );
    await server.stop();
    return readTrace(readFileSync(trace, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function write(url: string, headers: Record<string, string>, name: string): Promise<void> {
  const response = await fetch(`${url}/api/clients`, {
    method: "POST",
    headers,
    body: JSON.stringify({ name }),
  });
  if (response.status !== 201) throw new Error(`${name}: ${response.status} ${await response.text()}`);
}

/** Follows each connection through the trace: request in, WAL synced, answer out. */
export function readTrace(trace: string): SyncResult {
  const result: SyncResult = { acknowledgements: 0, unsynced: 0, syncs: 0 };
  /** Connection → how many syncs there had been when its request came in. */
  const cameInAt = new Map<string, number>();
  const unfinished = new Map<string, string>();
  for (const line of trace.split("\n")) {
    const call = wholeCall(line, unfinished);
    if (call === undefined) continue;
    if (/^f(data)?sync\(\d+<[^>]*-wal>\s*\)\s+= 0/.test(call)) result.syncs++;
    const [, connection] = /^\w+\((\d+<(?:TCP|socket)[^>]*>+)/.exec(call) ?? [];
    if (connection === undefined) continue;
    if (call.includes('"POST /api/clients')) cameInAt.set(connection, result.syncs);
    if (!call.includes('"HTTP/1.1 201')) continue;
    result.acknowledgements++;
    if (result.syncs === (cameInAt.get(connection) ?? result.syncs)) result.unsynced++;
  }
  return result;
}

/** Puts calls together that another thread's interrupted in the trace. */
function wholeCall(line: string, unfinished: Map<string, string>): string | undefined {
  const [, pid, call] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
  if (pid === undefined || call === undefined) return undefined;
  if (call.endsWith("<unfinished ...>")) {
    unfinished.set(pid, call.slice(0, -"<unfinished ...>".length));
    // What goes out counts from when it began to, what comes in and what is synced from when it was done.
    return /^(write|send)/.test(call) ? call : undefined;
  }
  const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call);
  if (!resumed) return call;
  const start = unfinished.get(pid) ?? "";
  unfinished.delete(pid);
  return /^(write|send)/.test(start) ? undefined : start + resumed[1];
}
