import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBinary } from "../support/binary";
import { oneFile } from "../support/files";
import { drillEnv, signIn } from "./api";

/** What the trace shows of one upload, in order. */
export type Step = "request" | "bytes synced" | "renamed" | "folder synced" | "row synced" | "answer";

/** What has to be seen, and in this order. */
export const inOrder: Step[] = [
  "request",
  "bytes synced",
  "renamed",
  "folder synced",
  "row synced",
  "answer",
];

/**
 * Watches the executable's system calls while files are uploaded, one after the other: the bytes are synced, then named, then
 * their folder is synced, and only then the row that refers to them; the answer comes last. Gives what was seen of each.
 */
export async function filesSyncDrill(uploads: number): Promise<Step[][]> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-files-sync-"));
  const trace = join(folder, "trace");
  const calls = "trace=read,recvfrom,write,writev,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2";
  const strace = ["strace", "-f", "-y", "-s", "40", "-e", calls, "-o", trace];
  try {
    const server = await startBinary({ dataDir: join(folder, "data"), env: drillEnv, wrapper: strace });
    const headers = await signIn(server.url);
    for (let i = 0; i < uploads; i++) {
      const form = oneFile(`${i}.txt`, `bytes of ${i}`.repeat(10_000));
      const response = await fetch(`${server.url}/api/files/upload`, {
        ...{ method: "POST", body: form.raw, headers: { ...headers, ...form.headers } },
      });
      if (response.status !== 201) throw new Error(await response.text());
    }
    await server.stop();
    return stepsIn(readFileSync(trace, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const signs: [Step, RegExp][] = [
  ["request", /"POST \/api\/files\/upload/],
  ["bytes synced", /f(data)?sync\(\d+<[^>]*\/blobs\/incoming\/[^>]*>/],
  ["renamed", /rename(at2?)?\(.*\/blobs\/incoming\//],
  ["folder synced", /f(data)?sync\(\d+<[^>]*\/blobs\/[0-9a-f]{2}>/],
  ["row synced", /f(data)?sync\(\d+<[^>]*-wal>/],
  ["answer", /"HTTP\/1\.1 201/],
];

/** Each upload's steps, each once: a repetition, such as the sync of another commit, says nothing new. */
function stepsIn(trace: string): Step[][] {
  const uploads: Step[][] = [];
  for (const line of trace.split("\n")) {
    // Where another thread interrupts a call in the trace, it counts from when it began.
    const step = signs.find(([, sign]) => sign.test(line))?.[0];
    if (step === undefined) continue;
    if (step === "request") uploads.push([]);
    const seen = uploads.at(-1);
    // A commit before the bytes are named is somebody else's, such as of a scheduled task.
    const isOthers = step === "row synced" && !seen?.includes("folder synced");
    if (seen && !isOthers && !seen.includes(step)) seen.push(step);
  }
  return uploads;
}
