import { getTableConfig, SQLiteSyncDialect, type SQLiteTable } from "drizzle-orm/sqlite-core";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Tables } from "./tables";
import * as sqliteTables from "./tables.sqlite";

/**
 * The tables, for whoever asks how they are described and runs nothing on them: names, columns and indexes are the same on both
 * engines. They are SQLite's, because a server on SQLite would start ten milliseconds later with PostgreSQL's beside them.
 */
export const tables: Tables = sqliteTables;

/** An index as it is described. */
export interface DescribedIndex {
  name: string;
  columns: readonly string[];
  isUnique: boolean;
  /** The condition of a partial index. */
  where: string | undefined;
}

const dialect = new SQLiteSyncDialect();

/** The indexes of a table, without that of its primary key. */
export const describedIndexes = (table: PgTable): DescribedIndex[] =>
  // Typed on PostgreSQL's columns, as everything is.
  getTableConfig(table as unknown as SQLiteTable).indexes.map(({ config }) => ({
    name: config.name,
    columns: config.columns.map((column) => ("name" in column ? column.name : "?")),
    isUnique: config.unique,
    where: config.where && dialect.sqlToQuery(config.where).sql,
  }));
