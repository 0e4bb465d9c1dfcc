import { printConfig } from "../config/print";
import type { LoadedConfig } from "../config";
import type { ResultOf } from "../control/operations";
import { askServer } from "../control/socket";
import { configOptions, configOptionsHelp, exitCodes, UsageError, type Command } from "./command";

/** Shows the configuration that a server would run with. */
export const configCommand: Command = {
  name: "config",
  summary: "print the configuration in force: config print",
  help: `neocrm config print [options]

Prints every setting with where it comes from, as TOML. Secrets are masked.
While the server runs, what admins stored is among it.

${configOptionsHelp}`,
  options: configOptions,
  takesWords: true,
  async run({ words, terminal, load }) {
    if (words.join(" ") !== "print") throw new UsageError("Say what to do: neocrm config print.");
    const loaded = load();
    const reply = await askServer(loaded.dataDir, "setting.stored", {});
    terminal.out(printConfig(withStored(loaded, (reply?.result ?? {}) as Stored)).trimEnd());
    return exitCodes.done;
  },
};

type Stored = ResultOf<"setting.stored">;

/** What an admin stored counts over the files. */
const withStored = (loaded: LoadedConfig, stored: Stored): LoadedConfig => ({
  ...loaded,
  config: { ...loaded.config, ...stored },
  sources: { ...loaded.sources, ...Object.fromEntries(Object.keys(stored).map((key) => [key, "stored"])) },
});
