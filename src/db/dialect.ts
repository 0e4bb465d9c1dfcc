import { sql, type Column, type Placeholder, type SQL } from "drizzle-orm";

/** The few expressions that the engines write differently. */
export interface Dialect {
  readonly engine: "sqlite" | "postgres";
  /** `column` is one of the values of a JSON array of strings: one SQL text for lists of any length. */
  isAmong(column: Column, jsonArray: Placeholder): SQL;
  /** `select`s the rows of a JSON array of arrays, each with a value for every column, encoded as it encodes. */
  rowsOf(columns: readonly Column[], jsonRows: Placeholder): SQL;
  /** The text of `column` has the argument somewhere in it, letter by letter: `%` and `_` mean themselves. */
  contains(column: Column, part: Placeholder): SQL;
  /** `column` without its index, where another way to the records is known to be better. */
  unindexed(column: Column): SQL;
  /** `condition`, which few records meet, whatever the averages say. */
  rare(condition: SQL): SQL;
  /** The JSON object in `column` has this name. */
  hasKey(column: Column, name: Placeholder): SQL;
  /** `column` is another value than the argument, where null is a value like any other. */
  isDistinct(column: Column, value: Placeholder): SQL;
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
  rowsOf: (columns, jsonRows) =>
    sql`select ${each(columns, (_, i) => sql`value ->> ${i}`)} from json_each(${jsonRows})`,
  contains: (column, part) => sql`instr(${column}, ${part}) > 0`,
  unindexed: (column) => sql`+${column}`,
  rare: (condition) => sql`likelihood(${condition}, 0.0001)`,
  hasKey: (column, name) => sql`exists (select 1 from json_each(${column}) where key = ${name})`,
  isDistinct,
};

/** How PostgreSQL writes it. */
export const postgresDialect: Dialect = {
  engine: "postgres",
  isAmong: (column, jsonArray) =>
    sql`${column} in (select value::${typeOf(column)} from json_array_elements_text(${jsonArray}::text::json))`,
  rowsOf: (columns, jsonRows) =>
    sql`select ${each(columns, (column, i) => sql`(value ->> ${i})::${typeOf(column)}`)} from json_array_elements(${jsonRows}::text::json)`,
  contains: (column, part) => sql`strpos(${column}, ${part}) > 0`,
  // It knows how many records belong to whom, and chooses well by itself.
  unindexed: (column) => sql`${column}`,
  rare: (condition) => condition,
  hasKey: (column, name) => sql`jsonb_exists(${column}, ${name})`,
  isDistinct,
};
