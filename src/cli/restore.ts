import { resolve } from "node:path";
import { holdingData } from "../control/operate";
import { configOptions, configOptionsHelp, exitCodes, UsageError, type Command } from "./command";

/** Puts a backup in the place of what there is. */
export const restore: Command = {
  name: "restore",
  summary: "put a backup in the place of what there is: restore --from DIR",
  help: `neocrm restore --from DIR [--replace] [options]

Checks a backup (its database is opened, read and counted, all bytes are compared with their hashes) and puts it in
place. The server must not run. Broken off at any moment, there is either what was there before, or what was restored.
Exits 1 when the backup lacks the bytes of a file.

  --from DIR         a backup, or the folder that backups lie in: then the newest
  --replace          there is data already: put it aside, within the data directory
${configOptionsHelp}`,
  options: { ...configOptions, from: { type: "string" }, replace: { type: "boolean" } },
  async run({ terminal, options, cwd, load }) {
    if (options["from"] === undefined) throw new UsageError("Say which backup: neocrm restore --from DIR.");
    const from = resolve(cwd, String(options["from"]));
    const { config, dataDir } = load();
    const mayReplace = options["replace"] === true;
    const { restore: restoreBackup } = await import("../backup/restore");
    const { backup, safety, missing } = await holdingData(dataDir, () =>
      restoreBackup({ from, config, dataDir, mayReplace }),
    );
    for (const hash of missing) terminal.out(`missing: ${hash}`);
    terminal.out(`Restored ${backup.path}, of ${backup.manifest.created_at}.`);
    if (safety !== null) terminal.out(`What was there before is in ${safety}.`);
    return missing.length > 0 ? exitCodes.failed : exitCodes.done;
  },
};
