import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** One measured burst of requests. */
export interface Measure {
  requestsPerSecond: number;
  /** Milliseconds. */
  p50: number;
  p95: number;
  p99: number;
  /** The server's processor time for each request, in microseconds. */
  cpuMicros: number;
  /** The server's resident memory at the end, in bytes. */
  rss: number;
  /** Answers other than 2xx. */
  errors: number;
}

export interface Burst {
  pid: number;
  url: string;
  /** wrk's script that makes the requests. */
  script: string;
  env: Record<string, string>;
  connections: number;
  seconds: number;
}

const clockTicks = 100;
const pageBytes = 4_096;

/** The processor that load runs on: the last one, so that the first is the server's alone. */
export const loadCore = availableParallelism() - 1;

/** Runs a command on one processor, where there is more than one. */
export const pinned = (core: number, command: string[]) =>
  availableParallelism() > 1 ? ["taskset", "-c", String(core), ...command] : command;

/** Sends requests with wrk for some seconds and measures both sides. */
export async function burst({ pid, url, script, env, connections, seconds }: Burst): Promise<Measure> {
  const before = cpuSeconds(pid);
  const wrk = ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, url];
  const child = Bun.spawn(pinned(loadCore, wrk), { env: { ...process.env, ...env }, stderr: "inherit" });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`wrk failed:\n${output}`);
  const result = JSON.parse(output.slice(output.lastIndexOf("{"))) as Record<string, number>;
  const { requests = 0, micros = 1, errors = 0 } = result;
  return {
    requestsPerSecond: requests / (micros / 1e6),
    p50: result.p50! / 1_000,
    p95: result.p95! / 1_000,
    p99: result.p99! / 1_000,
    cpuMicros: ((cpuSeconds(pid) - before) * 1e6) / requests,
    rss: residentBytes(pid),
    errors,
  };
}

/** User and system time of a process, from `/proc/<pid>/stat` (proc(5), fields 14 and 15). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / clockTicks;
}

function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * pageBytes;
}

/** The one in the middle, by what it does in a second. */
export const median = (measures: Measure[]): Measure =>
  measures.toSorted((a, b) => a.requestsPerSecond - b.requestsPerSecond)[Math.floor(measures.length / 2)]!;
