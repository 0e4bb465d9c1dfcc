import { operate } from "../control/operate";
import { newSecret } from "../ids";
import { configOptions, configOptionsHelp, exitCodes, UsageError, type Command } from "./command";

/** 12 random bytes: 16 characters to type. */
const passwordBytes = 12;

/** Fills an empty system with something to look at. */
export const seed: Command = {
  name: "seed",
  summary: "fill an empty system with a demo company: seed --demo",
  help: `neocrm seed --demo [--password-stdin] [options]

Adds a company to try things with: people of each role, 59 clients and some
180 tasks due around today. Refused where there are clients already. Everybody
gets the same password: the one on standard input, or one that is made and printed.

${configOptionsHelp}`,
  options: { ...configOptions, demo: { type: "boolean" }, "password-stdin": { type: "boolean" } },
  async run({ options, terminal, load }) {
    if (!options["demo"]) throw new UsageError("Say what to add: neocrm seed --demo.");
    const loaded = load();
    const given = options["password-stdin"] ? (await terminal.readAll()).replace(/\r?\n$/, "") : undefined;
    const password = given ?? newSecret(passwordBytes);
    const { users, clients, tasks } = await operate(loaded, "demo.seed", { password });
    terminal.out(`Added ${clients} clients, ${tasks} tasks and these people:\n`);
    for (const { email, role, full_name } of users) {
      terminal.out(`  ${email.padEnd(26)} ${role.padEnd(8)} ${full_name}`);
    }
    terminal.out(
      given === undefined ? `\nThe password of each: ${password}` : "\nEach has the password you gave.",
    );
    return exitCodes.done;
  },
};
