import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { newSecret } from "../ids";
import { ConfigError, refusal } from "./error";
import { settingOf, type Config, type Key } from "./table";

/** A configuration whose signing key is known. */
export type ConfigWithSecrets = Config & { readonly "auth.jwt_secret": string };

/**
 * Fills in the signing keys that are not configured from `<dataDir>/secrets/`, and makes the current one when it is
 * missing there. Of processes that start together one makes it and all get the same.
 * @throws ConfigError when a secret cannot be read or kept, is malformed, or is open to other users of the machine
 */
export function ensureSecrets(config: Config, dataDir: string): ConfigWithSecrets {
  const current = join(dataDir, "secrets", "jwt_secret");
  const previous = join(dataDir, "secrets", "jwt_secret_previous");
  return {
    ...config,
    "auth.jwt_secret": config["auth.jwt_secret"] ?? readSecret("auth.jwt_secret", current) ?? make(current),
    "auth.jwt_secret_previous":
      config["auth.jwt_secret_previous"] ?? readSecret("auth.jwt_secret_previous", previous) ?? null,
  };
}

/** `undefined` when there is no such file. */
function readSecret(key: Key, file: string): string | undefined {
  const text = readPrivate(key, file)?.trim();
  if (text === undefined) return undefined;
  if (settingOf(key).type.fromText(text) === undefined) throw new ConfigError([refusal(file, key, text)]);
  return text;
}

function readPrivate(key: Key, file: string): string | undefined {
  try {
    return withFile(file, "r", (descriptor) => {
      assertPrivate(key, file, fstatSync(descriptor).mode);
      return readFileSync(descriptor, "utf8");
    });
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw explained(error, `${file}: ${key} cannot be read`);
  }
}

function assertPrivate(key: Key, file: string, mode: number) {
  // Windows has no such bits and reports every file as open to all.
  if (process.platform === "win32" || (mode & 0o077) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  throw new ConfigError([`${file}: ${key} is open to other users (mode ${octal}): run chmod 600 ${file}`]);
}

function make(file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeOnce(file, newSecret());
  } catch (error) {
    throw explained(error, `${file}: the signing key cannot be kept there, and JWT_SECRET is not set`);
  }
  // What counts is the file: another process may have been first.
  return readSecret("auth.jwt_secret", file)!;
}

/** Puts `text` there whole and synced, unless the file exists: then it stays as it is. */
function writeOnce(file: string, text: string) {
  const draft = `${file}.${newSecret(9)}`;
  try {
    withFile(draft, "wx", (descriptor) => {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    });
    // A rename would replace the key of a process that came first; a link fails instead.
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  // Without it the name may be gone after a power cut, and with the key every session. Also for a process that came
  // second: it goes on with a key that the first one may not have synced yet.
  if (process.platform !== "win32") withFile(dirname(file), "r", fsyncSync);
}

function withFile<Result>(file: string, flags: string, use: (descriptor: number) => Result): Result {
  const descriptor = openSync(file, flags, 0o600);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

function explained(error: unknown, problem: string) {
  if (error instanceof ConfigError) return error;
  return new ConfigError([`${problem} (${codeOf(error) ?? (error as Error).message})`]);
}
