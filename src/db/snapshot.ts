import type { Database } from "bun:sqlite";
import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isoTime, now } from "../clock";
import { toDbError } from "./errors";

/**
 * Copies an open SQLite database to `<folder>/<name>-<time>.db` and returns that path. The copy is whole,
 * compact, readable by its owner only, and on disk when this returns.
 * @throws DbError `full` when there is no room; nothing is left behind then
 */
export async function takeSnapshot(db: Database, folder: string, name: string): Promise<string> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${name}-${isoTime(now()).replace(/[-:.]/g, "")}.db`);
  // VACUUM INTO writes into an empty file, so nobody else can read it at any moment.
  closeSync(openSync(path, "wx", 0o600));
  try {
    db.query("VACUUM INTO ?").run(path);
    syncToDisk(path);
    syncToDisk(dirname(path));
  } catch (error) {
    await rm(path, { force: true });
    throw toDbError(error);
  }
  return path;
}

function syncToDisk(path: string) {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
