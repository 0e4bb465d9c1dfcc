/**
 * A day at the office, on the executable and this machine: 70 % reads, 15 % searches of which none comes twice, 10 % writes, 5 % over
 * WebSockets. Operations begin when they are due, however slow the answers are (an open loop), and their time counts from when they
 * were due: a server that stands still cannot hide it.
 *
 *   bun bench/day.ts [day|ramp|soak|spike] [--rate 1500] [--seconds 600] [--clients 100000] [--postgres]
 *                    [--only read|search|write|realtime] [--data DIR]
 *
 * --only sends one kind alone, to see what it costs; --data keeps the company of SQLite for the next run.
 * Prints what it saw each ten seconds on standard error, and tables at the end. Exits 1 when something wanted was missed.
 */
import { Database } from "bun:sqlite";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newDatabase } from "../tests/support/postgres";
import { signInAll, startNeocrmFreely, type Contender } from "./contenders";
import { fillNew } from "./fill-new";
import { Generator } from "./generator";
import { seedRows } from "./seed";
import { atLeast, below, percentile, printTable, printTargets } from "./table";
import { mix, profiles, type Kind, type Profile, type Records } from "./traffic";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rate: { type: "string", default: "1500" },
    seconds: { type: "string" },
    clients: { type: "string", default: "100000" },
    postgres: { type: "boolean", default: false },
    only: { type: "string" },
    data: { type: "string" },
  },
});
const profile = (positionals[0] ?? "day") as Profile;
if (!Object.hasOwn(profiles, profile)) throw new Error(`There is no profile ${profile}.`);
const rate = Number(values.rate);
const seconds = values.seconds === undefined ? undefined : Number(values.seconds);

const folder = mkdtempSync(join(tmpdir(), "neocrm-day-"));
let server: Contender | undefined;
try {
  const dataDir = values.data ?? join(folder, "data");
  const databaseUrl = values.postgres ? await newDatabase({ durable: true }) : undefined;
  const kept = databaseUrl === undefined ? keptRecords(dataDir) : undefined;
  const records = kept ?? (await seed(dataDir, databaseUrl));
  server = await startNeocrmFreely(dataDir, databaseUrl);
  await signInAll(server);
  const generator = new Generator(
    server,
    records,
    profiles[profile](rate, seconds),
    values.only as Kind | undefined,
  );
  await generator.run();
  report(generator);
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** What a run before left there. */
function keptRecords(dataDir: string): Records | undefined {
  const file = join(dataDir, "neocrm.db");
  if (!existsSync(file)) return undefined;
  using db = new Database(file, { readonly: true });
  const ids = (table: string) =>
    db
      .query(`SELECT id FROM ${table}`)
      .all()
      .map((row) => (row as { id: string }).id);
  return { clients: ids("clients"), tasks: ids("tasks") };
}

/** Lets the executable make its tables and its first account, and fills in a company. */
async function seed(dataDir: string, databaseUrl: string | undefined): Promise<Records> {
  const rows = await fillNew(dataDir, databaseUrl, (account) => seedRows(Number(values.clients), account));
  const ids = (of: { id: string }[]) => of.map(({ id }) => id);
  return { clients: ids(rows.clients!), tasks: ids(rows.tasks!) };
}

function report({ times, errors, samples, seconds: took, delay }: Generator): void {
  const all = Object.values(times).flat();
  const row = (name: string, of: number[]) => [
    ...[name, of.length.toLocaleString("en"), (of.length / took).toFixed(0)],
    ...[50, 95, 99, 99.9, 100].map((share) => (of.length === 0 ? "–" : percentile(of, share).toFixed(1))),
  ];
  printTable(
    `${new Date().toISOString().slice(0, 10)}: ${profile}, ${rate} a second, ${Number(values.clients).toLocaleString("en")} clients and twice as many ` +
      `tasks, ${values.postgres ? "PostgreSQL" : "SQLite"}, ${availableParallelism()} cores for server and load`,
    ["operations", "count", "a second", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms"],
    [...(Object.keys(mix) as Kind[]).map((kind) => row(kind, times[kind])), row("all", all)],
  );
  const half = samples.length >> 1;
  const mean = (of: number[]) => of.reduce((sum, each) => sum + each, 0) / Math.max(1, of.length);
  const rss = (of: typeof samples) => mean(of.map((sample) => sample.rss)) / 1024 / 1024;
  const [first, second] = [rss(samples.slice(half >> 1, half)), rss(samples.slice(half + (half >> 1)))];
  printTable(
    "Server and load:",
    ["what", "measured"],
    [
      ["CPU of the server, µs an operation", mean(samples.map(({ cpuMicros }) => cpuMicros)).toFixed(0)],
      ["CPU of the load, µs an operation", mean(samples.map(({ loadMicros }) => loadMicros)).toFixed(0)],
      ["event loop of the server late by, p99, ms", (delay * 1_000).toFixed(1)],
      ["memory, second and last quarter, MiB", `${first.toFixed(0)}, ${second.toFixed(0)}`],
      ["errors", [...errors].map(([what, count]) => `${count} × ${what}`).join("; ") || "none"],
    ],
  );
  const failed = [...errors.values()].reduce((sum, count) => sum + count, 0);
  const targets = [
    below("errors", 1, failed, "operations"),
    ...(profile === "day"
      ? [
          atLeast("operations a second", rate * 0.99, all.length / took),
          below("99 of 100 operations", 50, percentile(all, 99), "ms"),
        ]
      : []),
    ...(took >= 120 ? [below("growth of memory", 1.1, second / first, "times")] : []),
  ];
  printTargets(targets);
  if (targets.some(({ isMet }) => !isMet)) process.exitCode = 1;
}
