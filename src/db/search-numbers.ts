import { sql } from "drizzle-orm";
import { minute, monotonic, second } from "../clock";
import { hot, type Query } from "./hot";
import { searchTable, type SearchedTable } from "./search-engine";
import type { Session, Store } from "./store";

/** What was found out about a table, and in `monotonic` time until when it is believed. */
interface Known {
  agree: Promise<boolean>;
  /** What it came to, once it did. */
  result?: boolean;
  until: number;
  /** For how long not to look again where there was no time for it. */
  pauseMs: number;
}

/** A file that was not read yet takes longer than it is given, and less the next time; one that is too large is soon left alone. */
const [firstPauseMs, longestPauseMs] = [second, 10 * minute];

const known = new WeakMap<object, Map<SearchedTable, Known>>();

/**
 * Whether what is searched of each record has the number of the record's own row, on SQLite: then what the index finds is compared
 * with the entries of any other index by number, and no record is read for it.
 *
 * Looked at once, since what is true stays true while a process has the database: a new row takes a number that no row has, and
 * with it goes what is searched of the row that had it before, by its foreign key. So the number is free, and taken within the same
 * transaction: by a create, an import, a replay or what puts right what is missing. An update keeps both, and nothing else writes
 * either. Before the process may have been anything: a version that took the next number for what is searched, or a restored copy,
 * whose rows SQLite may number anew.
 */
export function numbersAgree(
  store: Pick<Store, "read">,
  session: Session,
  table: SearchedTable,
): Promise<boolean> {
  const tables = known.getOrInsertComputed(store, () => new Map());
  const before = tables.get(table);
  if (before && before.until > monotonic()) return before.agree;
  const pauseMs = before ? Math.min(2 * before.pauseMs, longestPauseMs) : firstPauseMs;
  const looked: Known = { agree: look(session, table), until: Infinity, pauseMs };
  tables.set(table, looked);
  looked.agree = looked.agree
    .catch(() => {
      looked.until = monotonic() + pauseMs;
      return false;
    })
    .then((agree) => (looked.result = agree));
  return looked.agree;
}

/** Whose turn it is to look at what nobody waits for. */
const looker = "search numbers";
const looking = new WeakSet<object>();

/** Whether it is known by now that they agree. Who asks first has it looked at, one table after the other, and does not wait. */
export function knownToAgree(store: Pick<Store, "read" | "aside">, table: SearchedTable): boolean {
  const result = known.get(store)?.get(table)?.result;
  if (!result && !looking.has(store)) {
    looking.add(store);
    void numbersAgree(store, store.aside(looker), table).finally(() => looking.delete(store));
  }
  return result ?? false;
}

const look = async (session: Session, table: SearchedTable): Promise<boolean> =>
  (await different[table].first(session, {})) === undefined;

/** In the order of two indexes that have both values, so each is read once and nothing is kept. */
const differentIn = (table: SearchedTable) =>
  hot<object, { id: string }>(({ t, q }) => {
    const { id, doc } = searchTable(t, table);
    const both = sql`select ${id} as id, ${doc} as doc from ${searchTable(t, table)} except select id, rowid from ${t[table]} order by 1, 2 limit 1`;
    // Of a statement that is written out, Drizzle does not know the row.
    return q.select({ id: sql<string>`id` }).from(sql`(${both}) as different`) as unknown as Query<{
      id: string;
    }>;
  });

const different = {
  clients: differentIn("clients"),
  tasks: differentIn("tasks"),
  files: differentIn("files"),
};
