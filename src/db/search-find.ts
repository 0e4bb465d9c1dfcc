import { and, sql, type Column, type SQL } from "drizzle-orm";
import { queryOf, type Filter } from "../list";
import { gap } from "../search/words";
import type { SearchQuery } from "../search/query";
import { hotByShape, type Query, type Row, type Shape } from "./hot";
import type { ListParams } from "./list-filters";
import type { Resource } from "./list-part";
import { settled, type ListScope } from "./list-scope";
import { forgiven } from "./list-search";
import { bindSearch, isMatch, matchOf, recordsIn, searchShape, textsOf, type SearchScope } from "./search";
import { searchedTable, searchEngineOf, searchTable } from "./search-engine";
import type { Session, Store } from "./store";

/** Records are counted and compared up to so many, the youngest ones. */
export const mostFound = 1_000;
/** Further ones that have the words as they were typed, or words that begin so. */
const mostBetter = 100;

/** What is known of a record that was found. */
export interface Found {
  id: string;
  /** Above 0, at most 1. */
  score: number;
  updated_at: number;
  /** Its values in the columns that were asked for, as the engine has them: a list may be JSON. */
  facets: Row;
}

/** What a search came to. */
export interface Findings<Item> {
  /** The best ones, the best first. */
  best: { item: Item; score: number; updated_at: number }[];
  /** All of them; the youngest `mostFound` when there are more. */
  found: readonly Found[];
  isCapped: boolean;
  /** What was searched for in the end: a wrong letter may have been forgiven. */
  query: SearchQuery;
}

/** What is searched, and what is to be known of it. */
export interface Finding<Item> {
  resource: Resource<Item>;
  scope: ListScope;
  search: Filter;
  /** How many of the best. */
  limit: number;
  /** Columns whose values are counted. */
  facets: readonly string[];
}

/** Searches the records in a scope, off the event loop. */
export async function findIn<Item extends { id: string }>(
  store: Pick<Store, "read" | "aside">,
  finding: Finding<Item>,
): Promise<Findings<Item>> {
  const { resource, scope, search, limit, facets } = finding;
  const { fields } = resource;
  const session = store.aside(scope.caller);
  const table = searchedTable(fields);
  const within: SearchScope = { table, isIndexed: true, scope: await settled(store, table, scope) };
  const look = (query: SearchQuery, most: number) => lookIn(store, session, query, within, facets, most);
  let query = queryOf(search);
  let found = await look(query, mostFound + 1);
  if (found.length === 0) {
    const corrected = await forgiven(store, fields, search, true, [scope], true);
    if (corrected) found = await look((query = queryOf(corrected)), mostFound + 1);
  }
  const isCapped = found.length > mostFound;
  if (isCapped) found.pop();
  const all = new Map(found.map((each) => [each.id, each]));
  for (const better of isCapped ? betterThan(query) : []) {
    const matches = await look(better, mostBetter);
    for (const each of matches) all.set(each.id, each);
    if (matches.length >= limit) break;
  }
  const best = [...all.values()].toSorted(byScore).slice(0, limit);
  // So few are read by their ids sooner than their turn aside would come.
  const rows = await rowsOf(store.read, resource, within, best);
  return {
    best: best.flatMap(({ id, score, updated_at }) => {
      const item = rows.get(id);
      return item ? [{ item, score, updated_at }] : [];
    }),
    ...{ found, isCapped, query },
  };
}

/** The better match, then the one that changed last. */
export const byScore = (
  a: { score: number; updated_at: number },
  b: { score: number; updated_at: number },
): number => b.score - a.score || b.updated_at - a.updated_at;

/** Queries for fewer records that match better, where the youngest are not all: whole words, and beginnings. */
function betterThan({ terms, nots }: SearchQuery): SearchQuery[] {
  const each = (form: (text: string) => string): SearchQuery => ({
    terms: terms.map(({ anyOf }) => ({ anyOf: anyOf.map((way) => way.map(form)) })),
    nots,
  });
  return terms.length === 0
    ? []
    : [each((text) => gap + text.trim() + gap), each((text) => gap + text.trimStart())];
}

const found = hotByShape<Row>();

async function lookIn(
  store: Pick<Store, "read">,
  session: Session,
  query: SearchQuery,
  within: SearchScope,
  facets: readonly string[],
  limit: number,
): Promise<Found[]> {
  const { table, scope } = within;
  const match = await matchOf(store, session, query, within);
  const args: Row = { ...scope.args, list_q_match: match, list_limit: limit };
  bindSearch(query, args);
  bindForms(query, args);
  const rows = await found.all(
    session,
    [table, scope.shape, searchShape(query), formsOf(query).map(Number).join("")].join("|"),
    (shape, p) => {
      // A table is also a record of its columns: which are asked for is known from the facets alone.
      const records = shape.t[table] as unknown as Record<string, Column>;
      const { from, where, order } = recordsIn(shape, p, within, query.terms.length > 0);
      const chosen = sql`select ${records["id"]} as id, ${records["updated_at"]} as updated_at, ${scoreOf(shape, p, within, query)} as score${sql.join(facets.map((name) => sql`, ${records[name]} as ${sql.identifier(name)}`))} from ${from} where ${and(where, isMatch(shape, p, table, query))}${order} limit ${p.list_limit}`;
      // As the engine has them: to read a thousand lists of tags takes as long as to find them.
      const columns = facets.map((name) => [name, sql`${sql.identifier(name)}`]);
      // Which columns there are follows from the facets, so Drizzle cannot infer the row; `Row` promises nothing more.
      return shape.q
        .select({
          id: sql`id`,
          updated_at: sql`updated_at`.mapWith(records["updated_at"]!),
          score: sql`score`.mapWith(Number),
          ...Object.fromEntries(columns),
        })
        .from(sql`(${chosen}) as chosen`) as unknown as Query<Row>;
    },
    args,
  );
  return rows.map(({ id, updated_at, score, ...facets }) => ({
    ...{ id: id as string, updated_at: updated_at as number, facets },
    score: (score as number) / (bestScore * Math.max(1, query.terms.length)),
  }));
}

/** A whole word in the title. */
const bestScore = 9;

/** For each text of a query, whether it is whole words already. */
const formsOf = (query: SearchQuery) => textsOf(query).map((text) => text.endsWith(gap));

function bindForms(query: SearchQuery, args: Row): void {
  textsOf(query).forEach((text, i) => {
    args[`list_qw${i}`] = gap + text.trim() + gap;
    args[`list_qb${i}`] = gap + text.trim();
  });
}

/**
 * For each term 7 to 9 in the title, 4 to 6 in company and e-mail address, else 1 to 3; the most for whole words, less for a
 * beginning, the least for what is in the middle of one. A text first stands where it matters most.
 */
function scoreOf(shape: Shape, p: ListParams, { table }: SearchScope, query: SearchQuery): SQL {
  const { position } = searchEngineOf(shape);
  const { text, title_end, more_end } = searchTable(shape.t, table);
  const within = (name: string, end: Column | undefined) => {
    const at = position(text, sql`${p[name]}`);
    return end ? sql`${at} between 1 and ${end}` : sql`${at} > 0`;
  };
  let i = 0;
  const terms = query.terms.map(({ anyOf }) => {
    const forms = anyOf.flat().map(() => i++);
    const cases = [title_end, more_end, undefined].flatMap((end, e) =>
      ["list_qw", "list_qb", "list_q"].map((form, f) => {
        const any = sql.join(forms.map((n) => within(`${form}${n}`, end)), sql` or `); // prettier-ignore
        return sql` when ${any} then ${sql.raw(String(bestScore - 3 * e - f))}`;
      }),
    );
    return sql`case${sql.join(cases)} else 0 end`;
  });
  return terms.length === 0 ? sql`1` : sql.join(terms, sql` + `);
}

const items = hotByShape<Row>();

async function rowsOf<Item extends { id: string }>(
  session: Session,
  { fields, columns }: Resource<Item>,
  { table, scope }: SearchScope,
  best: readonly Found[],
): Promise<Map<string, Item>> {
  if (best.length === 0) return new Map();
  // `columns` gives what an `Item` has, by the definition of a `Resource`; queries of many shapes are typed as rows.
  const rows = await items.all(
    session,
    fields.resource,
    ({ t, q, dialect }, p) =>
      q
        .select(columns(t) as never)
        .from(t[table])
        .where(dialect.isAmong(t[table].id, p.ids!)) as unknown as Query<Row>,
    { ...scope.args, ids: JSON.stringify(best.map(({ id }) => id)) },
  );
  return new Map((rows as unknown as Item[]).map((row) => [row.id, row]));
}
