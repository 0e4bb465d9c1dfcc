import type { Columns } from "../columns.postgres";
import type { ClientTables } from "./clients";
import type { FileTables } from "./files";
import type { TaskTables } from "./tasks";

/**
 * What is searched: for each record one folded text, and what leads to those that have certain three letters in a row. On
 * PostgreSQL these stand in `parts`; on SQLite in an FTS5 table beside, which the migration makes (see `search.sqlite.ts`).
 */
export function describeSearch(
  c: Columns,
  { clients, tasks, files }: ClientTables & TaskTables & FileTables,
) {
  const columns = () => ({
    /** The younger, the higher. */
    doc: c.rowNumber("doc"),
    /** Two spaces before and after each word, a line break after each field; the fields that matter most come first. */
    text: c.text("text").notNull(),
    /** Letters until the end of the name or title. */
    title_end: c.integer("title_end").notNull(),
    /** Letters until the end of company and e-mail address. */
    more_end: c.integer("more_end").notNull(),
    /** PostgreSQL only: every three letters in a row. */
    parts: c.lexemes("parts"),
  });
  const clients_search = c.table(
    "clients_search",
    {
      ...columns(),
      id: c
        .id("id")
        .notNull()
        .references(() => clients.id, { onDelete: "cascade" }),
    },
    (t) => [c.uniqueIndex("clients_search_by_id").on(t.id)],
  );
  const tasks_search = c.table(
    "tasks_search",
    {
      ...columns(),
      id: c
        .id("id")
        .notNull()
        .references(() => tasks.id, { onDelete: "cascade" }),
    },
    (t) => [c.uniqueIndex("tasks_search_by_id").on(t.id)],
  );
  const files_search = c.table(
    "files_search",
    {
      ...columns(),
      id: c
        .id("id")
        .notNull()
        .references(() => files.id, { onDelete: "cascade" }),
    },
    (t) => [c.uniqueIndex("files_search_by_id").on(t.id)],
  );
  return { clients_search, tasks_search, files_search };
}
