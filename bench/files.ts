/**
 * Measures on the executable how fast files go out, beside nginx with `sendfile`, interleaved in one run, and how fast they come in,
 * with the most memory that the server had meanwhile; one core for the servers and one for the load:
 *
 *   bun bench/files.ts [--rounds 5] [--seconds 2] [--megabytes 50]
 *
 * Needs nginx, wrk, curl and taskset, and 6 GB in the folder for temporary files. Prints the tables of docs/performance.md.
 */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { signIn } from "../tests/drills/api";
import { startNeocrm, startNginx, type Contender } from "./contenders";
import { burst, cpuSeconds, loadCore, peakBytes, pinned, type Measure } from "./load";
import { atLeast, below, median, printTable, printTargets, type TableRow, type Target } from "./table";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    megabytes: { type: "string", default: "50" },
  },
});
const [rounds, seconds, megabytes] = [values.rounds, values.seconds, values.megabytes].map(Number) as [
  number,
  number,
  number,
];

/** What is downloaded. */
const files = [
  { name: "10 MB", bytes: 10e6, connections: 8 },
  { name: "1 GB", bytes: 1e9, connections: 2 },
];
type DownloadedFile = (typeof files)[number];

const folder = mkdtempSync(join(tmpdir(), "neocrm-bench-files-"));
const running: Contender[] = [];
const targets: Target[] = [];
try {
  await compareDownloads();
  for (const uploads of [1, 50]) targets.push(await measureUploads(uploads));
  printTargets(targets);
} finally {
  await Promise.all(running.map((contender) => contender.stop()));
  rmSync(folder, { recursive: true, force: true });
}

async function compareDownloads(): Promise<void> {
  const neocrm = await startNeocrm("neocrm", join(folder, "data"));
  const nginx = await startNginx(folder);
  running.push(nginx, neocrm);
  const { authorization } = await signIn(neocrm.url);
  neocrm.tokens.push(authorization!.replace("Bearer ", ""));
  nginx.tokens.push("none");
  const rows: TableRow[] = [];
  for (const file of files) {
    const path = join(folder, `${file.bytes}`);
    writeFileSync(path, Buffer.alloc(file.bytes, Bun.randomUUIDv7()));
    const id = await upload(neocrm, authorization!, path);
    await assertWhole(neocrm, `/api/files/${id}/download`, authorization!, path);
    const paths = { nginx: `/${file.bytes}`, neocrm: `/api/files/${id}/download` };
    const measured = await interleaved(file, paths);
    rows.push(...rowsOf(file, measured));
    targets.push(
      atLeast(`download of ${file.name}, of nginx's speed`, 0.8, ratioOf(measured, megabytesPerSecond)),
      atLeast(
        `download of ${file.name}, of nginx's bytes for its processor time`,
        0.8,
        1 / ratioOf(measured, cpuPerGigabyte),
      ),
    );
  }
  printTable(
    `${new Date().toISOString().slice(0, 10)}: downloads, median of ${rounds} rounds of ${seconds} s`,
    ["file", "connections", "server", "MB/s", "of nginx", "CPU ms/GB", "of nginx", "errors"],
    rows,
  );
}

type Measures = Record<"nginx" | "neocrm", Measure[]>;

/** Both servers in turn, so that whatever else the machine does hits them alike. */
async function interleaved(file: DownloadedFile, paths: Record<keyof Measures, string>): Promise<Measures> {
  const measured: Measures = { nginx: [], neocrm: [] };
  const idsFile = join(folder, "ids");
  writeFileSync(idsFile, "none");
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? running : running.toReversed()) {
      const name = contender.name as keyof Measures;
      const load = { method: "GET", path: paths[name], tokens: contender.tokens, idsFile, users: 1 };
      measured[name].push(await burst(contender, { ...load, connections: file.connections, seconds }));
    }
  }
  return measured;
}

function megabytesPerSecond({ bytes, seconds: took }: Measure): number {
  return bytes / 1e6 / took;
}

/** In milliseconds. */
function cpuPerGigabyte({ bytes, cpuSeconds: cpu }: Measure): number {
  return (cpu * 1_000) / (bytes / 1e9);
}

/** The median of what came of each round. */
function ratioOf({ neocrm, nginx }: Measures, of: (measure: Measure) => number): number {
  return median(neocrm.map((measure, round) => of(measure) / of(nginx[round]!)));
}

function rowsOf({ name, connections }: DownloadedFile, measured: Measures): TableRow[] {
  return (["nginx", "neocrm"] as const).map((server) => {
    const of = (what: (measure: Measure) => number) => median(measured[server].map(what)).toFixed(0);
    const ratio = (what: (measure: Measure) => number) =>
      server === "nginx" ? "1.00" : ratioOf(measured, what).toFixed(2);
    const errors = measured[server].reduce((sum, measure) => sum + measure.errors, 0);
    return [
      ...[name, connections, server, of(megabytesPerSecond), ratio(megabytesPerSecond)],
      ...[of(cpuPerGigabyte), ratio(cpuPerGigabyte), errors],
    ];
  });
}

/** So many files at once, each with bytes of its own, to a server that has done nothing else. */
async function measureUploads(count: number): Promise<Target> {
  const server = await startNeocrm("neocrm", join(folder, `data-${count}`));
  try {
    const { authorization } = await signIn(server.url);
    const paths = Array.from({ length: count }, (_, i) => distinctFile(i));
    const idle = peakBytes(server.pid);
    const [cpu, start] = [cpuSeconds(server.pid), performance.now()];
    await Promise.all(paths.map((path) => upload(server, authorization!, path)));
    const took = (performance.now() - start) / 1_000;
    const [spent, peak] = [cpuSeconds(server.pid) - cpu, peakBytes(server.pid)];
    const all = count * megabytes;
    const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
    printTable(
      `${count} upload${count === 1 ? "" : "s"} of ${megabytes} MB at once`,
      ["MB/s", "CPU ms/GB", "peak before, MiB", "peak, MiB"],
      [[(all / took).toFixed(0), ((spent * 1e6) / all).toFixed(0), mib(idle), mib(peak)]],
    );
    return below(`memory at most, ${count} × ${megabytes} MB at once`, 300, peak / 1e6, "MB");
  } finally {
    await server.stop();
  }
}

/** It takes no room on disk, and is a file like any other to whoever reads it. */
function distinctFile(i: number): string {
  const path = join(folder, `upload-${i}`);
  writeFileSync(path, `file ${i} ${Bun.randomUUIDv7()}`);
  truncateSync(path, megabytes * 1e6);
  return path;
}

/** Uploads a file as a browser does, on the core of the load. @returns its id */
async function upload({ url }: Contender, authorization: string, path: string): Promise<string> {
  const curl = ["curl", "-sS", "-H", `Authorization: ${authorization}`, "-F", `file=@${path}`];
  const child = Bun.spawn(pinned(loadCore, [...curl, `${url}/api/files/upload`]), { stderr: "inherit" });
  const answer = await new Response(child.stdout).json();
  if (typeof answer.id !== "string") throw new Error(`upload: ${JSON.stringify(answer)}`);
  return answer.id;
}

/** What is measured must be the file. */
async function assertWhole({ url }: Contender, path: string, authorization: string, sent: string) {
  const hashOf = async (body: Blob | Response) => {
    const hasher = new Bun.CryptoHasher("sha256");
    for await (const chunk of body instanceof Response ? body.body! : body.stream()) hasher.update(chunk);
    return hasher.digest("hex");
  };
  const came = await hashOf(await fetch(url + path, { headers: { authorization } }));
  if (came !== (await hashOf(Bun.file(sent)))) throw new Error(`${path} is not what was sent.`);
}
