import { backup, DatabaseSync } from "node:sqlite";
import type { BackupProgress, OnProgress } from "./progress";

/** What is to be done: a copy, or looking whether a database is whole. */
export type CopyRequest = Copy | { file: string };

/** A copy that is wanted, and how to say that it is not any more. */
export interface Copy {
  from: string;
  to: string;
  /** One byte that is not 0 once it is to stop: while it copies, no message is heard. */
  stop: SharedArrayBuffer;
}

/** What a database holds. */
export interface Inspected {
  migrations: string[];
  /** How many rows each table has. */
  rows: Record<string, number>;
}

/** What came of it. */
export type CopyReply = { done: Inspected } | { error: { message: string; code?: string } };

/** How far a copy is. */
export interface CopyNews {
  progress: BackupProgress;
}

/** Pages of 4 KiB that are copied in one step. */
const pagesAtOnce = 2_000;

/**
 * Copies a database while others write to it. The copy is what was committed at one instant: it is made within a read
 * transaction, in which the rows are counted, too. Afterwards it is opened, checked and counted again.
 * @throws Error when the copy is not whole: most likely, what was copied is not; or it was stopped
 */
export async function copyDatabase({ from, to, stop }: Copy, onProgress: OnProgress): Promise<Inspected> {
  const stopped = new Uint8Array(stop);
  const assertWanted = () => {
    if (Atomics.load(stopped, 0) !== 0) throw new Error("it was stopped");
  };
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    source.exec("PRAGMA busy_timeout = 5000");
    source.exec("BEGIN");
    const original = contentsOf(source);
    const pageSize = numberOf(source, "PRAGMA page_size");
    const size = numberOf(source, "PRAGMA page_count") * pageSize;
    const total = size + blobBytesIn(source);
    onProgress({ done: 0, total });
    await backup(source, to, {
      rate: pagesAtOnce,
      progress({ totalPages, remainingPages }) {
        assertWanted();
        onProgress({ done: (totalPages - remainingPages) * pageSize, total });
      },
    });
    onProgress({ done: size, total });
    assertWanted();
    makeOneFile(to);
    const copy = inspectDatabase(to);
    const apart = Object.keys(original.rows).find((table) => original.rows[table] !== copy.rows[table]);
    if (apart !== undefined)
      throw new Error(`the copy has ${copy.rows[apart]} rows in ${apart} instead of ${original.rows[apart]}`);
    return copy;
  } finally {
    source.close();
  }
}

/** Without a write-ahead log beside it, a file is a database by itself. */
function makeOneFile(file: string): void {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = DELETE");
  db.close();
}

/** Reads a whole database. @throws Error when something in it is damaged */
export function inspectDatabase(file: string): Inspected {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const said = valuesOf(db, "PRAGMA integrity_check(5)");
    if (said.join() !== "ok") throw new Error(`the database is damaged (${said.join("; ")})`);
    return contentsOf(db);
  } finally {
    db.close();
  }
}

function contentsOf(db: DatabaseSync): Inspected {
  const tables = valuesOf(
    db,
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
  ).map(String);
  const rows = tables.map((table) => [table, numberOf(db, `SELECT count(*) FROM "${table}"`)]);
  const isOurs = tables.includes("_migrations");
  return {
    migrations: isOurs ? valuesOf(db, "SELECT tag FROM _migrations ORDER BY tag").map(String) : [],
    rows: Object.fromEntries(rows) as Inspected["rows"],
  };
}

/** The bytes of files that a database refers to. */
const blobBytesIn = (db: DatabaseSync): number =>
  numberOf(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'blobs'") === 0
    ? 0
    : numberOf(db, "SELECT coalesce(sum(size), 0) FROM blobs");

const numberOf = (db: DatabaseSync, sql: string): number => Number(valuesOf(db, sql)[0]);

const valuesOf = (db: DatabaseSync, sql: string): unknown[] =>
  db
    .prepare(sql)
    .all()
    .map((row) => Object.values(row)[0]);
