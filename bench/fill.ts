import { Database } from "bun:sqlite";
import { SQL } from "bun";
import { postgresSession } from "../src/db/postgres";
import type { TableName } from "../src/db/rows";
import { sqliteSession } from "../src/db/sqlite";
import { fillSearch } from "../src/search/fill";
import type { Account, Seed } from "./seed";

/**
 * Puts rows straight into the database: through the API it would take minutes and measure nothing. The tables have to
 * be there, and one account, whose password and role the seeded ones share.
 */
export interface Target {
  account(): Promise<Account>;
  insert(seed: Seed): Promise<void>;
}

const anAccount = "SELECT password_hash, role_id FROM users LIMIT 1";
const rowsAtOnce = 5_000;

/** The rows of each table, in turn. */
const tablesOf = (seed: Seed) => Object.entries(seed) as [TableName, Record<string, unknown>[]][];

/** A SQLite file that nobody has open. */
export const sqliteTarget = (file: string): Target => ({
  account: async () => using(file, (db) => db.query(anAccount).get() as Account),
  insert: async (seed) =>
    using(file, async (db) => {
      db.transaction(() => {
        for (const [table, rows] of tablesOf(seed)) {
          const columns = Object.keys(rows[0]!);
          const values = columns.map(() => "?").join();
          const insert = db.prepare(`INSERT INTO ${table} (${columns.join()}) VALUES (${values})`);
          for (const row of rows) insert.run(...columns.map((column) => stored(row[column])));
        }
      })();
      db.run("BEGIN");
      await fillSearch(sqliteSession(db));
      db.run("COMMIT");
      db.run("ANALYZE");
      db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }),
});

async function using<T>(file: string, work: (db: Database) => T | Promise<T>): Promise<T> {
  const db = new Database(file);
  try {
    return await work(db);
  } finally {
    db.close();
  }
}

const stored = (value: unknown) =>
  (typeof value === "object" && value !== null ? JSON.stringify(value) : value) as string | number | null;

export const postgresTarget = (url: string): Target => ({
  account: async () => {
    const sql = new SQL({ url, max: 1 });
    const [account] = await sql.unsafe(anAccount);
    await sql.close();
    return account as Account;
  },
  insert: async (seed) => {
    const sql = new SQL({ url, max: 1 });
    for (const [table, rows] of tablesOf(seed)) {
      const columns = Object.keys(rows[0]!).join();
      const insert = `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(null::${table}, $1::text::json)`;
      for (let i = 0; i < rows.length; i += rowsAtOnce) {
        await sql.unsafe(insert, [JSON.stringify(rows.slice(i, i + rowsAtOnce))]);
      }
    }
    await sql.begin((transaction) => fillSearch(postgresSession(transaction)));
    await sql.unsafe("VACUUM ANALYZE");
    await sql.close();
  },
});
