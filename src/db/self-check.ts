import { getTableColumns, getTableName } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Session } from "./store";

/**
 * Reads a row of each table with every column that this program knows, before an upgrade is committed: a database that was
 * changed by hand shows here, and not under the first request.
 * @throws Error that names the table that does not fit
 */
export async function selfCheck(session: Session): Promise<void> {
  for (const table of Object.values(session.t) as PgTable[]) {
    const name = getTableName(table);
    // With its table before it: SQLite takes a name in quotes that it does not know for a text.
    const columns = Object.values(getTableColumns(table)).map((column) => `"${name}"."${column.name}"`);
    const text = `select ${columns.join(", ")} from "${name}" limit 1`;
    try {
      await session.run({ text, bind: () => [] }, []);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`the table ${name} does not fit this program: ${message}`, { cause: error });
    }
  }
}
