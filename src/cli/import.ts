import { existsSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { operateOften, type Ask } from "../control/operate";
import type { JobView } from "../features/jobs/schema";
import { barOf } from "./bar";
import {
  configOptions,
  configOptionsHelp,
  exitCodes,
  UsageError,
  type Command,
  type ExitCode,
} from "./command";
import type { Terminal } from "./terminal";

/** Options that are handed on as they are, by their names on the command line. */
const handedOn = {
  mapping: "mapping",
  mode: "mode",
  match: "match",
  delimiter: "delimiter",
  encoding: "encoding",
} as const;

/** How often it is asked how far the import is. */
const lookMs = 200;

/** Imports a file of clients or tasks. */
export const importCommand: Command = {
  name: "import",
  summary: "add clients or tasks from CSV: import clients|tasks FILE",
  help: `neocrm import clients|tasks FILE [options]

Makes a record of each row, by the rules of single ones, and says what could not
be taken. Encoding, delimiter and columns are found out, or given. Works while the
server runs and while it does not; Ctrl-C ends it between two rows.

  --as EMAIL         whose records they are (default: the first admin)
  --dry-run          say what would come of it, and change nothing
  --mode MODE        insert adds every row (default), upsert changes the records
                     that are there, skip leaves those out
  --match FIELDS     how they are found: external_id, email, phone
  --mapping JSON     which column is which field: {"name": "Full name"}
  --delimiter CHAR   what stands between two cells, or comma, semicolon, tab, pipe
  --encoding NAME    utf-8, utf-16le, utf-16be, windows-1252, windows-1258
  --errors FILE      write what was left out there, as CSV
${configOptionsHelp}`,
  options: {
    ...configOptions,
    ...{ as: { type: "string" }, "dry-run": { type: "boolean" }, errors: { type: "string" } },
    ...Object.fromEntries(Object.keys(handedOn).map((name) => [name, { type: "string" } as const])),
  },
  takesWords: true,
  async run({ words, terminal, load, options, cwd }) {
    const [resource, name, ...more] = words;
    if ((resource !== "clients" && resource !== "tasks") || name === undefined || more.length > 0)
      throw new UsageError("Say what to import: neocrm import clients FILE, or neocrm import tasks FILE.");
    const file = resolve(cwd, name);
    if (!existsSync(file) || !statSync(file).isFile()) throw new UsageError(`There is no file ${name}.`);
    const given = Object.entries(handedOn).flatMap(([option, field]): [string, string][] =>
      options[option] === undefined ? [] : [[field, String(options[option])]],
    );
    if (options["dry-run"]) given.push(["dry_run", "true"]);
    const as = options["as"] as string | undefined;
    const input = { resource, options: Object.fromEntries(given), ...(as !== undefined && { as }) } as const;
    const { job, errors } = await operateOften(load(), async (ask) => {
      const { id } = await ask("import.begin", input, Bun.file(file));
      const job = await followed(ask, id, terminal);
      return { job, errors: (job.failed ?? 0) > 0 ? await ask("job.problems", { id }) : "" };
    });
    const path = options["errors"] as string | undefined;
    if (path !== undefined && errors !== "") writeFileSync(resolve(cwd, path), errors);
    return report(terminal, job, errors, path);
  },
};

/** Waits until a job has ended, and shows how far it is; Ctrl-C ends it. */
async function followed(ask: Ask, id: string, terminal: Terminal): Promise<JobView> {
  const cancel = () => void ask("job.cancel", { id }).catch(() => undefined);
  process.once("SIGINT", cancel);
  try {
    for (;;) {
      const job = await ask("job.look", { id });
      if (job.finished_at !== null) return job;
      terminal.status(progressOf(job));
      await Bun.sleep(lookMs);
    }
  } finally {
    terminal.status("");
    process.off("SIGINT", cancel);
  }
}

/** `[######------------------]  25%  1,000 of 4,000  2,000/s  2 s left` */
export function progressOf({ done, total, rate, eta_seconds }: JobView): string {
  if (!done || !total) return "waiting";
  const counts = `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
  return [
    barOf(done, total),
    counts,
    ...(rate === null ? [] : [`${Math.round(rate).toLocaleString("en")}/s`]),
    ...(eta_seconds === null ? [] : [`${eta_seconds} s left`]),
  ].join("  ");
}

const shownLines = 10;

function report(terminal: Terminal, job: JobView, errors: string, path: string | undefined): ExitCode {
  const { created, updated, skipped, failed, state } = job;
  const isTrial = job.kind === "import_preview";
  const counts = `${created} added, ${updated} changed, ${skipped} left as they are, ${failed} refused`;
  terminal.out(`${isTrial ? "It would be " : ""}${counts}.${isTrial ? " Nothing was changed." : ""}`);
  if (job.error !== null) terminal.err(job.error);
  const lines = errors.replace("\ufeff", "").split("\r\n").slice(1, -1);
  for (const line of path === undefined ? lines.slice(0, shownLines) : []) terminal.err(`line ${line}`);
  if (path !== undefined && lines.length > 0) terminal.err(`What was refused stands in ${path}.`);
  else if (lines.length > shownLines)
    terminal.err(`… and ${lines.length - shownLines} more: --errors FILE writes all of them.`);
  if (!isTrial && (created ?? 0) + (updated ?? 0) > 0)
    terminal.out(`POST /api/jobs/${job.id}/undo takes it back.`);
  if (state === "cancelled") return exitCodes.interrupted;
  return state === "succeeded" && failed === 0 ? exitCodes.done : exitCodes.failed;
}
