import { resolve } from "node:path";
import { operate } from "../control/operate";
import { configOptions, configOptionsHelp, exitCodes, UsageError, type Command } from "./command";

/** Writes everything in formats that other programs read. */
export const exportCommand: Command = {
  name: "export",
  summary: "write everything in open formats: export --all DIR",
  help: `neocrm export --all DIR [options]

Writes all records into an empty folder, as of one instant: each kind as NDJSON and as CSV, and files under their names in
folders like theirs. Passwords, tokens and secrets are not among it. Works while the server runs and while it
does not. Exits 1 when the bytes of a file are missing.

This is for leaving, or for other programs; neocrm backup is what can be restored.

${configOptionsHelp}`,
  options: { ...configOptions, all: { type: "string" } },
  async run({ terminal, options, cwd, load }) {
    if (options["all"] === undefined) throw new UsageError("Say where to: neocrm export --all DIR.");
    const to = resolve(cwd, String(options["all"]));
    const { records, files, missing } = await operate(load(), "export.all", { to });
    for (const hash of missing) terminal.out(`missing: ${hash}`);
    const counts = Object.entries(records).map(([name, count]) => `${count} ${name.replaceAll("_", " ")}`);
    terminal.out(`${to}: ${counts.join(", ")}; the bytes of ${files}.`);
    return missing.length > 0 ? exitCodes.failed : exitCodes.done;
  },
};
