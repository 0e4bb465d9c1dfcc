/** The executable, as an operator has it: run from an empty directory, knowing nothing of the source. */
import type { Subprocess } from "bun";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");
const executable = join(root, "dist/neocrm");

let built: Promise<string> | undefined;

/** The executable's path. It is built anew, once for each test process, when a source file is newer. */
export function binary(): Promise<string> {
  return (built ??= buildIfOutdated());
}

async function buildIfOutdated() {
  if (isOutdated()) await buildBinary();
  return executable;
}

function isOutdated() {
  if (!existsSync(executable)) return true;
  const builtAt = statSync(executable).mtimeMs;
  const sources = [...new Bun.Glob("{src,drizzle,config}/**/*").scanSync(root)];
  return [...sources, "package.json", "bun.lock", "scripts/build.ts"].some(
    (file) => statSync(join(root, file)).mtimeMs > builtAt,
  );
}

async function buildBinary() {
  const child = Bun.spawn([process.execPath, "scripts/build.ts"], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errors = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`The executable cannot be built: ${errors}`);
}

/** Environment variables of the executable, over PATH and HOME. */
type Env = Record<string, string>;

const environment = (env: Env = {}): Env => ({
  PATH: process.env.PATH ?? "",
  HOME: process.env.HOME ?? "",
  ...env,
});

export interface RunOptions {
  /** What it reads on its standard input. */
  stdin?: string;
  /** Default: an empty directory, gone afterwards. */
  cwd?: string;
  env?: Env;
  /** It is killed after so many milliseconds; default: 30 seconds. */
  timeoutMs?: number;
}

export interface RunResult {
  code: number;
  out: string;
  err: string;
}

/** Runs a command to its end. */
export async function runBinary(args: string[], options: RunOptions = {}): Promise<RunResult> {
  const cwd = options.cwd ?? emptyFolder();
  const child = Bun.spawn([await binary(), ...args], {
    cwd,
    env: environment(options.env),
    stdin: new Blob([options.stdin ?? ""]),
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.timeoutMs ?? 30_000,
    killSignal: "SIGKILL",
  });
  leftBehind.add({ child });
  const text = (stream: ReadableStream<Uint8Array>) => new Response(stream).text();
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), child.exited]);
  if (options.cwd === undefined) rmSync(cwd, { recursive: true, force: true });
  return { code, out, err };
}

export interface StartOptions {
  /** Default: `data` in an empty directory, gone when the server is. */
  dataDir?: string;
  env?: Env;
  /** Further arguments of `serve`. */
  args?: string[];
  /** A command that runs it, such as `strace -o FILE`. */
  wrapper?: string[];
  /** Another executable than this one. */
  executable?: string;
}

/** A server that answers. */
export interface RunningBinary {
  url: string;
  pid: number;
  process: Subprocess;
  /** Where its data is. */
  dataDir: string;
  /** What it wrote so far, to both outputs. */
  log(): string;
  /** Tells it to stop, and gives its exit code when it has. */
  stop(): Promise<number>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

/** Starts a server on a free port of the loopback. Whoever starts one stops it; the end of the process does too. */
export async function startBinary(options: StartOptions = {}): Promise<RunningBinary> {
  const { dataDir, env, args = [], wrapper = [], executable: other } = options;
  const folder = emptyFolder();
  const data = dataDir ?? join(folder, "data");
  const command = [
    ...wrapper,
    other ?? (await binary()),
    "serve",
    "--port",
    "0",
    "--data-dir",
    data,
    ...args,
  ];
  const child = Bun.spawn(command, {
    cwd: folder,
    env: environment({ HOST: "127.0.0.1", ...env }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  leftBehind.add({ child, folder });
  const log = collect(child.stdout, child.stderr);
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    const pid = serverPid(data);
    if (wrapper.length > 0 && pid !== undefined) process.kill(pid, signal);
    else child.kill(signal);
    const code = await child.exited;
    rmSync(folder, { recursive: true, force: true });
    return code;
  };
  try {
    return {
      url: await urlIn(log, child),
      ...{ pid: serverPid(data) ?? child.pid, process: child, dataDir: data, log },
      stop: () => end("SIGTERM"),
      kill: async () => void (await end("SIGKILL")),
    };
  } catch (error) {
    await end("SIGKILL");
    throw error;
  }
}

/** The server's own process, which a wrapper hides. */
function serverPid(dataDir: string): number | undefined {
  const file = join(dataDir, "neocrm.pid");
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
}

/** The text of streams so far. */
function collect(...streams: ReadableStream<Uint8Array>[]): () => string {
  let text = "";
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) text += decoder.decode(bytes, { stream: true });
  };
  for (const stream of streams) void read(stream);
  return () => text;
}

/** Waits for the line that says where the server answers. */
async function urlIn(log: () => string, child: Subprocess): Promise<string> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    const url = /"message":"Neo CRM answers".*?"url":"([^"]+)"/.exec(log())?.[1];
    if (url) return url;
    if (child.exitCode !== null || child.signalCode !== null) break;
    await Bun.sleep(5);
  }
  const end = child.exitCode === null ? "does not answer" : `exited with code ${child.exitCode}`;
  throw new Error(`The server ${end}:\n${log()}`);
}

const emptyFolder = () => mkdtempSync(join(tmpdir(), "neocrm-run-"));

/** What was started, for the end of the test process. */
const leftBehind = new Set<{ child: Subprocess; folder?: string }>();

process.on("exit", () => {
  for (const { child, folder } of leftBehind) {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    if (folder) rmSync(folder, { recursive: true, force: true });
  }
});
