import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** One measured burst of requests. */
export interface Measure {
  requestsPerSecond: number;
  /** All that came in, of answers under way too. */
  bytes: number;
  seconds: number;
  /** Milliseconds. */
  p50: number;
  p95: number;
  p99: number;
  /** The server's processor time for each request, in microseconds. */
  cpuMicros: number;
  /** The same in all. */
  cpuSeconds: number;
  /** The server's resident memory at the end, in bytes. */
  rss: number;
  /** Answers other than 2xx. */
  errors: number;
}

/** What is sent; `requests.lua` says what is replaced in it. */
export interface Load {
  method: string;
  path: string;
  body?: string;
  tokens: string[];
  /** A file of ids, one a line. */
  idsFile: string;
  users: number;
  connections: number;
  seconds: number;
}

const clockTicks = 100;
const pageBytes = 4_096;
const script = join(import.meta.dir, "requests.lua");

/** The processor of the servers, and that of the load. */
export const serverCore = 0;
export const loadCore = availableParallelism() - 1;

/** Runs a command on one processor, where there is more than one. */
export const pinned = (core: number, command: string[]) =>
  availableParallelism() > 1 ? ["taskset", "-c", String(core), ...command] : command;

let runs = 0;

/** Sends requests with wrk for some seconds and measures both sides. */
export async function burst({ url, pid }: { url: string; pid: number }, load: Load): Promise<Measure> {
  const { connections, seconds } = load;
  const wrk = ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, url];
  const before = cpuSeconds(pid);
  const child = Bun.spawn(pinned(loadCore, wrk), { env: environment(load), stderr: "inherit" });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`wrk failed:\n${output}`);
  const result = JSON.parse(output.slice(output.lastIndexOf("{"))) as Record<string, number>;
  const { requests = 0, bytes = 0, micros = 1, errors = 0 } = result;
  const cpu = cpuSeconds(pid) - before;
  return {
    requestsPerSecond: requests / (micros / 1e6),
    ...{ bytes, seconds: micros / 1e6 },
    p50: result.p50! / 1_000,
    p95: result.p95! / 1_000,
    p99: result.p99! / 1_000,
    ...{ cpuMicros: (cpu * 1e6) / requests, cpuSeconds: cpu },
    rss: residentBytes(pid),
    errors,
  };
}

const environment = ({ method, path, body = "", tokens, idsFile, users }: Load) => ({
  ...process.env,
  ...{ METHOD: method, PATH_TO_SEND: path, BODY: body, TOKENS: tokens.join("\n"), IDS: idsFile },
  ...{ USERS: String(users), RUN: `${process.pid}-${runs++}` },
});

/** User and system time of a process, from `/proc/<pid>/stat` (proc(5), fields 14 and 15). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / clockTicks;
}

/** The memory of a process that is in use now, in bytes. */
export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * pageBytes;
}

/** The most memory that a process ever had in use, in bytes. */
export function peakBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1_024;
}
