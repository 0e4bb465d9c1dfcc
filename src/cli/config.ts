import { printConfig } from "../config/print";
import { configOptions, configOptionsHelp, exitCodes, UsageError, type Command } from "./command";

/** Shows the configuration that a server would run with. */
export const configCommand: Command = {
  name: "config",
  summary: "print the configuration in force: config print",
  help: `neocrm config print [options]

Prints every setting with where it comes from, as TOML. Secrets are masked.

${configOptionsHelp}`,
  options: configOptions,
  takesWords: true,
  async run({ words, terminal, load }) {
    if (words.join(" ") !== "print") throw new UsageError("Say what to do: neocrm config print.");
    terminal.out(printConfig(load()).trimEnd());
    return exitCodes.done;
  },
};
