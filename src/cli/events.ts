import { operate } from "../control/operate";
import type { Replayed } from "../events/replay";
import { configOptions, configOptionsHelp, exitCodes, UsageError, type Command } from "./command";

/** Makes records anew from what happened to them. */
export const events: Command = {
  name: "events",
  summary: "write records anew from their events: events replay",
  help: `neocrm events replay [options]

Writes clients, their tags, tasks, folders and files anew from the events, and
says what was different. The bytes of files, users, sessions, settings and notifications stay as they are. Works
while the server runs and while it does not; broken off, it can be started again.

${configOptionsHelp}`,
  options: configOptions,
  takesWords: true,
  async run({ words, terminal, load }) {
    if (words.join(" ") !== "replay") throw new UsageError("Say what to do: neocrm events replay.");
    for (const line of (await operate(load(), "events.replay", {})).map(summary)) terminal.out(line);
    return exitCodes.done;
  },
};

function summary({ name, records, added, changed, columns, removed }: Replayed): string {
  const differences = [
    ...(added > 0 ? [`${added} were missing`] : []),
    ...(changed > 0 ? [`${changed} differed (${columns.join(", ")})`] : []),
    ...(removed > 0 ? [`${removed} had no events and are gone`] : []),
  ];
  return `${records} ${name}s: ${differences.length > 0 ? differences.join(", ") : "as they were"}.`;
}
