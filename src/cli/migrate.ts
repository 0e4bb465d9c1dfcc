import { isoTime } from "../clock";
import type { Migrator } from "../db/migrate";
import { openMigrator } from "../migrator";
import { configOptions, configOptionsHelp, exitCodes, UsageError, type Command } from "./command";
import { holdingData } from "../control/operate";
import type { Terminal } from "./terminal";

/** Shows and changes the version of the database's structure. */
export const migrate: Command = {
  name: "migrate",
  summary: "show or change the database's structure: status, up, down",
  help: `neocrm migrate [status|up|down] [options]

  status   what is applied and what is missing (the default)
  up       apply what is missing; \`serve\` does this by itself
  down     revert the last migration, and whatever it stored with it

On SQLite, the server must not run for up and down, and a snapshot is taken before. On PostgreSQL, servers of the
version before may go on while up runs; down is refused while any server runs.

${configOptionsHelp}`,
  options: configOptions,
  takesWords: true,
  async run({ words, terminal, load }) {
    const [action = "status", ...others] = words;
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (!run || others.length > 0) throw new UsageError("Say what to do: neocrm migrate status, up or down.");
    const { config, dataDir } = load();
    const migrator = await openMigrator(config, dataDir);
    if (action === "status") await run(migrator, terminal);
    else await holdingData(dataDir, () => run(migrator, terminal));
    return exitCodes.done;
  },
};

const actions: Record<string, (migrator: Migrator, terminal: Terminal) => Promise<void>> = {
  async status(migrator, terminal) {
    const { applied, pending, unknown } = await migrator.status();
    for (const { tag, applied_at } of applied) {
      const known = unknown.includes(tag) ? "unknown" : "applied";
      terminal.out(`${known}  ${tag}  ${isoTime(applied_at)}`);
    }
    for (const tag of pending) terminal.out(`pending  ${tag}`);
    if (unknown.length > 0) terminal.out("This database belongs to a newer neocrm.");
  },
  async up(migrator, terminal) {
    const { tags, snapshot } = await migrator.up();
    if (snapshot) terminal.out(`snapshot ${snapshot}`);
    for (const tag of tags) terminal.out(`applied  ${tag}`);
    if (tags.length === 0) terminal.out("The database is up to date.");
  },
  async down(migrator, terminal) {
    const { tag, snapshot } = await migrator.down();
    if (snapshot) terminal.out(`snapshot ${snapshot}`);
    terminal.out(tag === null ? "There is nothing to revert." : `reverted ${tag}`);
  },
};
