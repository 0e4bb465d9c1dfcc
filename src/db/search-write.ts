import { sql, type SQL } from "drizzle-orm";
import type { Document, Searched } from "../search/document";
import { documentOf } from "../search/document";
import { tellAfterCommit } from "./after-commit";
import { hot, type Params, type Query, type Shape } from "./hot";
import { searchTable, type SearchedTable } from "./search-engine";
import type { Session } from "./store";

/** What a transaction that changed what is searched tells after its commit. */
export const searchTopic = "search";

/** Keeps what is searched of the records of a table; within the transaction that writes them. */
export interface SearchWriter {
  /** Of a record that is new, or has changed in what is searched. */
  put(session: Session, id: string, searched: Searched): Promise<void>;
  /** Of many records that are new, with one statement. */
  putNew(session: Session, records: readonly { id: string; searched: Searched }[]): Promise<void>;
  /** Whether what is kept is this; puts it right if not. */
  assure(session: Session, id: string, searched: Searched): Promise<boolean>;
}

/** The writer for one table. */
export function searchWriter(table: SearchedTable): SearchWriter {
  const write = hot((shape, p: Params<Document & { id: string }>) => {
    const { t, q } = shape;
    const search = searchTable(t, table);
    const excluded = (column: string) => sql`excluded.${sql.identifier(column)}`;
    return q
      .insert(search)
      .values({
        ...{ doc: freeDoc(shape, table, sql`${p.id}`) },
        ...{ id: p.id, text: p.text, title_end: p.title_end, more_end: p.more_end, parts: p.parts },
      })
      .onConflictDoUpdate({
        target: search.id,
        set: {
          text: excluded("text"),
          title_end: excluded("title_end"),
          more_end: excluded("more_end"),
          parts: excluded("parts"),
        },
      }) as unknown as Query<never>;
  });
  const find = hot(({ t, q }, p: Params<{ id: string }>) => {
    const search = searchTable(t, table);
    return q
      .select({ text: search.text })
      .from(search)
      .where(sql`${search.id} = ${p.id}`)
      .limit(1);
  });
  const put: SearchWriter["put"] = async (session, id, searched) => {
    await write.all(session, { id, ...documentFor(session, searched) });
    tellAfterCommit(session, searchTopic);
  };
  return {
    put,
    async putNew(session, records) {
      // One row is written quicker by itself: there is no JSON to read it from.
      if (records.length === 1) return put(session, records[0]!.id, records[0]!.searched);
      const rows = records.map(({ id, searched }) => {
        const { text, title_end, more_end, parts } = documentFor(session, searched);
        return [id, text, title_end, more_end, parts];
      });
      const plan = { text: insertMany(table, session.dialect.engine), bind: () => [] };
      await session.run(plan, [JSON.stringify(rows)]);
      tellAfterCommit(session, searchTopic);
    },
    async assure(session, id, searched) {
      const kept = await find.first(session, { id });
      if (kept?.text === documentFor(session, searched).text) return true;
      await put(session, id, searched);
      return false;
    },
  };
}

/**
 * The number of what is searched of a record: on SQLite that of the record's own row, where it is free, so that what the index
 * finds is compared with records by number (see `search-numbers.ts`); else the engine's.
 */
function freeDoc({ t, dialect }: Shape, table: SearchedTable, id: SQL): SQL {
  if (dialect.engine === "postgres") return sql`default`;
  const { doc } = searchTable(t, table);
  return sql`(select r.rowid from ${t[table]} as r where r.id = ${id} and not exists (select 1 from ${searchTable(t, table)} where ${doc} = r.rowid))`;
}

/**
 * Many new ones in the order of their rows, so both numbers rise: the larger of the row's and the next that is free is in no other's
 * way, wherever the two differ in an older database.
 */
const insertMany = (table: SearchedTable, engine: "sqlite" | "postgres"): string =>
  engine === "sqlite"
    ? `insert into ${table}_search (doc, id, text, title_end, more_end, parts) select max(r.rowid, key + 1 + (select coalesce(max(doc), 0) from ${table}_search)), value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from json_each(?) cross join ${table} as r where r.id = value ->> 0`
    : `insert into ${table}_search (id, text, title_end, more_end, parts) select (value ->> 0)::uuid, value ->> 1, (value ->> 2)::int, (value ->> 3)::int, (value ->> 4)::tsvector from json_array_elements($1::text::json)`;

/** SQLite finds the letters by itself. */
const documentFor = ({ dialect }: Session, searched: Searched): Document =>
  documentOf(searched, { withParts: dialect.engine === "postgres" });
