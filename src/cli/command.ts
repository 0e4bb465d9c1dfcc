import { parseArgs, type ParseArgsConfig } from "node:util";
import { defaultProfile } from "../build";
import type { LoadedConfig } from "../config";
import type { Environment } from "../config/environment";
import { readConfig } from "../config/load";
import { ConfigError } from "../config/error";
import type { Terminal } from "./terminal";

/** How a command ended; scripts rely on these. */
export const exitCodes = { done: 0, failed: 1, usage: 2, configuration: 3, interrupted: 130 } as const;
/** One of `exitCodes`. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What a command is run with. */
export interface CommandContext {
  terminal: Terminal;
  env: Environment;
  cwd: string;
  /** The values of its options, by name without the dashes. */
  options: Record<string, string | boolean | undefined>;
  /** What stands after the command's name and is no option. */
  words: string[];
  /** The configuration that the options, the environment and the files give. @throws ConfigError */
  load(): LoadedConfig;
  /** The same as far as it can be read, with what is wrong with it. */
  read(): ReturnType<typeof readConfig>;
}

/** One command of `neocrm`. */
export interface Command {
  name: string;
  /** One line for the overview. */
  summary: string;
  /** The text of `neocrm <command> --help`. */
  help: string;
  options: NonNullable<ParseArgsConfig["options"]>;
  /** It takes words, such as what to do; without this, a stray word is refused. */
  takesWords?: boolean;
  run(context: CommandContext): Promise<ExitCode>;
}

/** The command was called in a way it does not understand. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Whoever was asked something broke off. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** The options of every command that reads the configuration. */
export const configOptions = {
  host: { type: "string" },
  port: { type: "string" },
  "data-dir": { type: "string" },
  profile: { type: "string" },
  config: { type: "string" },
} as const;

/** How they read in a help text. */
export const configOptionsHelp = `  --data-dir DIR     where everything is kept (default: data)
  --profile NAME     development, test, staging or production
  --config FILE      a TOML file over the profile's own`;

/**
 * Runs a command with its arguments.
 * @throws UsageError, ConfigError, and whatever the command throws
 */
export function runCommand(
  command: Command,
  args: string[],
  { terminal, env, cwd }: Pick<CommandContext, "terminal" | "env" | "cwd">,
): Promise<ExitCode> {
  const { values, positionals } = parse(command, args);
  const options = values as CommandContext["options"];
  if (options["help"]) {
    terminal.out(command.help);
    return Promise.resolve(exitCodes.done);
  }
  if (!command.takesWords && positionals.length > 0) {
    throw new UsageError(
      `neocrm ${command.name} takes no "${positionals[0]}".\nTry: neocrm ${command.name} --help`,
    );
  }
  const read = () => {
    const { host, port, "data-dir": dataDir, profile, config } = options;
    return readConfig({
      ...{ env, cwd, defaultProfile },
      profile: profile as string | undefined,
      file: config as string | undefined,
      flags: { host, port, "data-dir": dataDir },
    });
  };
  const load = () => {
    const { loaded, problems } = read();
    if (problems.length > 0) throw new ConfigError(problems);
    return loaded;
  };
  return command.run({ terminal, env, cwd, options, words: positionals, load, read });
}

function parse(command: Command, args: string[]) {
  try {
    const options = { ...command.options, help: { type: "boolean", short: "h" } } as const;
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(
      `${(error as Error).message.replace(/\. To specify.*$/s, ".")}\nTry: neocrm ${command.name} --help`,
    );
  }
}
