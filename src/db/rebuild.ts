import { eq, getTableColumns, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { tables } from "./described";
import { hot, type Params, type Query, type Row } from "./hot";
import { insertInto, recordColumns, updateIn, type RecordOf, type RowOf } from "./rows";
import type { Session } from "./store";

/** Tables of records that their events can rebuild. */
export type RebuiltTable = "clients" | "tasks" | "folders" | "files";

/**
 * Rows are written in two passes: `release` takes unique values from rows that should not have them, `write` gives them to
 * those that should.
 */
export type RebuildPass = "release" | "write";

/** What was wrong with a record's rows: the columns, or that there were none. */
export type Difference = "missing" | readonly string[];

/** A record from the fields that its events tell: instants are text there, and what came later than they is not there. */
export function revived<Name extends RebuiltTable>(
  name: Name,
  told: Readonly<Record<string, unknown>>,
): RecordOf<Name> {
  const columns = Object.entries<PgColumn>(recordColumns(name)(tables) as Record<string, PgColumn>);
  const values = columns.map(([field, column]) => {
    const value = told[field] ?? null;
    return [field, column.dataType === "number" && typeof value === "string" ? Date.parse(value) : value];
  });
  return Object.fromEntries(values) as RecordOf<Name>;
}

/**
 * Makes rows of a table what they have to be, each in one of the two passes.
 * @param unique the columns with unique values
 */
export function rebuildIn<Name extends RebuiltTable>(
  name: Name,
  unique: readonly (keyof RowOf<Name> & string)[],
): (session: Session, row: RowOf<Name>, pass: RebuildPass) => Promise<Difference> {
  const find = hot(({ t, q }, p: Params<{ id: string }>) => {
    const table: PgTable & { id: PgColumn } = t[name];
    const found = q.select(getTableColumns<PgTable>(table)).from(table).where(eq(table.id, p.id)).limit(1);
    return found as PromiseLike<unknown> as Query<RowOf<Name>>;
  });
  const release = hot(({ t, q }, p: Params<{ id: string }>) => {
    const table: PgTable & { id: PgColumn } = t[name];
    const nothing = Object.fromEntries(unique.map((column) => [column, sql`null`]));
    return q.update(table).set(nothing).where(eq(table.id, p.id)) as Query<never>;
  });
  const insert = insertInto(name);
  const update = updateIn(name, []);
  return async (session, row, pass) => {
    const { id } = row;
    const found = (await find.first(session, { id })) as Row | undefined;
    if (!found) {
      if (pass === "write") await insert.all(session, row);
      return "missing";
    }
    const differs = (column: string) => !Bun.deepEquals(found[column], (row as Row)[column]);
    const different = Object.keys(row).filter(differs);
    if (pass === "write" && different.length > 0) await update.all(session, row as never);
    if (pass === "release" && unique.some(differs)) await release.all(session, { id });
    return different;
  };
}
