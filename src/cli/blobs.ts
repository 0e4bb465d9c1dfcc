import { operate } from "../control/operate";
import type { Verified } from "../features/files/blob-keeper";
import { configOptions, configOptionsHelp, exitCodes, UsageError, type Command } from "./command";

/** Looks after the bytes of files. */
export const blobs: Command = {
  name: "blobs",
  summary: "look after the bytes of files: blobs verify|sweep",
  help: `neocrm blobs verify|sweep [options]

verify  reads the bytes of all files, compares them with their checksums, and
        exits 1 when some are missing or damaged. That takes its time.
sweep   removes bytes that no file has, such as those of uploads that a crash
        broke off. The server does that once a day by itself.

Both work while the server runs and while it does not.

  --hours N          sweep: leave what came in the last N hours (default: 24);
                     0 only while nobody uploads
${configOptionsHelp}`,
  options: { ...configOptions, hours: { type: "string" } },
  takesWords: true,
  async run({ words, terminal, load, options }) {
    const [word, ...more] = words;
    if (more.length > 0 || (word !== "verify" && word !== "sweep"))
      throw new UsageError("Say what to do: neocrm blobs verify, or neocrm blobs sweep.");
    if (word === "sweep") {
      const hours = hoursOf(options["hours"]);
      const removed = await operate(load(), "blobs.sweep", { hours });
      terminal.out(`${removed} removed that no file has.`);
      return exitCodes.done;
    }
    if (options["hours"] !== undefined) throw new UsageError("--hours is for neocrm blobs sweep.");
    const found = await operate(load(), "blobs.verify", {});
    for (const line of linesOf(found)) terminal.out(line);
    return found.missing.length + found.damaged.length > 0 ? exitCodes.failed : exitCodes.done;
  },
};

function hoursOf(given: string | boolean | undefined): number {
  if (given === undefined) return 24;
  if (/^\d{1,6}$/.test(String(given))) return Number(given);
  throw new UsageError("--hours takes a whole number.");
}

function linesOf({ blobs, bytes, missing, damaged }: Verified): string[] {
  const isSound = missing.length + damaged.length === 0;
  return [
    ...missing.map((hash) => `missing: ${hash}`),
    ...damaged.map((hash) => `damaged: ${hash}`),
    isSound
      ? `${blobs} looked at, ${bytes} bytes: all as they should be.`
      : `${blobs} looked at: ${missing.length} missing, ${damaged.length} damaged. filter[checksum] finds their files.`,
  ];
}
