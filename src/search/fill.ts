import { asc, gt } from "drizzle-orm";
import { hot, type Params, type Query } from "../db/hot";
import type { RecordOf } from "../db/rows";
import type { SearchedTable } from "../db/search-engine";
import type { Session } from "../db/store";
import { searchedOfClient } from "../features/clients/search";
import { clientColumns, type ClientRow } from "../features/clients/store";
import { searchedOfFile } from "../features/files/search";
import { fileColumns } from "../features/files/store";
import { searchedOfTask } from "../features/tasks/search";
import { taskColumns, type TaskRow } from "../features/tasks/store";
import { documentOf, type Searched } from "./document";
import { indexNext, mergeAll } from "./indexer";

/** Records read at once. */
const batch = 2_000;
/** Comes before every id. */
const noId = "00000000-0000-0000-0000-000000000000";

type Page<Row> = { all(session: Session, args: { after: string }): Promise<Row[]> };

const clientsAfter: Page<ClientRow> = hot(({ t, q }, p: Params<{ after: string }>) => {
  const page = q
    .select(clientColumns(t))
    .from(t.clients)
    .where(gt(t.clients.id, p.after))
    .orderBy(asc(t.clients.id))
    .limit(batch);
  return page as PromiseLike<unknown> as Query<ClientRow>;
});

const filesAfter: Page<RecordOf<"files">> = hot(({ t, q }, p: Params<{ after: string }>) => {
  const page = q
    .select(fileColumns(t))
    .from(t.files)
    .where(gt(t.files.id, p.after))
    .orderBy(asc(t.files.id))
    .limit(batch);
  return page as PromiseLike<unknown> as Query<RecordOf<"files">>;
});

const tasksAfter: Page<TaskRow> = hot(({ t, q }, p: Params<{ after: string }>) => {
  const page = q
    .select(taskColumns(t))
    .from(t.tasks)
    .where(gt(t.tasks.id, p.after))
    .orderBy(asc(t.tasks.id))
    .limit(batch);
  return page as PromiseLike<unknown> as Query<TaskRow>;
});

/**
 * Fills the empty search tables of a database from its records, within one transaction: for an upgrade, and for whoever puts
 * records straight into the tables.
 */
export async function fillSearch(session: Session): Promise<void> {
  await fillTable(session, "clients", clientsAfter, searchedOfClient);
  await fillTable(session, "tasks", tasksAfter, searchedOfTask);
}

/** The same for files. What stands in them is found by jobs. */
export const fillFileSearch = (session: Session): Promise<void> =>
  fillTable(session, "files", filesAfter, (file) => searchedOfFile(file, null));

async function fillTable<Row extends { id: string }>(
  session: Session,
  table: SearchedTable,
  page: Page<Row>,
  searchedOf: (row: Row) => Searched,
): Promise<void> {
  const { engine } = session.dialect;
  const text = insertions[engine](table);
  for (let after = noId; ;) {
    const rows = await page.all(session, { after });
    if (rows.length === 0) break;
    const documents = rows.map((row) => {
      const document = documentOf(searchedOf(row), { withParts: engine === "postgres" });
      return [row.id, document.text, document.title_end, document.more_end, document.parts];
    });
    const values = [JSON.stringify(documents)];
    await session.run({ text, bind: () => values }, values);
    if (engine === "sqlite") await indexNext(session, table, { records: batch, letters: Infinity });
    after = rows.at(-1)!.id;
  }
  if (engine === "sqlite") await mergeAll(session, table);
}

const columns = "id, text, title_end, more_end, parts";
/** The table is empty, so on SQLite the number of each record's row is free. */
const insertions = {
  sqlite: (table: SearchedTable) =>
    `insert into ${table}_search (doc, ${columns}) select r.rowid, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from json_each(?) cross join ${table} as r where r.id = value ->> 0`,
  postgres: (table: SearchedTable) =>
    `insert into ${table}_search (${columns}) select (value ->> 0)::uuid, value ->> 1, (value ->> 2)::int, (value ->> 3)::int, (value ->> 4)::tsvector from json_array_elements($1::text::json)`,
};
