import { version } from "../build";
import { ConfigError } from "../config/error";
import type { Environment } from "../config/environment";
import { DbError, toDbError } from "../db/errors";
import { refusalOf } from "../http/refusals";
import { exitCodes, Interrupted, runCommand, UsageError, type Command, type ExitCode } from "./command";
import { backup } from "./backup";
import { blobs } from "./blobs";
import { configCommand } from "./config";
import { events } from "./events";
import { doctor } from "./doctor";
import { exportCommand } from "./export";
import { healthcheck } from "./healthcheck";
import { importCommand } from "./import";
import { mail } from "./mail";
import { migrate } from "./migrate";
import { openapi } from "./openapi";
import { restore } from "./restore";
import { rollback } from "./rollback";
import { serve } from "./serve";
import { seed } from "./seed";
import type { Terminal } from "./terminal";
import { user } from "./user";

const versionCommand: Command = {
  name: "version",
  summary: "print the version",
  help: "neocrm version\n\nPrints the version of this program.",
  options: {},
  async run({ terminal }) {
    terminal.out(version);
    return exitCodes.done;
  },
};

const commands: Command[] = [
  ...[serve, migrate, rollback, backup, restore, exportCommand, importCommand],
  ...[user, seed, mail, events, blobs],
  ...[configCommand, doctor, healthcheck, openapi, versionCommand],
];

const overview = `neocrm ${version}: a CRM backend in one executable

Usage: neocrm <command> [options]

${commands.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join("\n")}

  neocrm <command> --help says more.
  Exit codes: 0 done, 1 failed, 2 wrong usage, 3 wrong configuration, 130 broken off.`;

/** Runs `neocrm` with these arguments and gives its exit code. Every failure ends in one plain message. */
export async function runCli(
  args: string[],
  context: { terminal: Terminal; env: Environment; cwd: string },
): Promise<ExitCode> {
  const { terminal } = context;
  const [name, ...others] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    (name === undefined ? terminal.err : terminal.out)(overview);
    return name === undefined ? exitCodes.usage : exitCodes.done;
  }
  const isVersion = name === "--version" || name === "-v";
  const command = isVersion ? versionCommand : commands.find((candidate) => candidate.name === name);
  if (!command) {
    terminal.err(`There is no command "${name}".\n\n${overview}`);
    return exitCodes.usage;
  }
  try {
    return await runCommand(command, others, context);
  } catch (error) {
    return explain(error, terminal);
  }
}

function explain(error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof UsageError) {
    terminal.err(error.message);
    return exitCodes.usage;
  }
  if (error instanceof ConfigError) {
    terminal.err(error.message);
    return exitCodes.configuration;
  }
  terminal.err(messageOf(error));
  return error instanceof Interrupted ? exitCodes.interrupted : exitCodes.failed;
}

function messageOf(error: unknown): string {
  const refusal = refusalOf(error);
  if (refusal) return refusal.message;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: string };
  if (code === "EADDRINUSE") return "The port is taken: stop what listens there, or choose another --port.";
  if (code === "EACCES" || code === "EPERM") return `Not allowed: ${error.message}`;
  const known = toDbError(error);
  if (known instanceof DbError && known.kind === "damaged") {
    return "The database is damaged, or no database at all: neocrm doctor says more. neocrm restore --from DIR --replace puts a backup in its place, and what is there aside.";
  }
  if (error instanceof DbError) return `The database failed: ${error.message}`;
  return error.message;
}
