import { Database } from "bun:sqlite";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Another process holds the data directory. */
export class DataDirectoryInUse extends Error {
  override name = "DataDirectoryInUse";

  constructor(dataDir: string, pid: string | null) {
    const holder = pid === null ? "another neocrm" : `another neocrm (process ${pid})`;
    super(`${dataDir} is in use by ${holder}. Stop it first, or give this one its own --data-dir.`);
  }
}

/** The data directory, held by this process until it lets go or dies. */
export interface DataLock {
  release(): void;
}

/**
 * Takes the data directory for this process, and makes it when it does not exist; from here on, what the process
 * makes is for its own user only. SQLite's own file lock does it: the kernel drops it with the process,
 * however that ends, so that no stale lock is ever left behind.
 * @throws DataDirectoryInUse
 */
export function lockDataDirectory(dataDir: string): DataLock {
  process.umask(0o077);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const pidFile = join(dataDir, "neocrm.pid");
  const db = new Database(join(dataDir, "neocrm.lock"), { create: true });
  try {
    db.run("PRAGMA busy_timeout = 0");
    db.run("PRAGMA journal_mode = DELETE");
    db.run("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (String((error as { code?: string }).code).startsWith("SQLITE_BUSY")) {
      throw new DataDirectoryInUse(dataDir, readPid(pidFile));
    }
    throw error;
  }
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  return {
    release() {
      db.run("ROLLBACK");
      db.close();
    },
  };
}

function readPid(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim() || null;
  } catch {
    return null;
  }
}
