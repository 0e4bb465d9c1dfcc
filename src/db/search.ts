import { and, not, or, sql, type SQL } from "drizzle-orm";
import { isEmpty, type SearchQuery } from "../search/query";
import type { Query, Row, Shape } from "./hot";
import { hotByShape } from "./hot";
import type { ListParams } from "./list-filters";
import type { Numbered, SettledScope, Sieve } from "./list-scope";
import {
  searchEngineOf,
  searchTable,
  wantedBy,
  type Candidates,
  type SearchedTable,
  type SearchLead,
  type Wanted,
} from "./search-engine";
import { knownToAgree, numbersAgree } from "./search-numbers";
import { expressionOf } from "./search-parts";
import type { Session, Store } from "./store";

/** Everything about a query that stands in the SQL. */
export const searchShape = ({ terms, nots }: SearchQuery) =>
  `${terms.map(({ anyOf }) => anyOf.map((way) => way.length).join("|")).join()}-${nots.length}`;

/** The texts of a query in the order of their arguments. */
export const textsOf = ({ terms }: SearchQuery) => terms.flatMap(({ anyOf }) => anyOf.flat());

/** Adds the texts of a query to the arguments of a statement. */
export function bindSearch(query: SearchQuery, args: Row): void {
  textsOf(query).forEach((text, i) => (args[`list_q${i}`] = text));
  query.nots.forEach((text, i) => (args[`list_qn${i}`] = text));
}

/** That the text of a record is what the query asks for. Exact, whatever an index found. */
export function isMatch(shape: Shape, p: ListParams, table: SearchedTable, query: SearchQuery): SQL {
  if (isEmpty(query)) return sql`1 = 0`;
  const { text } = searchTable(shape.t, table);
  const contains = (name: string) => shape.dialect.contains(text, p[name]!);
  let i = 0;
  const terms = query.terms.map(({ anyOf }) =>
    or(...anyOf.map((way) => and(...way.map(() => contains(`list_q${i++}`))))),
  );
  return and(...terms, ...query.nots.map((_, n) => not(contains(`list_qn${n}`))))!;
}

/** The same as a condition on a record, for a query that the records are read for in another order. */
export function searchCondition(shape: Shape, p: ListParams, table: SearchedTable, query: SearchQuery): SQL {
  const search = searchTable(shape.t, table);
  return sql`exists (select 1 from ${search} where ${search.id} = ${shape.t[table].id} and ${isMatch(shape, p, table, query)})`;
}

/** The records in a scope, and whether the index has them: it leaves out those that are deleted. */
export interface SearchScope {
  table: SearchedTable;
  scope: SettledScope;
  isIndexed: boolean;
}

/** Parts of a statement over the records in a scope, with what is searched of each. */
export function recordsIn(
  shape: Shape,
  p: ListParams,
  { table, scope, isIndexed }: SearchScope,
  { lead, agree }: Pick<Approach, "lead" | "agree">,
): Candidates {
  const { t } = shape;
  const search = searchTable(t, table);
  // Few records are read one by one; else something leads to them.
  const { from, where, order } =
    scope.isFew || !isIndexed
      ? { from: sql`${t[table]}, ${search}`, where: sql`${t[table].id} = ${search.id}`, order: sql`` }
      : searchEngineOf(shape).candidates(shape, p, table, lead, agree);
  return { from, order, where: and(where, scope.where(shape, p))! };
}

/** What leads to the records of a scope that may be what is asked for, and where they are read. */
export interface Approach {
  lead: SearchLead;
  session: Session;
  /** Records have the numbers of what is searched of them: see `search-numbers.ts`. */
  agree: boolean;
  args: Row;
  /** It is known that there are none. */
  isNone: boolean;
}

/** What of it stands in the SQL. */
export const approachShape = ({ lead, agree }: Approach) => `${lead} ${agree}`;

/** What takes as long as comparing so many texts, on SQLite, takes less time than a turn aside. */
const quickTexts = 250;
/** What is believed of the index may be wrong: beyond so many, records are read aside all the same. */
const mostNear = 100;

const numbers = hotByShape<{ docs: string; total: number }>();

/**
 * Finds out what leads to the records that have what is wanted. Where that takes next to nothing, their numbers are looked up at
 * once, and they are read on the event loop: most of what people look for is one record among many.
 */
export async function approach(
  store: Pick<Store, "read" | "aside">,
  aside: Session,
  wanted: Wanted,
  { table, scope, isIndexed }: SearchScope,
): Promise<Approach> {
  const far = { session: aside, isNone: false, agree: false };
  if (wanted.length === 0 || scope.isFew || !isIndexed)
    return { ...far, lead: "nothing", args: { list_q_match: "" } };
  const { match, texts } = await expressionOf(store, aside, table, wanted);
  const { numbersInOrder } = searchEngineOf(aside);
  const args = { list_q_match: match };
  if (!numbersInOrder) return { ...far, lead: "index", args };
  const agree = knownToAgree(store, table);
  if (texts > quickTexts) return { ...far, lead: "index", agree, args };
  const [found] = await numbers.all(
    store.read,
    table,
    ({ q, dialect }, p) =>
      q
        .select({
          docs: sql<string>`${dialect.gathered(sql`doc`)}`,
          total: sql<number>`count(*)`.mapWith(Number),
        })
        .from(
          sql`(select doc from (${numbersInOrder(p, table)}) limit ${p.list_limit}) as numbers`,
        ) as unknown as Query<{ docs: string; total: number }>,
    { ...args, list_limit: mostNear + 1 },
  );
  const { docs, total } = found!;
  if (total > mostNear) return { ...far, lead: "index", agree, args };
  const near = { session: store.read, agree, isNone: total === 0 };
  return { ...near, lead: "numbers", args: { ...args, list_q_docs: docs } };
}

/** Records as a JSON array of their ids, how many they are, and how many of them a sieve lets through. */
interface Gathered {
  ids: string;
  total: number;
  passing: number;
}

/** What led the index to them, and to all others. */
type Led = Gathered & { match: string };

const gathered = hotByShape<Gathered>();

/** The first records that a query finds in a scope, the youngest first. */
async function gather(
  store: Pick<Store, "read" | "aside">,
  aside: Session,
  query: SearchQuery,
  within: SearchScope,
  limit: number,
  sieve?: Sieve,
): Promise<Led> {
  const { table, scope, isIndexed } = within;
  const way = await approach(store, aside, wantedBy(query), within);
  const match = way.args["list_q_match"] as string;
  if (way.isNone) return { ids: "[]", total: 0, passing: 0, match };
  const args: Row = { ...scope.args, ...sieve?.args, ...way.args, list_limit: limit };
  bindSearch(query, args);
  const [found] = await gathered.all(
    way.session,
    [table, isIndexed, scope.shape, searchShape(query), sieve?.shape, approachShape(way)].join("|"),
    (shape, p) => {
      const { from, where, order } = recordsIn(shape, p, within, way);
      const matches = and(where, isMatch(shape, p, table, query));
      const passes = sql`case when ${sieve?.where(shape, p) ?? sql`1 = 1`} then 1 else 0 end`;
      const ids = sql`select ${shape.t[table].id} as id, ${passes} as passes from ${from} where ${matches}${order} limit ${p.list_limit}`;
      return shape.q
        .select({
          ids: sql<string>`${shape.dialect.gathered(sql`id`)}`,
          total: sql<number>`count(*)`.mapWith(Number),
          passing: sql<number>`coalesce(sum(passes), 0)`.mapWith(Number),
        })
        .from(sql`(${ids}) as matching`) as unknown as Query<Gathered>;
    },
    args,
  );
  return { ...found!, match };
}

/** The numbers that a search leads to, where the engine has them apart from the records. */
function numbered(
  store: Pick<Store, "read" | "aside">,
  session: Session,
  table: SearchedTable,
): Numbered | undefined {
  const { numbers } = searchEngineOf(session);
  return (
    numbers && {
      where: ({ t }, p) => sql`+${t[table]}.rowid in (${numbers(p, table)})`,
      agree: () => numbersAgree(store, session, table),
    }
  );
}

/** Whether a query finds anything in a scope. */
export const hasAny = async (
  store: Pick<Store, "read" | "aside">,
  session: Session,
  query: SearchQuery,
  within: SearchScope,
): Promise<boolean> => (await gather(store, session, query, within, 1)).total > 0;

/** So many records are found one by one and sorted in a few milliseconds. */
const mostGathered = 2_500;

/**
 * The records of a scope that a query finds, as a scope. When they are few, they are gathered; else each record is asked,
 * in the order of the list, which soon meets enough of them, or by their numbers.
 * @param most so many are few
 * @param sieve what is to be known of them: `passing` tells how many of those that were counted it lets through
 */
export async function searched(
  store: Pick<Store, "read" | "aside">,
  session: Session,
  query: SearchQuery,
  within: SearchScope,
  most = mostGathered,
  sieve?: Sieve,
): Promise<SettledScope & { passing?: number }> {
  const { table, scope, isIndexed } = within;
  const args: Row = { ...scope.args };
  bindSearch(query, args);
  const asked: SettledScope = {
    ...scope,
    args,
    shape: `${scope.shape} q ${searchShape(query)}`,
    where: (shape, p) => and(scope.where(shape, p), searchCondition(shape, p, table, query)),
  };
  // What only must not be there leaves most records: they are met soon.
  if (scope.isFew || !isIndexed || query.terms.length === 0) return asked;
  const { ids, total, passing, match } = await gather(store, session, query, within, most + 1, sieve);
  if (total > most) {
    const args: Row = { ...asked.args, list_q_match: match };
    return { ...asked, args, matching: total, passing, numbered: numbered(store, session, table) };
  }
  return {
    ...scope,
    ...{ isFew: true, matching: total },
    shape: `${scope.shape} found`,
    args: { ...scope.args, list_found: ids },
    // Whose they are was asked when they were gathered, and is asked again: it may have changed since.
    where: (shape, p) => {
      const isInScope = scope.where(shape, p);
      return and(
        shape.dialect.isAmong(shape.t[table].id, p.list_found!),
        isInScope && shape.dialect.unindexed(isInScope),
      );
    },
  };
}
