import { join } from "node:path";
import { startNeocrm } from "./contenders";
import { postgresTarget, sqliteTarget } from "./fill";
import type { Account, Seed } from "./seed";

/**
 * Lets the executable make its tables and its first account in a database that is new, and puts rows into it.
 * @param url of the database on PostgreSQL; without one it is SQLite's in the data directory
 * @returns the rows
 */
export async function fillNew<Rows extends Seed>(
  dataDir: string,
  url: string | undefined,
  rowsOf: (account: Account) => Rows,
): Promise<Rows> {
  await (await startNeocrm("neocrm", dataDir, url)).stop();
  const target = url === undefined ? sqliteTarget(join(dataDir, "neocrm.db")) : postgresTarget(url);
  const rows = rowsOf(await target.account());
  await target.insert(rows);
  return rows;
}
