import type { UserView } from "../features/users/schema";
import type { Terminal } from "./terminal";
import {
  configOptions,
  configOptionsHelp,
  exitCodes,
  Interrupted,
  UsageError,
  type Command,
  type CommandContext,
} from "./command";
import { operate } from "../control/operate";

/** Looks after accounts from the command line. */
export const user: Command = {
  name: "user",
  summary: "look after accounts: create, list, password, role, deactivate, activate",
  help: `neocrm user create --email MAIL --name NAME [--role ROLE] [--password-stdin]
neocrm user list [--json]
neocrm user password --email MAIL [--password-stdin]
neocrm user role --email MAIL --role ROLE
neocrm user deactivate|activate --email MAIL

Works while the server runs and while it does not. A new role or password, and
deactivate, end what the user is signed in with. Without --password-stdin, the password is asked for.

  --role ROLE        admin, manager or user (default: user)
${configOptionsHelp}`,
  options: {
    ...configOptions,
    email: { type: "string" },
    name: { type: "string" },
    role: { type: "string" },
    "password-stdin": { type: "boolean" },
    json: { type: "boolean" },
  },
  takesWords: true,
  async run(context) {
    const [action = "", ...others] = context.words;
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (!run || others.length > 0)
      throw new UsageError(
        "Say what to do: neocrm user create, list, password, role, deactivate or activate.",
      );
    await run(context);
    return exitCodes.done;
  },
};

const actions: Record<string, (context: CommandContext) => Promise<void>> = {
  async create(context) {
    const email = required(context, "email");
    const full_name = required(context, "name");
    const { role = "user" } = context.options;
    const loaded = context.load();
    const password = await askPassword(context);
    show(
      context,
      "created",
      await operate(loaded, "user.create", { email, full_name, role: String(role), password }),
    );
  },
  async list(context) {
    const users = await operate(context.load(), "user.list", {});
    if (context.options["json"]) context.terminal.out(JSON.stringify(users));
    else for (const line of table(users)) context.terminal.out(line);
  },
  async password(context) {
    const email = required(context, "email");
    const loaded = context.load();
    const password = await askPassword(context);
    show(context, "password set for", await operate(loaded, "user.password", { email, password }));
  },
  async deactivate(context) {
    const email = required(context, "email");
    show(context, "deactivated", await operate(context.load(), "user.deactivate", { email }));
  },
  async activate(context) {
    const email = required(context, "email");
    show(context, "activated", await operate(context.load(), "user.activate", { email }));
  },
  async role(context) {
    const email = required(context, "email");
    const role = required(context, "role");
    show(context, "role set for", await operate(context.load(), "user.role", { email, role }));
  },
};

function required({ options }: CommandContext, name: string): string {
  const value = options[name];
  if (typeof value !== "string" || value.trim() === "") throw new UsageError(`--${name} is missing.`);
  return value;
}

async function askPassword({ options, terminal }: CommandContext): Promise<string> {
  if (options["password-stdin"]) return (await terminal.readAll()).replace(/\r?\n$/, "");
  if (!terminal.isInteractive)
    throw new UsageError("Pass the password with --password-stdin, or run this in a terminal.");
  const first = await ask(terminal, "Password: ");
  if (first !== (await ask(terminal, "Once more: "))) throw new UsageError("The two passwords differ.");
  return first;
}

async function ask(terminal: Terminal, question: string): Promise<string> {
  const answer = await terminal.askSecret(question);
  if (answer === undefined) throw new Interrupted("No password was given; nothing was done.");
  return answer;
}

const show = ({ terminal }: CommandContext, what: string, { email, role, id }: UserView) =>
  terminal.out(`${what} ${email} (${role}, ${id})`);

function table(users: UserView[]): string[] {
  const rows = users.map(({ email, role, is_active, full_name }) => [
    email,
    role,
    is_active ? "active" : "inactive",
    printable(full_name),
  ]);
  const all = [["EMAIL", "ROLE", "STATE", "NAME"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** A name is whatever somebody typed: none of it may command the terminal. */
const printable = (text: string) => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");
