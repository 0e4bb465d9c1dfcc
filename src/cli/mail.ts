import { mailTemplates } from "../mails/names";
import { samples } from "../mails/samples";
import { loadTemplates } from "../mails/templates";
import { configOptions, configOptionsHelp, exitCodes, UsageError, type Command } from "./command";

const types = mailTemplates.join(", ");

/** Shows what mails look like. */
export const mail: Command = {
  name: "mail",
  summary: "show what a mail looks like: mail preview TYPE",
  help: `neocrm mail preview TYPE [--html] [options]

Prints a mail of this type with sample values: its subject and its text, or with --html its HTML.
Templates in templates/ of the data directory stand over those of the program.

Types: ${types.replaceAll(/(.{60,80}?), /g, "$1,\n  ")}

${configOptionsHelp}`,
  options: { ...configOptions, html: { type: "boolean" } },
  takesWords: true,
  async run({ words: [action, type, ...others], options, terminal, load }) {
    const name = mailTemplates.find((each) => each === type);
    if (action !== "preview" || others.length > 0)
      throw new UsageError("Say what to do: neocrm mail preview TYPE.");
    if (!name) throw new UsageError(`Say which mail; these are: ${types}.`);
    const templates = await loadTemplates(load().dataDir);
    const { subject, text, html } = await templates.render(name, samples[name]);
    terminal.out((options["html"] ? html : `Subject: ${subject}\n\n${text}`).trimEnd());
    return exitCodes.done;
  },
};
