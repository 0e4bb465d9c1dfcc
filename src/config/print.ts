import type { LoadedConfig } from "./load";
import { keys, settingOf, type Key } from "./table";

/**
 * The configuration in effect as TOML, with the source of each value behind it. Secrets are `***`; what is unset is
 * commented out.
 */
export function printConfig({ config, profile, sources, dataDir }: LoadedConfig): string {
  const written = (key: Key) => (settingOf(key).secret ? `"***"` : settingOf(key).type.toToml(config[key]));
  const line = (key: Key) =>
    config[key] === null
      ? `# ${nameOf(key)} =  # ${comment(sources[key])}`
      : `${nameOf(key)} = ${written(key)}  # ${comment(sources[key])}`;
  return (
    [`# profile: ${profile}`, `# data directory: ${comment(dataDir)}`, ...bySection(line)].join("\n") + "\n"
  );
}

/** Every setting with its description and default: the text of `config/config.default.toml`. */
export function printDefaults(): string {
  return (
    [
      "# Every setting and its default. Made from src/config/table.ts by scripts/generate-config.ts: do not edit.",
      "#",
      "# Weakest first: these defaults, config.<profile>.toml of the executable, config/config.<profile>.toml where the",
      "# server is started, the file given by --config, what an admin stored, environment variables, flags. A secret may",
      "# also come from a file that its variable with _FILE behind it names.",
      ...bySection(documented),
    ].join("\n") + "\n"
  );
}

function documented(key: Key) {
  const { type, default: value, env, secret, changeable, reloads, describe } = settingOf(key);
  const variable = secret ? `${env} or ${env}_FILE` : env;
  const line = value === null ? `# ${nameOf(key)} =` : `${nameOf(key)} = ${type.toToml(value)}`;
  return [
    "",
    `# ${describe}`,
    `# ${type.expects[0]!.toUpperCase()}${type.expects.slice(1)}. Variable: ${variable}.`,
    ...(changeable ? ["# An admin may change it while the server runs."] : []),
    ...(reloads && !changeable ? ["# A running server takes it over on SIGHUP."] : []),
    line,
  ].join("\n");
}

function bySection(lineOf: (key: Key) => string) {
  const sections = Map.groupBy(keys, (key) => key.slice(0, key.indexOf(".")));
  return [...sections].flatMap(([section, members]) => ["", `[${section}]`, ...members.map(lineOf)]);
}

const nameOf = (key: Key) => key.slice(key.indexOf(".") + 1);

// A path may hold what would end a comment or is not allowed in one.
const comment = (text: string) => text.replace(/\p{Cc}/gu, "?");
