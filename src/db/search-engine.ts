import { sql, type Column, type SQL } from "drizzle-orm";
import { trigramsOf } from "../search/document";
import { gap } from "../search/words";
import type { SearchQuery } from "../search/query";
import type { Fields } from "../list";
import type { Shape } from "./hot";
import type { ListParams } from "./list-filters";
import type { Tables } from "./tables";

/** Tables of records that are searched; each has a neighbour with what is searched of it. */
export type SearchedTable = "clients" | "tasks" | "files";

/** The table of records that can be searched. @throws Error when they cannot */
export function searchedTable({ resource, search }: Pick<Fields, "resource" | "search">): SearchedTable {
  if (search !== "none" && (resource === "clients" || resource === "tasks" || resource === "files"))
    return resource;
  throw new Error(`The records in "${resource}" cannot be searched.`);
}

/** Three letters in a row that have to be in a text: all of these lists, of each one alternative, of that all parts. */
export type Wanted = readonly (readonly (readonly string[])[])[];

/** What the two engines do differently to find records by parts of their texts. */
export interface SearchEngine {
  /** It begins with those of several parts that lead to the fewest records, however many it is given. */
  readonly choosesParts: boolean;
  /** What leads to records, as the engine's index reads it. There are letters, digits and spaces in it, nothing to escape. */
  expression(wanted: Wanted): string;
  /** What to select from, where something leads to the records: the search table and the records, the youngest first. */
  candidates(shape: Shape, p: ListParams, table: SearchedTable, lead: SearchLead, agree: boolean): Candidates;
  /** The numbers that the index leads to, as a statement of which a record's own number can be one: see `search-numbers.ts`. */
  numbers?(p: ListParams, table: SearchedTable): SQL;
  /** The same, each once and the youngest first. */
  numbersInOrder?(p: ListParams, table: SearchedTable): SQL;
  /** Where a text begins in another, counted from 1; 0 where it is not there. */
  position(text: Column, part: SQL): SQL;
}

/** What leads to records: nothing, the index by the expression `list_q_match`, or a JSON array of their numbers, `list_q_docs`. */
export type SearchLead = "nothing" | "index" | "numbers";

/** Parts of a query over records that may match. */
export interface Candidates {
  from: SQL;
  where: SQL;
  /** The youngest first, where `from` does not have them so. */
  order: SQL;
}

/** More say little more, and each has to be read. */
const mostProbes = 12;

/** The first or last letter of a word beside its gap: wherever the next part is, so is this, and its list is much longer. */
const isEdge = (part: string) => part.startsWith(gap) || part.endsWith(gap);

/** Parts of a text that lead to those that have it. Every second is enough: the text itself is compared afterwards. */
function probesOf(text: string): string[] {
  const parts = [...trigramsOf(text)];
  const inner = parts.filter((part) => !isEdge(part));
  const all = inner.length > 0 ? inner : parts;
  const every = all.filter((_, i) => i % 2 === 0 || i === all.length - 1);
  const step = Math.ceil(every.length / mostProbes);
  return every.filter((_, i) => i % step === 0);
}

/** The parts that lead to what a query asks for. */
export const wantedBy = ({ terms }: SearchQuery): Wanted =>
  terms.map(({ anyOf }) => anyOf.map((way) => [...new Set(way.flatMap(probesOf))]));

const written = (wanted: Wanted, and: string, or: string, quote: string): string =>
  wanted
    .map((ways) => {
      const each = ways.map((parts) => parts.map((part) => quote + part + quote).join(and));
      return each.length === 1 ? each[0]! : `(${each.map((way) => `(${way})`).join(or)})`;
    })
    .join(and);

/** The search table of a table, typed like that of clients: they have the same columns. */
export const searchTable = (t: Tables, table: SearchedTable) =>
  t[`${table}_search` as const] as Tables["clients_search"];

/** A limit keeps SQLite from dropping the order. What waits to be indexed is looked at one by one, and first: it is the youngest. */
function numbersInOrder(p: ListParams, table: SearchedTable): SQL {
  const index = sql.identifier(`${table}_trigrams`);
  const unindexed = sql.identifier(`${table}_unindexed`);
  return sql`select doc from (select doc from ${unindexed} order by doc desc) union all select doc from (select rowid as doc from ${index} where ${index} match ${p.list_q_match} and rowid not in (select doc from ${unindexed}) order by rowid desc limit -1)`;
}

/** FTS5: an index of three letters in a row, which says in which texts they are and not where. */
const sqliteEngine: SearchEngine = {
  choosesParts: false,
  expression: (wanted) => written(wanted, " AND ", " OR ", '"'),
  candidates({ t }, p, table, lead, agree) {
    const search = searchTable(t, table);
    const found = {
      nothing: () => sql`select ${search.doc} as doc from ${search} order by ${search.doc} desc limit -1`,
      index: () => numbersInOrder(p, table),
      numbers: () => sql`select value as doc from json_each(${p.list_q_docs})`,
    }[lead]();
    return {
      // In this order and no other: a planner does not know how much the index finds.
      from: sql`(${found}) as found cross join ${search} cross join ${t[table]}`,
      where: sql`${search.doc} = found.doc and ${agree ? sql`${t[table]}.rowid = ${search.doc} and +${t[table].id} = ${search.id}` : sql`${t[table].id} = ${search.id}`}`,
      order: sql``,
    };
  },
  numbersInOrder,
  numbers(p, table) {
    const index = sql.identifier(`${table}_trigrams`);
    return sql`select doc from ${sql.identifier(`${table}_unindexed`)} union all select rowid from ${index} where ${index} match ${p.list_q_match}`;
  },
  position: (text, part) => sql`instr(${text}, ${part})`,
};

/** Full text: a `tsvector` of the same letters, in a GIN index. */
const postgresEngine: SearchEngine = {
  choosesParts: true,
  expression: (wanted) => written(wanted, " & ", " | ", "'"),
  candidates({ t }, p, table, lead) {
    const search = searchTable(t, table);
    const found = lead === "index" ? sql` and ${search.parts} @@ ${p.list_q_match}::tsquery` : sql``;
    return {
      from: sql`${search} cross join ${t[table]}`,
      where: sql`${t[table].id} = ${search.id}${found}`,
      order: sql` order by ${search.doc} desc`,
    };
  },
  position: (text, part) => sql`strpos(${text}, ${part})`,
};

/** The engine of a store. */
export const searchEngineOf = ({ dialect }: Pick<Shape, "dialect">): SearchEngine =>
  dialect.engine === "sqlite" ? sqliteEngine : postgresEngine;
