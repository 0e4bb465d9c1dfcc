/**
 * Measures importing on the executable, beside the same rows put through a bare prepared statement into a table with an FTS5
 * index that a trigger keeps:
 *
 *   bun bench/import.ts [--rows 50000] [--clients 1000] [--postgres]
 *
 * `--clients` are there before. The same rows are imported once more: left out, as they are, and each with another company.
 */
import { Database } from "bun:sqlite";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newDatabase } from "../tests/support/postgres";
import { signIn, startNeocrm, startNeocrmFreely, type Contender } from "./contenders";
import { fillNew } from "./fill-new";
import { seedRows } from "./seed";
import { percentile, printTable } from "./table";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "50000" },
    clients: { type: "string", default: "1000" },
    postgres: { type: "boolean", default: false },
  },
});
const count = Number(values.rows);
const folder = mkdtempSync(join(tmpdir(), "neocrm-import-"));
const dataDir = join(folder, "data");
let server: Contender | undefined;
try {
  const url = values.postgres ? await newDatabase({ durable: true }) : undefined;
  await fillNew(dataDir, url, (account) => seedRows(Number(values.clients), account));
  server = url === undefined ? await startNeocrmFreely(dataDir) : await startNeocrm("neocrm", dataDir, url);
  const token = await signIn(server, 0);
  const small = await imported(server, token, csvOf(1_000, "small"));
  const large = await imported(server, token, csvOf(count, "large"));
  const again = "?match=external_id&mode=";
  const left = await imported(server, token, csvOf(count, "large"), `${again}skip`);
  const same = await imported(server, token, csvOf(count, "large"), `${again}upsert`);
  const moved = await imported(server, token, csvOf(count, "large", "Moved"), `${again}upsert`);
  await untilEnded(server, token, (await post(server, token, `/api/jobs/${moved.id}/undo`)).id);
  const undone = await untilEnded(
    server,
    token,
    (await post(server, token, `/api/jobs/${large.id}/undo`)).id,
  );
  const bare = url === undefined ? floor(join(folder, "floor.db"), count) : undefined;
  printTable(
    `Import of ${count} clients beside ${values.clients} (${url === undefined ? "SQLite" : "PostgreSQL"})`,
    ["", "seconds", "rows/s", "CPU seconds", "reads p99 ms", "reads max ms", "RSS MB"],
    [
      ["1,000 rows, from upload to end", ...figures(small, 1_000)],
      ["import", ...figures(large, count)],
      ["once more, left out", ...figures(left, count)],
      ["once more, nothing changed", ...figures(same, count)],
      ["once more, each changed", ...figures(moved, count)],
      ["undo of the import", ...figures(undone, count)],
      ...(bare
        ? [
            [
              "bare statement, FTS trigger",
              (bare.ms / 1000).toFixed(2),
              perSecond(count, bare.ms),
              bare.cpu.toFixed(2),
              "",
              "",
              "",
            ],
          ]
        : []),
    ],
  );
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}

interface Measured {
  id: string;
  ms: number;
  /** Seconds of processor time. */
  cpu: number;
  reads: number[];
  rss: number;
}

function figures({ ms, cpu, reads, rss }: Measured, rows: number): (string | number)[] {
  const [p99, max] = [percentile(reads, 99), percentile(reads, 100)];
  return [
    (ms / 1000).toFixed(2),
    perSecond(rows, ms),
    cpu.toFixed(2),
    p99.toFixed(1),
    max.toFixed(1),
    Math.round(rss / 2 ** 20),
  ];
}

function perSecond(rows: number, ms: number): number {
  return Math.round(rows / (ms / 1000));
}

function rowOf(i: number, name: string, company = "Company"): string[] {
  const first = ["Luís", "Leonie", "François", "Bjørn", "Đặng"][i % 5]!;
  return [
    ...[`${name}-${i}`, `${first} Gonçalves ${i}`, `${name}${i}@example.com`, `+47 ${20_000_000 + i}`],
    ...[`${company} ${i % 5_000}`, "vip, north", "Prefers to be called in the morning."],
  ];
}

function csvOf(rows: number, name: string, company?: string): string {
  const lines = Array.from({ length: rows }, (_, i) =>
    rowOf(i, name, company)
      .map((cell) => `"${cell}"`)
      .join(),
  );
  return `external_id,name,email,phone,company,tags,notes\n${lines.join("\n")}\n`;
}

async function imported(at: Contender, token: string, csv: string, how = ""): Promise<Measured> {
  const start = performance.now();
  const { id } = await post(at, token, `/api/bulk/clients${how}`, csv, "text/csv");
  return untilEnded(at, token, id, start);
}

async function post({ url }: Contender, token: string, path: string, body = "{}", type = "application/json") {
  const headers = { authorization: `Bearer ${token}`, "content-type": type };
  const response = await fetch(url + path, { method: "POST", headers, body });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as { id: string };
}

/** Waits for a job, and reads what somebody reads meanwhile. */
async function untilEnded(
  { url, pid }: Contender,
  token: string,
  id: string,
  start = performance.now(),
): Promise<Measured> {
  const headers = { authorization: `Bearer ${token}` };
  const reads: number[] = [];
  const cpu = processorSeconds(pid);
  let rss = 0;
  for (let askedAt = 0; ;) {
    const readAt = performance.now();
    await (await fetch(`${url}/api/clients?limit=20`, { headers })).text();
    reads.push(performance.now() - readAt);
    await Bun.sleep(5);
    if (performance.now() - askedAt < 100) continue;
    askedAt = performance.now();
    rss = Math.max(rss, residentBytes(pid));
    const job = (await (await fetch(`${url}/api/jobs/${id}`, { headers })).json()) as {
      state: string;
      failed: number;
      error: string | null;
    };
    if (job.state === "failed" || job.failed > 0) throw new Error(JSON.stringify(job));
    if (job.state === "succeeded")
      return { id, ms: performance.now() - start, cpu: processorSeconds(pid) - cpu, reads, rss };
  }
}

function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentBytes(pid: number): number {
  const [, pages] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
  return Number(pages) * 4_096;
}

/** Milliseconds that the same rows take in one prepared statement, with an FTS5 index of trigrams that a trigger keeps. */
function floor(file: string, rows: number): { ms: number; cpu: number } {
  const db = new Database(file, { create: true });
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL");
  db.run(
    "create table c (id integer primary key, external_id text unique, name text, email text unique, phone text, company text, tags text, notes text)",
  );
  db.run("create virtual table f using fts5 (text, tokenize = 'trigram', detail = none, content = '')");
  db.run(
    "create trigger t after insert on c begin insert into f (rowid, text) values (new.id, new.name || ' ' || new.company || ' ' || new.email || ' ' || new.notes); end",
  );
  const insert = db.prepare(
    "insert into c (external_id, name, email, phone, company, tags, notes) values (?, ?, ?, ?, ?, ?, ?)",
  );
  const all = Array.from({ length: rows }, (_, i) => rowOf(i, "floor"));
  const start = performance.now();
  const before = process.cpuUsage();
  for (let i = 0; i < rows; i += 100)
    db.transaction(() => {
      for (const row of all.slice(i, i + 100)) insert.run(...row);
    })();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  db.close();
  return { ms, cpu: (user + system) / 1e6 };
}
