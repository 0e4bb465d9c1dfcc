import { resolve } from "node:path";
import { BackupFailed } from "../backup/failed";
import type { Made } from "../backup/make";
import { backupsIn } from "../backup/manifest";
import { sparingly, type BackupProgress, type Watch } from "../backup/progress";
import { monotonic, second } from "../clock";
import { operate } from "../control/operate";
import { barOf } from "./bar";
import {
  configOptions,
  configOptionsHelp,
  exitCodes,
  Interrupted,
  UsageError,
  type Command,
  type CommandContext,
  type ExitCode,
} from "./command";
import type { Terminal } from "./terminal";

/** Makes backups, and looks after those there are. */
export const backup: Command = {
  name: "backup",
  summary: "back everything up: backup [list|verify] --to DIR",
  help: `neocrm backup [list|verify] [--to DIR] [options]

Without a word, copies the database as of one instant, the bytes of files that are not there yet,
secrets and templates into a folder of its own in DIR, checks the copy, and removes the backups that the
rules do not keep. Works while the server runs and while it does not; Ctrl-C breaks it off, and nothing of it is
left. Exits 1 when a backup lacks the bytes of a file.

list    shows the backups in DIR, oldest first
verify  reads all of them, compares them with their checksums, and exits 1 when something is damaged

  --to DIR           the folder that backups lie in (default: backup.dir)
  --keep-daily N     of how many days the newest backup of each stays (default: backup.keep_daily)
  --keep-weekly N, --keep-monthly N    the same of weeks and months; those of the last 24 hours all stay
  --json             list: as JSON, for scripts
${configOptionsHelp}`,
  options: {
    ...configOptions,
    ...{ to: { type: "string" }, json: { type: "boolean" } },
    ...{
      "keep-daily": { type: "string" },
      "keep-weekly": { type: "string" },
      "keep-monthly": { type: "string" },
    },
  },
  takesWords: true,
  async run(context) {
    const [action = "make", ...others] = context.words;
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (!run || others.length > 0)
      throw new UsageError("Say what to do: neocrm backup, neocrm backup list, or neocrm backup verify.");
    return run(context);
  },
};

type Action = (context: CommandContext) => Promise<ExitCode>;

const actions: Record<string, Action> = {
  async make(context) {
    const loaded = context.load();
    const to = folderOf(context);
    const keep = {
      daily: numberOf(context, "daily"),
      weekly: numberOf(context, "weekly"),
      monthly: numberOf(context, "monthly"),
    };
    const made = await followed(context.terminal, (watch) =>
      operate(loaded, "backup.make", { to, keep }, watch),
    );
    for (const line of linesOf(made)) context.terminal.out(line);
    return made.manifest.blobs.missing.length > 0 ? exitCodes.failed : exitCodes.done;
  },
  async list(context) {
    const found = await backupsIn(folderOf(context));
    const { terminal, options } = context;
    if (options["json"]) {
      terminal.out(
        JSON.stringify(
          found.map(({ path, manifest }) => ({ path, ...manifest })),
          null,
          2,
        ),
      );
      return exitCodes.done;
    }
    if (found.length === 0) terminal.out("There are no backups.");
    for (const { path, manifest } of found) terminal.out(`${manifest.created_at}  ${path}`);
    return exitCodes.done;
  },
  async verify(context) {
    const folder = folderOf(context);
    const { verifyBackups } = await import("../backup/verify");
    const { backups, blobs, damagedDatabases, damagedBlobs } = await verifyBackups(folder);
    if (backups === 0) throw new BackupFailed(`There are no backups in ${folder}.`);
    for (const path of damagedDatabases) context.terminal.out(`damaged: ${path}`);
    for (const hash of damagedBlobs) context.terminal.out(`missing or damaged: ${hash}`);
    const damaged = damagedDatabases.length + damagedBlobs.length;
    const how = damaged === 0 ? "all as they should be" : `${damaged} not as they should be`;
    context.terminal.out(`${counted(backups, "backup")} and ${counted(blobs, "blob")} looked at: ${how}.`);
    return damaged === 0 ? exitCodes.done : exitCodes.failed;
  },
};

/** @throws UsageError when nobody says which */
function folderOf({ options, cwd, load }: CommandContext): string {
  const to = options["to"] ?? load().config["backup.dir"];
  if (to === null) throw new UsageError("Say where: neocrm backup --to DIR, or set backup.dir.");
  return resolve(cwd, String(to));
}

function numberOf({ options, load }: CommandContext, period: "daily" | "weekly" | "monthly"): number {
  const given = options[`keep-${period}`];
  if (given === undefined) return load().config[`backup.keep_${period}`];
  if (/^\d{1,4}$/.test(String(given))) return Number(given);
  throw new UsageError(`--keep-${period} takes a whole number.`);
}

/** Shows how far a backup is; Ctrl-C breaks it off. */
async function followed(terminal: Terminal, make: (watch: Watch) => Promise<Made>): Promise<Made> {
  const breaking = new AbortController();
  const breakOff = () => breaking.abort(new Interrupted("The backup was broken off: nothing of it is left."));
  process.once("SIGINT", breakOff);
  const startedAt = monotonic();
  const onProgress = sparingly((progress) =>
    terminal.status(progressOf(progress, (monotonic() - startedAt) / second)),
  );
  try {
    return await make({ onProgress, signal: breaking.signal });
  } finally {
    terminal.status("");
    process.off("SIGINT", breakOff);
  }
}

/** `[######------------------]   25%  1.0 of 4.0 MB  0.5 MB/s` */
export function progressOf({ done, total }: BackupProgress, seconds: number): string {
  const rate = seconds > 0 ? [`${megabytes(done / seconds)} MB/s`] : [];
  return [barOf(done, total), `${megabytes(done)} of ${megabytes(total)} MB`, ...rate].join("  ");
}

const megabytes = (bytes: number) =>
  (bytes / 1e6).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

const counted = (count: number, one: string) => `${count} ${one}${count === 1 ? "" : "s"}`;

function linesOf({ path, manifest: { rows, blobs }, added, removed }: Made): string[] {
  const all = Object.values(rows).reduce((sum, count) => sum + count, 0);
  return [
    ...blobs.missing.map((hash) => `missing: ${hash}`),
    `${path}: ${counted(all, "row")}, ${counted(blobs.count, "blob")} (${added} new), checked.`,
    ...(removed.length > 0 ? [`${counted(removed.length, "older backup")} removed.`] : []),
    ...(blobs.missing.length > 0
      ? ["The bytes of these files are gone from the server: neocrm blobs verify says more."]
      : []),
  ];
}
