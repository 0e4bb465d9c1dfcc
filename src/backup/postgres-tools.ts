import type { SQL } from "bun";
import { processEnvironment } from "../config/environment";
import { BackupFailed } from "./failed";
import { linesOf } from "./lines";

/** PostgreSQL's own programs, of which one package (`postgresql-client`) has all. */
export type Tool = "pg_dump" | "pg_restore" | "psql";

/** A tool under way; its standard input takes what it is to read, where it was asked for. */
export interface RunningTool {
  stdin: Bun.FileSink;
  stdout: ReadableStream<Uint8Array>;
  /** Resolves when it has done its work. @throws BackupFailed with its own words when it has not, the signal's reason when it was ended */
  done(): Promise<void>;
}

/** The programs that work on one database. */
export class PostgresTools {
  /** @param signal ends those under way, and starts no more */
  constructor(
    private readonly url: string,
    private readonly signal?: AbortSignal,
  ) {}

  /**
   * Makes sure that the programs are there, and understand this server.
   * @throws BackupFailed with what is missing, and how to get it
   */
  async assertFit(client: SQL): Promise<void> {
    const [{ version }] = await client`SELECT current_setting('server_version_num')::int AS version`;
    const server = Math.floor(Number(version) / 10_000);
    const mend = `Install PostgreSQL's client programs of version ${server} or newer (Debian: postgresql-client-${server}), and have them in PATH.`;
    for (const tool of ["pg_dump", "pg_restore", "psql"] as const) {
      const major = this.#majorOf(tool);
      if (major === undefined) throw new BackupFailed(`${tool} is not installed. ${mend}`);
      if (major < server)
        throw new BackupFailed(`${tool} is of version ${major}, the server of ${server}. ${mend}`);
    }
  }

  /** Starts a tool on the database; nothing secret is among its arguments, which everybody on the machine sees. @param onLine hears what it says of itself */
  start(tool: Tool, args: string[], onLine: (line: string) => void = () => {}): RunningTool {
    this.signal?.throwIfAborted();
    const child = Bun.spawn([pathOf(tool) ?? tool, ...args], {
      env: { ...basics(), ...connectionOf(this.url) },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      signal: this.signal,
    });
    const errors = lastLines(child.stderr, onLine);
    return {
      stdin: child.stdin,
      stdout: child.stdout,
      done: async () => {
        const [code, said] = [await child.exited, await errors];
        this.signal?.throwIfAborted();
        if (code !== 0) throw new BackupFailed(`${tool} failed: ${lastWords(said)}`);
      },
    };
  }

  /** Runs a tool to its end, whatever it prints. @throws BackupFailed */
  async run(tool: Tool, args: string[], onLine?: (line: string) => void): Promise<string> {
    const running = this.start(tool, args, onLine);
    await running.stdin.end();
    const [out] = await Promise.all([new Response(running.stdout).text(), running.done()]);
    return out;
  }

  #majorOf(tool: Tool): number | undefined {
    const path = pathOf(tool);
    if (path === null) return undefined;
    const said = Bun.spawnSync([path, "--version"], { env: basics() }).stdout.toString();
    return Number(/\b(\d+)(\.\d+|devel|beta|rc)/.exec(said)?.[1]);
  }
}

const pathOf = (tool: Tool) => Bun.which(tool, { PATH: basics().PATH });

/** Nothing of the server's own settings is for them. */
const basics = () => ({ PATH: processEnvironment().env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C.UTF-8" });

/** What PostgreSQL's programs are told by their environment, from a URL. */
export function connectionOf(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const given: Record<string, string> = {
    PGHOST: hostname.replace(/^\[|\]$/g, ""),
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
  };
  for (const [name, value] of searchParams)
    if (Object.hasOwn(parameters, name)) given[parameters[name]!] = value;
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
}

const parameters: Record<string, string> = {
  ...{ host: "PGHOST", port: "PGPORT", user: "PGUSER", dbname: "PGDATABASE", sslmode: "PGSSLMODE" },
  ...{ sslrootcert: "PGSSLROOTCERT", sslcert: "PGSSLCERT", sslkey: "PGSSLKEY", options: "PGOPTIONS" },
};

/** The end of what a program said: its first lines repeat, its last ones say why. */
const lastWords = (lines: readonly string[]) => lines.join(" ").slice(-500) || "it did not say why.";

async function lastLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<string[]> {
  let last: string[] = [];
  for await (const line of linesOf(stream)) {
    onLine(line);
    if (line.trim() !== "") last = [...last.slice(-2), line.trim()];
  }
  return last;
}
