import { constants, Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";

/**
 * Opens a SQLite file to look at it and leaves nothing beside it. Even a read-only connection makes a `-shm` and a `-wal`
 * file where there is none, for its own user: made by root, they keep the server's user out. Where nobody has written
 * since the file was closed, there is none, and nothing but the file itself to read.
 */
export function openToLook(file: string): Database {
  if (existsSync(`${file}-wal`)) {
    const db = new Database(file, { readonly: true });
    db.run("PRAGMA busy_timeout = 5000");
    return db;
  }
  const uri = `${pathToFileURL(file).href}?immutable=1`;
  return new Database(uri, constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI);
}
