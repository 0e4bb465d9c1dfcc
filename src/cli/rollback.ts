import { isoTime } from "../clock";
import { holdingData } from "../control/operate";
import { configOptions, configOptionsHelp, exitCodes, type Command } from "./command";

/** Goes back to what there was before the last upgrade. */
export const rollback: Command = {
  name: "rollback",
  summary: "put the database back to what it was before the last upgrade",
  help: `neocrm rollback [options]

Puts the snapshot in place that was taken before the last upgrade. What was written since is put aside, within the data
directory; the snapshot stays, too. The server must not run (on PostgreSQL, none of them). Afterwards
start the executable that was there before: this one would upgrade again.

${configOptionsHelp}`,
  options: configOptions,
  async run({ terminal, load }) {
    const { config, dataDir } = load();
    const { rollBack } = await import("../backup/rollback");
    const { snapshot, undone, safety } = await holdingData(dataDir, () => rollBack(config, dataDir));
    for (const tag of undone) terminal.out(`undone   ${tag}`);
    terminal.out(
      `The database is that of ${isoTime(snapshot.takenAt)} again. What was written since is in ${safety}.`,
    );
    terminal.out("Start the executable that was there before the upgrade: this one would upgrade again.");
    return exitCodes.done;
  },
};
