import { Database } from "bun:sqlite";
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { databaseFiles } from "../backup/database-files";
import { finishSwap } from "../backup/swap";
import { log } from "./logging";

/** Another process holds the data directory. */
export class DataDirectoryInUse extends Error {
  override name = "DataDirectoryInUse";

  constructor(dataDir: string, pid: string | null) {
    const holder = pid === null ? "another neocrm" : `another neocrm (process ${pid})`;
    super(`${dataDir} is in use by ${holder}. Stop it first, or give this one its own --data-dir.`);
  }
}

/** The data directory cannot be made, or not be written. */
export class DataDirectoryUnusable extends Error {
  override name = "DataDirectoryUnusable";

  constructor(dataDir: string, cause: Error) {
    const mend = "Let the user that runs neocrm write there, or name another directory with --data-dir.";
    super(`The data directory ${dataDir} cannot be used: ${reasonOf(cause)}. ${mend}`, { cause });
  }
}

/** The system's reason in words, where it has one. */
const reasonOf = ({ code = "", message }: Error & { code?: string }) =>
  reasons[code] ?? message.split(",")[0]!;

const reasons: Record<string, string> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "it is a file",
  ENOSPC: "the disk is full",
  SQLITE_CANTOPEN: "neocrm.lock in it cannot be opened",
};

/** A data directory or a file, held by this process until it lets go or dies. */
export interface DataLock {
  release(): void;
}

/**
 * Takes the data directory for this process, and makes it when it does not exist; from here on, what the process
 * makes is for its own user only. What a broken-off restore had begun to put in its place is put there.
 * @throws DataDirectoryInUse, DataDirectoryUnusable
 */
export function lockDataDirectory(dataDir: string): DataLock {
  process.umask(0o077);
  const pidFile = join(dataDir, "neocrm.pid");
  const lock = exclusively(openLock(dataDir));
  if (!lock) throw new DataDirectoryInUse(dataDir, readPid(pidFile));
  finishSwap(dataDir);
  keepPrivate(dataDir);
  writePid(pidFile);
  return lock;
}

/** Takes a file for this process, and makes it when it does not exist; `undefined` while another one has it. */
export const holdExclusively = (file: string): DataLock | undefined =>
  exclusively(new Database(file, { create: true }));

/** SQLite's own file lock does it: the kernel drops it with the process, however that ends, so no stale lock is left. */
function exclusively(db: Database): DataLock | undefined {
  try {
    db.run("PRAGMA busy_timeout = 0");
    db.run("PRAGMA journal_mode = DELETE");
    db.run("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (String((error as { code?: string }).code).startsWith("SQLITE_BUSY")) return undefined;
    throw error;
  }
  return {
    release() {
      db.run("ROLLBACK");
      db.close();
    },
  };
}

function openLock(dataDir: string): Database {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK | constants.X_OK);
    return new Database(join(dataDir, "neocrm.lock"), { create: true });
  } catch (error) {
    throw new DataDirectoryUnusable(dataDir, error as Error);
  }
}

/** A directory that somebody made before, or restored from a backup, may be more open than one of ours. */
function keepPrivate(dataDir: string): void {
  if ((statSync(dataDir).mode & 0o022) !== 0) {
    log.warn(`Others may write in ${dataDir}, and so replace what is in it: chmod 700 ${dataDir}`);
  }
  for (const file of databaseFiles.map((name) => join(dataDir, name))) {
    if (existsSync(file)) chmodSync(file, 0o600);
  }
}

/** Never through a link: it would overwrite what the link names. */
function writePid(file: string): void {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const descriptor = openSync(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  writeSync(descriptor, `${process.pid}\n`);
  closeSync(descriptor);
}

function readPid(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim() || null;
  } catch {
    return null;
  }
}
