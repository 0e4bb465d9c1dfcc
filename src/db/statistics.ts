import type { Database } from "bun:sqlite";

/** Below so many rows, what is known of a table tells little of it as it will be. */
const fewRows = 10_000;

/**
 * Gathers what the planner has to know of large tables, and forgets it of small ones. A connection reads that once, when it is opened: a
 * server that was started when a table had twenty rows would read the whole of it for months, because that is the fastest with
 * twenty. Of a table of which it knows nothing, the planner expects many rows and takes an index.
 */
export function gatherStatistics(writer: Database): void {
  writer.run("PRAGMA optimize");
  forgetSmallTables(writer);
}

/** Forgets what an earlier process may have gathered of small tables. Nobody else may have the file open yet. */
export function forgetSmallTables(writer: Database): void {
  const gathered = writer.query("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'").get();
  if (!gathered) return;
  // `stat` begins with the number of rows; `ANALYZE sqlite_schema` reads the table anew.
  const small = writer.run(`DELETE FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) < ${fewRows}`);
  if (small.changes > 0) writer.run("ANALYZE sqlite_schema");
}
