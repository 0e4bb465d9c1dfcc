import { and, sql, type Column, type SQL } from "drizzle-orm";
import { queryOf, type Filter } from "../list";
import { gap } from "../search/words";
import type { SearchQuery } from "../search/query";
import { hotByShape, type Query, type Row, type Shape } from "./hot";
import type { ListParams } from "./list-filters";
import type { Resource } from "./list-part";
import { settled, type ListScope } from "./list-scope";
import { forgiven } from "./list-search";
import {
  approach,
  approachShape,
  bindSearch,
  isMatch,
  recordsIn,
  searchShape,
  textsOf,
  type SearchScope,
} from "./search";
import { searchedTable, searchEngineOf, searchTable, wantedBy } from "./search-engine";
import type { Session, Store } from "./store";

/** Records are counted and compared up to so many, the youngest ones. */
export const mostFound = 1_000;
/** Further ones that have the words as they were typed, or words that begin so. */
const mostBetter = 100;

/** A record that was found, and how well it matches. */
interface Ranked {
  id: string;
  /** Above 0, at most 1. */
  score: number;
  updated_at: number;
}

/** So many of those that were found have the same values in the columns that are counted. */
export interface Group {
  count: number;
  /** As the engine has them: a list may be JSON. */
  values: Row;
}

/** What a search came to. */
export interface Findings<Item> {
  /** The best ones, the best first. */
  best: { item: Item; score: number; updated_at: number }[];
  /** All of them, or the youngest `mostFound` when there are more; the group with the youngest first. */
  groups: readonly Group[];
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

/** Searches the records in a scope, off the event loop unless few may be what is asked for. */
export async function findIn<Item extends { id: string }>(
  store: Pick<Store, "read" | "aside">,
  finding: Finding<Item>,
): Promise<Findings<Item>> {
  const { resource, scope, search, limit, facets } = finding;
  const { fields } = resource;
  const session = store.aside(scope.caller);
  const table = searchedTable(fields);
  const within: SearchScope = { table, isIndexed: true, scope: await settled(store, table, scope) };
  const look = (query: SearchQuery, most: number) =>
    lookIn(store, session, query, within, facets, { most, best: limit });
  let query = queryOf(search);
  let found = await look(query, mostFound + 1);
  if (found.total === 0) {
    const corrected = await forgiven(store, fields, search, true, [scope], true);
    if (corrected) found = await look((query = queryOf(corrected)), mostFound + 1);
  }
  const isCapped = found.total > mostFound;
  const ranked = new Map(found.best.map((each) => [each.id, each]));
  for (const better of isCapped ? betterThan(query) : []) {
    const { best, total } = await look(better, mostBetter);
    for (const each of best) ranked.set(each.id, each);
    if (total >= limit) break;
  }
  const best = [...ranked.values()].toSorted(byScore).slice(0, limit);
  // So few are read by their ids sooner than their turn aside would come.
  const rows = await rowsOf(store.read, resource, within, best);
  return {
    best: best.flatMap(({ id, score, updated_at }) => {
      const item = rows.get(id);
      return item ? [{ item, score, updated_at }] : [];
    }),
    ...{ groups: found.groups, isCapped, query },
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

/** What one look at the index comes to. */
interface Looked {
  best: Ranked[];
  groups: Group[];
  /** How many there are, up to how many were looked for. */
  total: number;
}

/** The same as JSON: of a thousand records, tens of values come over from where they are read, and not thousands. */
interface LookedRow {
  best: string;
  groups: string;
  total: number;
}

const looked = hotByShape<LookedRow>();

/**
 * Finds the youngest records, and ranks and groups what it counts of them.
 * @param limits how many records to look for, and how many of the best
 */
async function lookIn(
  store: Pick<Store, "read" | "aside">,
  aside: Session,
  query: SearchQuery,
  within: SearchScope,
  facets: readonly string[],
  limits: { most: number; best: number },
): Promise<Looked> {
  const { table, scope } = within;
  const way = await approach(store, aside, wantedBy(query), within);
  if (way.isNone) return { best: [], groups: [], total: 0 };
  const args: Row = {
    ...scope.args,
    ...way.args,
    ...{ list_limit: limits.most, list_counted: mostFound, list_best: limits.best },
  };
  bindSearch(query, args);
  bindForms(query, args);
  const [row] = await looked.all(
    way.session,
    [table, scope.shape, searchShape(query), formsOf(query).map(Number).join(""), approachShape(way)].join(
      "|",
    ),
    (shape, p) => {
      const { gatheredRows } = shape.dialect;
      // A table is also a record of its columns: which are asked for is known from the facets alone.
      const records = shape.t[table] as unknown as Record<string, Column>;
      const { doc } = searchTable(shape.t, table);
      const { from, where, order } = recordsIn(shape, p, within, way);
      const named = facets.map((name) => sql`${sql.identifier(name)}`);
      const values = sql.join(facets.map((name) => sql`, ${records[name]} as ${sql.identifier(name)}`));
      const chosen = sql`select ${records["id"]} as id, ${doc} as doc, ${records["updated_at"]} as updated_at, ${scoreOf(shape, p, within, query)} as score${values} from ${from} where ${and(where, isMatch(shape, p, table, query))}${order} limit ${p.list_limit}`;
      const counted = sql`select * from chosen order by doc desc limit ${p.list_counted}`;
      const best = sql`select id, score, updated_at from counted order by score desc, updated_at desc, doc desc limit ${p.list_best}`;
      const groups = sql`select count(*) as size, ${sql.join(named, sql`, `)} from counted group by ${sql.join(named, sql`, `)} order by max(doc) desc`;
      const all = sql`with chosen as materialized (${chosen}), counted as materialized (${counted}) select (select ${gatheredRows([sql`id`, sql`score`, sql`updated_at`])} from (${best}) as best) as best, (select ${gatheredRows([sql`size`, ...named])} from (${groups}) as groups) as groups, (select count(*) from chosen) as total`;
      return shape.q
        .select({
          best: sql<string>`best`,
          groups: sql<string>`groups`,
          total: sql<number>`total`.mapWith(Number),
        })
        .from(sql`(${all}) as looked`) as unknown as Query<LookedRow>;
    },
    args,
  );
  return lookedOf(row!, facets, bestScore * Math.max(1, query.terms.length));
}

function lookedOf({ best, groups, total }: LookedRow, facets: readonly string[], highest: number): Looked {
  return {
    best: (JSON.parse(best) as [string, number, number][]).map(([id, score, updated_at]) => ({
      ...{ id, score: score / highest, updated_at },
    })),
    groups: (JSON.parse(groups) as [number, ...unknown[]][]).map(([count, ...values]) => ({
      count,
      values: Object.fromEntries(facets.map((name, i) => [name, values[i]])),
    })),
    total,
  };
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
  const ends = [title_end, more_end, undefined];
  let i = 0;
  const terms = query.terms.map(({ anyOf }) => {
    const texts = anyOf.flat().map(() => i++);
    const any = (form: string, end: Column | undefined) =>
      sql.join(texts.map((n) => within(`${form}${n}`, end)), sql` or `); // prettier-ignore
    const best = (forms: readonly (readonly [form: string, less: number])[]) => {
      const cases = ends.flatMap((end, e) =>
        forms.map(
          ([form, less]) => sql` when ${any(form, end)} then ${sql.raw(String(bestScore - 3 * e - less))}`,
        ),
      );
      return sql`case${sql.join(cases)} else 0 end`;
    };
    const [whole, begun, middle] = [["list_qw", 0] as const, ["list_qb", 1] as const, ["list_q", 2] as const];
    // Each look at a long text takes a while: where no word begins so, it is no whole word either.
    return sql`case when ${any("list_qb", undefined)} then ${best([whole, begun, middle])} else ${best([middle])} end`;
  });
  return terms.length === 0 ? sql`1` : sql.join(terms, sql` + `);
}

const items = hotByShape<Row>();

async function rowsOf<Item extends { id: string }>(
  session: Session,
  { fields, columns }: Resource<Item>,
  { table, scope }: SearchScope,
  best: readonly Ranked[],
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
