import { getTableName, sql, type Column, type Placeholder, type SQL, type Table } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";

/** The few expressions that the engines write differently. */
export interface Dialect {
  readonly engine: "sqlite" | "postgres";
  /** `column` is one of the values of a JSON array of strings: one SQL text for lists of any length. */
  isAmong(column: Column, jsonArray: Placeholder): SQL;
  /** The strings of a JSON array as a table to select from, in its column `value`. */
  each(jsonArray: Placeholder): SQL;
  /** `select`s the rows of a JSON array of arrays, each with a value for every column, encoded as it encodes. */
  rowsOf(columns: readonly Column[], jsonRows: Placeholder): SQL;
  /** The text of `column` has the argument somewhere in it, letter by letter: `%` and `_` mean themselves. */
  contains(column: Column, part: Placeholder): SQL;
  /** A column or a condition without its index, where another way to the records is known to be better. */
  unindexed(expression: Column | SQL): SQL;
  /** For `from`: `table` by way of one of its indexes, where another looks better and is not. */
  by(table: Table, index: string): SQL;
  /**
   * After `cross join`, in the recursive part of a query: the rows of `table` that meet `condition`, looked up for each row
   * before it. Joined as a whole, PostgreSQL would read the table once for each level.
   */
  lookedUp(table: PgTable, condition: SQL): SQL;
  /** After a query: locks the rows it finds, and passes over those that others lock. SQLite has one writer. */
  readonly skipLocked: SQL;
  /** `condition`, which few records meet, whatever the averages say. */
  rare(condition: SQL): SQL;
  /** The JSON object in `column` has this name. */
  hasKey(column: Column, name: Placeholder): SQL;
  /** `column` is another value than the argument, where null is a value like any other. */
  isDistinct(column: Column, value: Placeholder): SQL;
  /** The values of a column in all rows, as a JSON array. */
  gathered(column: SQL): SQL;
  /** The values of several columns in all rows, as a JSON array of arrays. What SQLite keeps as JSON is a string in there. */
  gatheredRows(columns: readonly SQL[]): SQL;
  /**
   * `condition` on `table`, answered from the index of `column` alone, without reading a record: for one that many entries
   * have to be looked at for, beside another that leads to many records.
   */
  fromIndex(table: PgTable, column: Column, condition: SQL | undefined): SQL;
  /** It knows how large indexes are and how common their values, and chooses well among them by itself. */
  readonly choosesIndexes: boolean;
}

/** Encoded as the column encodes: SQLite has no booleans and keeps JSON as text. */
const isDistinct: Dialect["isDistinct"] = (column, value) =>
  sql`${column} is distinct from ${sql.param(value, column)}`;

const typeOf = (column: Column) => sql.raw(column.getSQLType().split(" ")[0]!);

const each = (columns: readonly Column[], valueOf: (column: Column, i: SQL) => SQL) =>
  sql.join(
    columns.map((column, i) => valueOf(column, sql.raw(String(i)))),
    sql`, `,
  );

/** How SQLite writes it. */
export const sqliteDialect: Dialect = {
  engine: "sqlite",
  isAmong: (column, jsonArray) => sql`${column} in (select value from json_each(${jsonArray}))`,
  each: (jsonArray) => sql`json_each(${jsonArray})`,
  rowsOf: (columns, jsonRows) =>
    sql`select ${each(columns, (_, i) => sql`value ->> ${i}`)} from json_each(${jsonRows})`,
  contains: (column, part) => sql`instr(${column}, ${part}) > 0`,
  unindexed: (expression) => sql`+(${expression})`,
  by: (table, index) => sql`${table} indexed by ${sql.identifier(index)}`,
  lookedUp: (table, condition) => sql`${table} where ${condition}`,
  skipLocked: sql``,
  rare: (condition) => sql`likelihood(${condition}, 0.0001)`,
  hasKey: (column, name) => sql`exists (select 1 from json_each(${column}) where key = ${name})`,
  isDistinct,
  gathered: (column) => sql`json_group_array(${column})`,
  gatheredRows: (columns) => sql`json_group_array(json_array(${sql.join([...columns], sql`, `)}))`,
  // A condition that makes an index partial keeps SQLite from knowing that the index is enough, until an order needs it.
  fromIndex: (table, column, condition) =>
    sql`+rowid in (select rowid from ${table} where ${condition} order by ${column} limit -1)`,
  choosesIndexes: false,
};

/** How PostgreSQL writes it. */
export const postgresDialect: Dialect = {
  engine: "postgres",
  isAmong: (column, jsonArray) =>
    sql`${column} in (select value::${typeOf(column)} from json_array_elements_text(${jsonArray}::text::json))`,
  each: (jsonArray) => sql`json_array_elements_text(${jsonArray}::text::json)`,
  rowsOf: (columns, jsonRows) =>
    sql`select ${each(columns, (column, i) => sql`(value ->> ${i})::${typeOf(column)}`)} from json_array_elements(${jsonRows}::text::json)`,
  contains: (column, part) => sql`strpos(${column}, ${part}) > 0`,
  // It knows how many records belong to whom, and chooses well by itself.
  unindexed: (expression) => sql`${expression}`,
  by: (table) => sql`${table}`,
  lookedUp: (table, condition) =>
    sql`lateral (select * from ${table} where ${condition} offset 0) as ${sql.identifier(getTableName(table))}`,
  skipLocked: sql` for update skip locked`,
  rare: (condition) => condition,
  hasKey: (column, name) => sql`jsonb_exists(${column}, ${name})`,
  isDistinct,
  gathered: (column) => sql`coalesce(json_agg(${column}), '[]')::text`,
  gatheredRows: (columns) =>
    sql`coalesce(json_agg(json_build_array(${sql.join([...columns], sql`, `)})), '[]')::text`,
  fromIndex: (_, __, condition) => condition!,
  choosesIndexes: true,
};
