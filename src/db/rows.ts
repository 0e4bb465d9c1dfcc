import { and, eq, getTableColumns, isNull } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { tables } from "./described";
import { hot, hotByShape, value, type HotQuery, type Params, type Query, type Row } from "./hot";
import { fold } from "../text";
import type { Session } from "./store";
import type { Tables } from "./tables";

/**
 * Whole rows, read and written: a column is named in its table's description and not again in each query.
 * A column has one name everywhere, so its property, its placeholder and the database agree.
 */

/** A table by its name. */
export type TableName = keyof Tables;

/** A row with all of its columns. */
export type RowOf<Name extends TableName> = Tables[Name]["$inferSelect"];

type TableWith<Columns> = {
  [Name in TableName]: Tables[Name] extends Columns ? Name : never;
}[TableName];

type ColumnsOf<Name extends TableName> = Tables[Name]["_"]["columns"];

/** Follow from their neighbours, for comparing and sorting (see `describeTables`). */
type DerivedColumn = `${string}_key` | `${string}_normal`;
const derived = /_(key|normal)$/;

/** A row without the columns that follow from the others. */
export type RecordOf<Name extends TableName> = Omit<RowOf<Name>, DerivedColumn>;

/**
 * A record with the columns that follow from it: each text's folded neighbour, and from `others` what is derived in
 * another way.
 * @throws Error for a column that neither gives
 */
export function withDerived<Name extends TableName, Given extends Partial<RecordOf<Name>>>(
  name: Name,
  record: Given,
  others: Partial<RowOf<Name>>,
): Given & Pick<RowOf<Name>, keyof RowOf<Name> & DerivedColumn> {
  const row: Record<string, unknown> = { ...record, ...others };
  for (const { column, neighbour } of derivedColumns(name)) {
    if (column in row) continue;
    const text = row[neighbour];
    if (!column.endsWith("_key") || text === undefined) throw new Error(`What is ${name}.${column} to hold?`);
    row[column] = text === null ? null : fold(text as string);
  }
  return row as Given & RowOf<Name>;
}

const tableNamed: Readonly<Record<TableName, PgTable>> = tables;
const knownDerived = new Map<TableName, { column: string; neighbour: string }[]>();

function derivedColumns(name: TableName) {
  let known = knownDerived.get(name);
  if (!known) {
    const columns = Object.keys(getTableColumns(tableNamed[name])).filter((column) => derived.test(column));
    known = columns.map((column) => ({ column, neighbour: column.replace(derived, "") }));
    knownDerived.set(name, known);
  }
  return known;
}

/** One record by id, deleted or not. */
export const recordById = <Name extends TableWith<{ id: PgColumn; deleted_at: PgColumn }>>(
  name: Name,
): HotQuery<{ id: string }, RecordOf<Name>> =>
  hot(({ t, q }, p: Params<{ id: string }>) => {
    const table: PgTable & { id: PgColumn } = t[name];
    const columns = recordColumns(name)(t) as Record<string, PgColumn>;
    const query = q.select(columns).from(table).where(eq(table.id, p.id)).limit(1);
    return query as PromiseLike<unknown> as Query<RecordOf<Name>>;
  });

/** The records with these ids (a JSON array), deleted or not. */
export const recordsAmong = <Name extends TableWith<{ id: PgColumn; deleted_at: PgColumn }>>(
  name: Name,
): HotQuery<{ ids: string }, RecordOf<Name>> =>
  hot(({ t, q, dialect }, p: Params<{ ids: string }>) => {
    const table: PgTable & { id: PgColumn } = t[name];
    const columns = recordColumns(name)(t) as Record<string, PgColumn>;
    const query = q.select(columns).from(table).where(dialect.isAmong(table.id, p.ids));
    return query as PromiseLike<unknown> as Query<RecordOf<Name>>;
  });

/** The columns of a `RecordOf` this table, to select. */
export const recordColumns =
  <Name extends TableName>(name: Name) =>
  (t: Pick<Tables, Name>): Omit<ColumnsOf<Name>, DerivedColumn> => {
    const columns = Object.entries<PgColumn>(getTableColumns<PgTable>(t[name]));
    const own = Object.fromEntries(columns.filter(([column]) => !derived.test(column)));
    return own as Omit<ColumnsOf<Name>, DerivedColumn>;
  };

/** The id of the row that is not deleted and has this value in a unique column. */
export const liveWith = <Name extends TableWith<{ id: PgColumn; deleted_at: PgColumn }>>(
  name: Name,
  unique: keyof ColumnsOf<Name> & string,
): HotQuery<{ value: string }, { id: string }> =>
  hot(({ t, q }, p: Params<{ value: string }>) => {
    const table: PgTable & { id: PgColumn; deleted_at: PgColumn } = t[name];
    const column = getTableColumns<PgTable>(table)[unique]!;
    return q
      .select({ id: table.id })
      .from(table)
      .where(and(eq(column, p.value), isNull(table.deleted_at)))
      .limit(1) as PromiseLike<unknown> as Query<{ id: string }>;
  });

/** The ids of the rows that are not deleted and have one of these values (a JSON array) in a unique column, each with it. */
export const liveAmong = <Name extends TableWith<{ id: PgColumn; deleted_at: PgColumn }>>(
  name: Name,
  unique: keyof ColumnsOf<Name> & string,
): HotQuery<{ values: string }, { id: string; value: string }> =>
  hot(({ t, q, dialect }, p: Params<{ values: string }>) => {
    const table: PgTable & { id: PgColumn; deleted_at: PgColumn } = t[name];
    const column = getTableColumns<PgTable>(table)[unique]!;
    return q
      .select({ id: table.id, value: column })
      .from(table)
      .where(
        and(dialect.isAmong(column, p.values), isNull(table.deleted_at)),
      ) as PromiseLike<unknown> as Query<{
      id: string;
      value: string;
    }>;
  });

/** Adds a row. Every column is given: what a new record starts with is decided where it is made. */
export const insertInto = <Name extends TableName>(name: Name): HotQuery<RowOf<Name>, never> =>
  hot(({ t, q }, p: Params<RowOf<Name>>) => {
    const table: PgTable = t[name];
    return q.insert(table).values(eachColumn(table, (column) => argument(p, column))) as Query<never>;
  });

const rowsPerStatement = 500;

/** Adds many rows, hundreds with one statement. */
export function insertManyInto<Name extends TableName>(
  name: Name,
): (session: Session, rows: readonly RowOf<Name>[]) => Promise<void> {
  const insert = hot(({ t, q, dialect }, p: Params<{ rows: string }>) => {
    const table: PgTable = t[name];
    // Without `returning` a write gives no rows, which Drizzle's type for PostgreSQL does not say.
    return q
      .insert(table)
      .select(dialect.rowsOf(Object.values(getTableColumns(table)), p.rows)) as unknown as Query<never>;
  });
  const insertOne = insertInto(name);
  return async (session, rows) => {
    // One row is written in two thirds of the time by itself: there is no JSON to read it from.
    if (rows.length === 1) return void (await insertOne.all(session, rows[0]!));
    const columns = Object.entries<PgColumn>(getTableColumns<PgTable>(session.t[name]));
    for (let start = 0; start < rows.length; start += rowsPerStatement) {
      const encoded = rows.slice(start, start + rowsPerStatement).map((row) =>
        columns.map(([key, column]) => {
          const field = (row as Record<string, unknown>)[key] ?? null;
          return field === null ? null : column.mapToDriverValue(field);
        }),
      );
      await insert.all(session, { rows: JSON.stringify(encoded) });
    }
  };
}

/** Removes a row by its id, for good. */
export const removeFrom = (name: TableWith<{ id: PgColumn }>): HotQuery<{ id: string }, never> =>
  hot(({ t, q }, p: Params<{ id: string }>) => {
    const table: PgTable & { id: PgColumn } = t[name];
    return q.delete(table).where(eq(table.id, p.id)) as Query<never>;
  });

/** Removes the rows with these ids (a JSON array), for good: on SQLite a hundred at once take as long as ten one by one. */
export const removeManyFrom = (name: TableWith<{ id: PgColumn }>): HotQuery<{ ids: string }, never> =>
  hot(({ t, q, dialect }, p: Params<{ ids: string }>) => {
    const table: PgTable & { id: PgColumn } = t[name];
    return q.delete(table).where(dialect.isAmong(table.id, p.ids)) as Query<never>;
  });

/** Writes a row by its id: all of it but the columns that never change or are written apart. */
export const updateIn = <Name extends TableWith<{ id: PgColumn }>, Kept extends keyof RowOf<Name> & string>(
  name: Name,
  except: readonly Kept[],
): HotQuery<Omit<RowOf<Name>, Kept>, never> =>
  hot(({ t, q }, p: Params<Omit<RowOf<Name>, Kept>>) => {
    const table: PgTable & { id: PgColumn } = t[name];
    const kept = new Set<string>(["id", ...except]);
    const change = eachColumn(table, (column) =>
      kept.has(column.name) ? undefined : value(column, argument(p, column)),
    );
    return q
      .update(table)
      .set(change)
      .where(eq(table.id, argument(p, table.id))) as Query<never>;
  });

/**
 * Writes what differs between a record and what becomes of it, with the columns that follow from that: SQLite writes
 * every index anew that has one of the statement's columns, whether its value changed or not.
 */
export const updateChangedIn = <Name extends TableWith<{ id: PgColumn }>>(name: Name) => {
  const updates = hotByShape<never>();
  return async (session: Session, before: RecordOf<Name>, after: RowOf<Name>): Promise<void> => {
    const [old, args]: Row[] = [before, after];
    const isChanged = (column: string) => !Bun.deepEquals(old![column], args![column]);
    const derivedFrom = new Map(derivedColumns(name).map(({ column, neighbour }) => [column, neighbour]));
    const changed = new Set(
      Object.keys(args!).filter((column) => isChanged(derivedFrom.get(column) ?? column)),
    );
    await updates.all(
      session,
      [...changed].join(),
      ({ t, q }, p) => {
        const table: PgTable & { id: PgColumn } = t[name];
        const change = eachColumn(table, (column) =>
          changed.has(column.name) ? value(column, argument(p, column)) : undefined,
        );
        return q
          .update(table)
          .set(change)
          .where(eq(table.id, argument(p, table.id))) as Query<never>;
      },
      args!,
    );
  };
};

const eachColumn = <Value>(table: PgTable, valueOf: (column: PgColumn) => Value): Record<string, Value> =>
  Object.fromEntries(
    Object.entries<PgColumn>(getTableColumns(table)).map(([name, column]) => [name, valueOf(column)]),
  );

/** The placeholder named like the column. */
const argument = (p: object, { name }: PgColumn) => (p as Params<Record<string, unknown>>)[name]!;
