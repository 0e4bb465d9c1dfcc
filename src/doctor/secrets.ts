import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Config, Key } from "../config";
import { keys, settingOf } from "../config/table";
import { passwordProblem } from "../features/auth/passwords";
import { findingsOf, orOk, type Finding, type Patient } from "./finding";

const check = "secrets";
const { warn, fail } = findingsOf(check);

/** The secrets that machines make: no person has to remember them, so nothing excuses a guessable one. */
const generated = ["auth.jwt_secret", "auth.jwt_secret_previous", "metrics.token"] as const;

/** Whether the secrets are hard to guess, each for one thing, and out of sight. */
export function examineSecrets(patient: Patient): Finding[] {
  const { config } = patient.loaded;
  const found = [...weak(config), ...shared(config), ...visible(patient), ...differing(config)];
  return orOk(found, check, "Hard to guess, each for one thing, and out of others' sight.");
}

function weak(config: Config): Finding[] {
  const found = generated.flatMap((key) => {
    const reason = config[key] === null ? undefined : weakness(config[key]);
    if (!reason) return [];
    const why = "Whoever guesses it signs in as anybody, or reads what is not meant for them.";
    return [
      fail(
        `${key} is easy to guess: ${reason}.`,
        why,
        `Make a new one: ${settingOf(key).env}="$(openssl rand -hex 32)"`,
      ),
    ];
  });
  const password = config["admin.password"];
  const problem = password === null ? null : passwordProblem(password);
  if (!problem) return found;
  const why = "The first admin may do everything, and the server refuses to start with it.";
  return [...found, fail(`admin.password: ${problem.message}`, why, "Choose a phrase of several words.")];
}

/** What examples, templates and tired people write. */
const placeholders =
  /change.?(me|this|it)|your.?(\w+.){0,3}(secret|key|token)|replace|example|placeholder|insecure|default|password|supersecret|(my|top|test|dev|jwt).?secret|secret.?key|0123456|123456|abcdefg|qwerty|letmein|todo/i;
/** Below this, in bits, a secret of whatever length is a pattern. */
const fewBits = 90;

/** Why a secret is easy to guess, `undefined` when it is not obvious. */
export function weakness(secret: string): string | undefined {
  if (placeholders.test(secret)) return "it looks like an example's";
  const once = /^(.+?)\1+$/s.exec(secret)?.[1] ?? secret;
  if (once !== secret) return "it repeats itself";
  return bitsOf(secret) < fewBits ? "it has too few different characters" : undefined;
}

/** Shannon's entropy of the characters: what is random has 118 in 32 hexadecimal digits. */
function bitsOf(text: string): number {
  const counts = Map.groupBy(text, (character) => character).values();
  const shares = [...counts].map(({ length }) => length / text.length);
  return text.length * shares.reduce((bits, share) => bits - share * Math.log2(share), 0);
}

function shared(config: Config): Finding[] {
  const given = keys.filter((key) => settingOf(key).secret && config[key] !== null && key !== "database.url");
  const bySecret = [...Map.groupBy(given, (key) => config[key]).values()].filter(({ length }) => length > 1);
  return bySecret.map((same) => {
    const why = "Whoever learns it in one place has it for the other, and none can be changed alone.";
    return fail(`${same.join(" and ")} are the same.`, why, "Give each its own.");
  });
}

function visible({ loaded, env }: Patient): Finding[] {
  const { dataDir, sources } = loaded;
  const made = ["jwt_secret", "jwt_secret_previous"].map((name) => join(dataDir, "secrets", name));
  const named = keys.flatMap((key) => fileOf(key, sources[key], env));
  return [
    ...made
      .filter((file) => isOpenTo(0o077, file))
      .map((file) => {
        const why = "Whoever reads it signs in as anybody; the server refuses to start with it.";
        return fail(
          `Others may read ${file}.`,
          why,
          `chmod 600 ${file}; if they may have read it, remove it: everybody signs in again`,
        );
      }),
    ...[...new Set(named)]
      .filter((file) => isOpenTo(0o007, file))
      .map((file) =>
        warn(
          `Everybody on this machine may read ${file}.`,
          "It holds a secret.",
          `chmod o= ${file}, owned by the server's user or group`,
        ),
      ),
  ];
}

/** The file that a secret comes from, if it is one. */
function fileOf(key: Key, source: string, env: Patient["env"]): string[] {
  if (!settingOf(key).secret || source === "default") return [];
  const named = source.endsWith("_FILE") ? env[source] : source;
  return named === undefined ? [] : [resolve(named)];
}

const isOpenTo = (others: number, file: string) => existsSync(file) && (statSync(file).mode & others) !== 0;

function differing(config: Config): Finding[] {
  if (config["database.url"] === null || config["auth.jwt_secret"] !== null) return [];
  const why = "Each instance makes its own: it refuses the tokens of the others.";
  const mend = "Give all instances the same JWT_SECRET (openssl rand -hex 32), also when there is one.";
  return [warn("JWT_SECRET is not set, and the database is PostgreSQL.", why, mend)];
}
