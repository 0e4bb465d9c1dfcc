import { resolve } from "node:path";
import type { Environment } from "./environment";
import { ConfigError, refusal, unknownName } from "./error";
import { profileFiles, profiles, type Profile } from "./profiles";
import { readIfThere, readNamed, type ReadText } from "./read-text";
import { isKey, keys, settingOf, type Config, type Key } from "./table";
import { readToml, TomlError, type Entry } from "./toml";

/** Where the configuration comes from. */
export interface LoadOptions {
  /** As `--profile` says. Wins over `NEOCRM_PROFILE`. */
  profile?: string;
  /** The profile when nobody names one; production unless given, so that forgetting it is the safe mistake. */
  defaultProfile?: Profile;
  /** As `--config` says: a TOML file over those of the profile, relative to `cwd`. */
  file?: string;
  /** Flags of the command line by name without the dashes: a setting's `flag` or its key. */
  flags?: Readonly<Record<string, string | boolean | undefined>>;
  env: Environment;
  cwd: string;
}

/** The configuration and where each part of it comes from. */
export interface LoadedConfig {
  config: Config;
  profile: Profile;
  /** For each key `default`, the name of the profile's file, a path, an environment variable or a flag. */
  sources: Readonly<Record<Key, string>>;
  /** `data.dir` as an absolute path. */
  dataDir: string;
  /**
   * Environment variables that look like settings and are none, each with what may be meant. Not refused: other
   * programs make some too (Kubernetes, for a service called `neocrm`).
   */
  strangers: readonly string[];
}

interface Given {
  key: Key;
  value: unknown;
  source: string;
}

interface TomlFile {
  name: string;
  text: string;
}

/** The names that flags may have, other than keys. */
export const shortFlags: ReadonlyMap<string, Key> = new Map(
  keys.flatMap((key): [string, Key][] => {
    const { flag } = settingOf(key);
    return flag ? [[flag, key]] : [];
  }),
);

/**
 * Reads the configuration: the defaults of the table, over them the TOML files, the environment and the flags.
 * @throws ConfigError with everything that is wrong with any of them
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { loaded, problems } = readConfig(options);
  if (problems.length > 0) throw new ConfigError(problems);
  return loaded;
}

/** The configuration as far as it can be read, and everything that is wrong with it: what is not allowed is left out. */
export function readConfig(options: LoadOptions): { loaded: LoadedConfig; problems: readonly string[] } {
  const problems: string[] = [];
  const profile = chooseProfile(options, problems);
  const files = [...profileTomls(profile, options.cwd, problems), ...namedToml(options, problems)];
  const given = [
    ...files.flatMap((file) => fromFile(file, problems)),
    ...keys.flatMap((key) => fromEnvironment(key, options, problems)),
    ...fromFlags(options.flags ?? {}, problems),
  ];
  const { config, sources } = layered(given.filter(({ value }) => value !== undefined));
  const dataDir = resolve(options.cwd, config["data.dir"]);
  const loaded = { config, profile: profile ?? safest, sources, dataDir, strangers: strangers(options.env) };
  return { loaded, problems };
}

/** The profile when none is named, or none that there is. */
const safest: Profile = "production";

function strangers(env: Environment): string[] {
  const known = keys.flatMap((key) => {
    const { env: name, secret } = settingOf(key);
    return secret ? [name, `${name}_FILE`] : [name];
  });
  const all = new Set([...known, "NEOCRM_PROFILE"]);
  return Object.keys(env)
    .filter((name) => name.startsWith("NEOCRM_") && !all.has(name))
    .map((name) => unknownName("environment", "variable", name, [...all]));
}

/** Each value over the one before it. */
function layered(given: Given[]) {
  const config: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  const defaults = keys.map((key) => ({ key, value: settingOf(key).default, source: "default" }));
  for (const { key, value, source } of [...defaults, ...given]) {
    config[key] = value;
    sources[key] = source;
  }
  return { config: config as Config, sources: sources as Record<Key, string> };
}

function chooseProfile(options: LoadOptions, problems: string[]): Profile | undefined {
  const where = options.profile === undefined ? "environment variable NEOCRM_PROFILE" : "flag --profile";
  const name = options.profile ?? variable(options.env, "NEOCRM_PROFILE") ?? options.defaultProfile ?? safest;
  const profile = profiles.find((each) => each === name);
  if (!profile)
    problems.push(
      `${unknownName(where, "profile", JSON.stringify(name), profiles)}: expected one of ${profiles.join(", ")}`,
    );
  return profile;
}

/** The profile's file in the executable, and under `cwd` the one that an operator may have changed. */
function profileTomls(profile: Profile | undefined, cwd: string, problems: string[]): TomlFile[] {
  if (!profile) return [];
  const embedded = profileFiles[profile];
  const path = resolve(cwd, "config", `config.${profile}.toml`);
  const local = textOf(readIfThere(path), problems);
  // In the source tree both are the same file, which then says nothing twice.
  const changed = local === undefined || local === embedded ? [] : [{ name: path, text: local }];
  return [{ name: `config.${profile}.toml`, text: embedded }, ...changed];
}

function namedToml({ file, cwd }: LoadOptions, problems: string[]): TomlFile[] {
  if (file === undefined) return [];
  const path = resolve(cwd, file);
  const text = textOf(readNamed(path), problems);
  return text === undefined ? [] : [{ name: path, text }];
}

function textOf(read: ReadText, problems: string[]): string | undefined {
  if (read && "problem" in read) problems.push(read.problem);
  return read && "text" in read ? read.text : undefined;
}

function fromFile({ name: file, text }: TomlFile, problems: string[]): Given[] {
  return entriesOf(file, text, problems).flatMap(([name, raw]): Given[] => {
    if (!isKey(name)) {
      problems.push(unknownName(file, "key", name, keys));
      return [];
    }
    const value = settingOf(name).type.fromToml(raw);
    if (value === undefined) problems.push(refusal(file, name, raw));
    return [{ key: name, value, source: file }];
  });
}

function entriesOf(file: string, text: string, problems: string[]): Entry[] {
  try {
    return readToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    problems.push(`${file}, line ${error.line}: ${error.message}`);
    return [];
  }
}

function fromEnvironment(key: Key, { env, cwd }: LoadOptions, problems: string[]): Given[] {
  const { env: name, secret } = settingOf(key);
  const direct = variable(env, name);
  const path = secret ? variable(env, `${name}_FILE`) : undefined;
  if (path === undefined) return direct === undefined ? [] : [fromVariable(key, name, direct, problems)];
  if (direct === undefined) return fromSecretFile(key, `${name}_FILE`, resolve(cwd, path), problems);
  problems.push(`environment variables ${name} and ${name}_FILE: ${key} is given twice: unset one of them`);
  return [];
}

function fromVariable(key: Key, name: string, text: string, problems: string[]): Given {
  const value = settingOf(key).type.fromText(text);
  if (value === undefined) problems.push(refusal(`environment variable ${name}`, key, text));
  return { key, value, source: name };
}

function fromSecretFile(key: Key, name: string, path: string, problems: string[]): Given[] {
  const read = readNamed(path);
  if ("problem" in read) {
    problems.push(`environment variable ${name}: ${key}: ${read.problem}`);
    return [];
  }
  const { text } = read;
  // Editors and `echo` end a file with a newline that is no part of the secret.
  const value = settingOf(key).type.fromText(text.trim());
  if (value === undefined) problems.push(refusal(`environment variable ${name}: ${path}`, key, text));
  return [{ key, value, source: name }];
}

/** Compose files and CI pass variables that nobody filled in as empty: that is not a value. */
function variable(env: Environment, name: string) {
  const text = env[name];
  return text === undefined || text.trim() === "" ? undefined : text;
}

function fromFlags(flags: NonNullable<LoadOptions["flags"]>, problems: string[]): Given[] {
  return Object.entries(flags).flatMap(([name, raw]) =>
    raw === undefined ? [] : fromFlag(name, String(raw), problems),
  );
}

function fromFlag(name: string, text: string, problems: string[]): Given[] {
  const flag = `--${name}`;
  const key = shortFlags.get(name) ?? (isKey(name) ? name : undefined);
  if (!key) {
    problems.push(unknownName("command line", "flag", flag, flagNames));
    return [];
  }
  const { type, secret, env } = settingOf(key);
  if (secret) {
    // Every user of the machine can list the arguments of a process.
    problems.push(`flag ${flag}: ${key} is a secret: set ${env} or ${env}_FILE instead`);
    return [];
  }
  const value = type.fromText(text);
  if (value === undefined) problems.push(refusal(`flag ${flag}`, key, text));
  return [{ key, value, source: flag }];
}

const flagNames = [...shortFlags.keys(), ...keys.filter((key) => !settingOf(key).secret)].map(
  (name) => `--${name}`,
);
