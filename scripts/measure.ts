/**
 * Measures what the executable asks of a machine: the size of its image, the time until it answers, and its memory.
 *
 *   bun run measure                 minutes, most of them for the image, which is compressed as it is shipped
 *   bun run measure --level 3       quicker, with a larger image; --starts 15 and --seconds 30 look longer
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { startNeocrmFreely, type Contender } from "../bench/contenders";
import { residentBytes } from "../bench/load";
import { below, median, printTargets, type Target } from "../bench/table";
import { binary, runBinary } from "../tests/support/binary";
import type { ImageReport } from "./image";

const root = resolve(import.meta.dir, "..");
const settleMs = 3_000;
const admin = { email: "ada@example.com", password: "a long enough phrase" };
const mebibytes = (bytes: number) => bytes / 2 ** 20;

async function imageMegabytes(level: string, folder: string): Promise<number> {
  const script = ["scripts/image.ts", "--executable", await binary(), "--level", level, "--json"];
  const child = Bun.spawn([process.execPath, ...script, "--outfile", join(folder, "image.tar")], {
    ...{ cwd: root, stdio: ["ignore", "pipe", "inherit"] },
  });
  const out = await new Response(child.stdout).text();
  // It exits 1 for an image that is too large, and prints it all the same.
  await child.exited;
  return (JSON.parse(out) as ImageReport).size / 1e6;
}

/** Milliseconds until the first answer, and the memory that the last one rests with. */
async function startsOn(dataDirs: string[]): Promise<{ startMs: number; idle: number }> {
  const times: number[] = [];
  const idle: number[] = [];
  for (const dataDir of dataDirs) {
    const server = await startNeocrmFreely(dataDir);
    times.push(server.startMs);
    await Bun.sleep(settleMs);
    idle.push(mebibytes(residentBytes(server.pid)));
    await server.stop();
  }
  return { startMs: median(times), idle: median(idle) };
}

/** The most memory that it ever had, while 64 callers read, search and write, and four upload 50 MB each. */
async function peakOf(dataDir: string, seconds: number): Promise<{ peak: number; requests: number }> {
  const person = ["--email", admin.email, "--name", "Ada", "--role", "admin", "--password-stdin"];
  const made = await runBinary(["user", "create", ...person, "--data-dir", dataDir], {
    stdin: admin.password,
  });
  if (made.code !== 0) throw new Error(made.err);
  const server = await startNeocrmFreely(dataDir);
  try {
    const authorization = `Bearer ${await tokenOf(server)}`;
    const until = performance.now() + seconds * 1_000;
    const callers = Array.from({ length: 64 }, (_, number) => call(server.url, authorization, number, until));
    const uploads = Array.from({ length: 4 }, (_, number) => upload(server.url, authorization, number));
    const counts = await Promise.all(callers);
    await Promise.all(uploads);
    const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
    const peak = Number(/^VmHWM:\s+(\d+)/m.exec(status)![1]) / 1024;
    return { peak, requests: counts.reduce((total, count) => total + count, 0) };
  } finally {
    await server.stop();
  }
}

async function tokenOf({ url }: Contender): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/api/auth/login`, {
    method: "POST",
    headers,
    body: JSON.stringify(admin),
  });
  return ((await asWanted(response).json()) as { access_token: string }).access_token;
}

async function call(url: string, authorization: string, caller: number, until: number): Promise<number> {
  const headers = { authorization, "content-type": "application/json" };
  let count = 0;
  for (; performance.now() < until; count++) {
    const name = `Client ${caller}-${count}`;
    const requests = [
      () => fetch(`${url}/api/clients?limit=20`, { headers }),
      () => fetch(`${url}/api/clients?q=client`, { headers }),
      () => fetch(`${url}/api/clients`, { headers, method: "POST", body: JSON.stringify({ name }) }),
      () => fetch(`${url}/api/dashboard/stats`, { headers }),
    ];
    await asWanted(await requests[count % requests.length]!()).arrayBuffer();
  }
  return count;
}

async function upload(url: string, authorization: string, number: number): Promise<void> {
  const body = new FormData();
  body.append("file", new File([new Uint8Array(50e6).fill(65 + number)], `large-${number}.txt`));
  await asWanted(
    await fetch(`${url}/api/files/upload`, { method: "POST", headers: { authorization }, body }),
  ).text();
}

function asWanted(response: Response): Response {
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}.`);
  return response;
}

const { values } = parseArgs({
  options: {
    level: { type: "string", default: "22" },
    starts: { type: "string", default: "7" },
    seconds: { type: "string", default: "15" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "neocrm-measure-"));
try {
  const dirs = Array.from({ length: Number(values.starts) }, (_, number) => join(folder, `new-${number}`));
  const first = await startsOn(dirs);
  const again = await startsOn(dirs);
  const { peak, requests } = await peakOf(dirs[0]!, Number(values.seconds));
  const image = await imageMegabytes(values.level, folder);
  const targets: Target[] = [
    below(`image, as it is fetched (zstd ${values.level})`, 50, image, "MB"),
    below("first answer, new data directory", 300, first.startMs, "ms"),
    below("first answer, existing data directory", 150, again.startMs, "ms"),
    below("memory, idle", 80, again.idle, "MiB"),
    below(`memory, most of all during ${requests} requests of 64 callers and 4 × 50 MB`, 300, peak, "MiB"),
  ];
  printTargets(targets);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
