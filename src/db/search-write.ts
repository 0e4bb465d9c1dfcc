import { sql } from "drizzle-orm";
import type { Document, Searched } from "../search/document";
import { documentOf } from "../search/document";
import { tellAfterCommit } from "./after-commit";
import { hot, type Params, type Query } from "./hot";
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
  const write = hot(({ t, q }, p: Params<Document & { id: string }>) => {
    const search = searchTable(t, table);
    const excluded = (column: string) => sql`excluded.${sql.identifier(column)}`;
    return q
      .insert(search)
      .values({ id: p.id, text: p.text, title_end: p.title_end, more_end: p.more_end, parts: p.parts })
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

/** Without the number, which the engine gives: what Drizzle writes has every column. */
const insertMany = (table: SearchedTable, engine: "sqlite" | "postgres"): string =>
  `insert into ${table}_search (id, text, title_end, more_end, parts) select ` +
  (engine === "sqlite"
    ? "value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from json_each(?)"
    : "(value ->> 0)::uuid, value ->> 1, (value ->> 2)::int, (value ->> 3)::int, (value ->> 4)::tsvector from json_array_elements($1::text::json)");

/** SQLite finds the letters by itself. */
const documentFor = ({ dialect }: Session, searched: Searched): Document =>
  documentOf(searched, { withParts: dialect.engine === "postgres" });
