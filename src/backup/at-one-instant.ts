import { Database } from "bun:sqlite";
import { postgresSession } from "../db/postgres";
import { sqliteSession } from "../db/sqlite";
import type { Session } from "../db/store";
import { withClient } from "./postgres";

/** A view of a SQLite database that stays as it is at one instant, while others write. */
export async function fileAtOneInstant<Result>(
  file: string,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const db = new Database(file, { readonly: true });
  try {
    db.run("PRAGMA busy_timeout = 5000");
    db.run("BEGIN");
    // The instant is that of the first read.
    db.query("SELECT count(*) FROM sqlite_schema").get();
    return await work(sqliteSession(db));
  } finally {
    db.close();
  }
}

/** The same of a PostgreSQL database. */
export const serverAtOneInstant = <Result>(
  url: string,
  work: (session: Session) => Promise<Result>,
): Promise<Result> =>
  withClient(url, (client) =>
    client.begin("isolation level repeatable read read only", async (transaction) => {
      await transaction.unsafe("SET LOCAL statement_timeout = 0");
      await transaction.unsafe("SET LOCAL idle_in_transaction_session_timeout = 0");
      return work(postgresSession(transaction));
    }),
  ) as Promise<Result>;
