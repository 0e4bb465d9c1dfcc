import { encodeCursor, queryOf, type ListRequest, type ListResult, type Position } from "../list";
import type { SearchQuery } from "../search/query";
import type { Row } from "./hot";
import { isInOrder, mayTakeLong } from "./list-cost";
import { sieveOf } from "./list-filters";
import { merge } from "./list-merge";
import { narrowed } from "./list-narrow";
import { keyName } from "./list-order";
import { narrowedAgain } from "./list-remembered";
import { Part, type Resource } from "./list-part";
import { settled, siftedBy, type ListScope, type SettledScope } from "./list-scope";
import { hasPosition, stretchesOf, type Stretch } from "./list-stretches";
import { searchedPage, searchIn } from "./list-search";
import { searched } from "./search";
import { searchedTable } from "./search-engine";
import { withWords } from "./list-words";
import type { Session, Store } from "./store";

export { pageOf } from "../list";
export { versionsOf, type Resource } from "./list-part";
export type { ListScope } from "./list-scope";

const countedAtMost = 1_000;
/** So few that a search found are read by their ids sooner than their turn aside would come. */
const fewFound = 200;

/**
 * One page of a list, and as much of a count as the request asks for.
 * @param scopes what the list holds: records that are in one of them, and none in two
 */
export async function listPage<Item extends object>(
  store: Pick<Store, "read" | "aside">,
  resource: Resource<Item>,
  request: ListRequest,
  scopes: readonly ListScope[],
): Promise<ListResult<Item>> {
  if (!searchIn(request.filters).search) return pageIn(store, resource, request, scopes);
  return searchedPage(store, resource.fields, request, scopes, (asked) =>
    pageIn(store, resource, asked, scopes),
  );
}

async function pageIn<Item extends object>(
  store: Pick<Store, "read" | "aside">,
  resource: Resource<Item>,
  request: ListRequest,
  scopes: readonly ListScope[],
): Promise<ListResult<Item>> {
  const lists = await each(scopes, (scope) => openList(store, resource as Resource<object>, request, scope));
  const [list] = lists as [List];
  const wanted = request.limit + 1;
  const rows = lists.length === 1 ? await list.rows(wanted) : await mergedRows(lists, resource, request);
  const hasMore = rows.length > request.limit;
  if (hasMore) rows.pop();
  const nextCursor = hasMore ? list.cursorAfter(rows.at(-1)!) : null;
  const atEnd = hasMore || lists.length > 1 ? null : rows.length;
  const total = totalOf(await each(lists, (one) => one.count(atEnd)), request);
  return { rows: list.withoutKeys(rows) as Item[], nextCursor, ...total };
}

/** Nearly every list has one scope, and waits for nobody else's. */
const each = async <Given, Result>(
  given: readonly Given[],
  work: (given: Given) => Promise<Result>,
): Promise<Result[]> => (given.length === 1 ? [await work(given[0]!)] : Promise.all(given.map(work)));

/**
 * A list of the records in one scope, which is looked at once: how many it has, and how they are found.
 * @param mostSearched so many that a search finds are gathered, where it is not what suits a page
 */
export async function openList(
  store: Pick<Store, "read" | "aside">,
  resource: Resource<object>,
  request: ListRequest,
  scope: ListScope,
  mostSearched?: number,
): Promise<List> {
  const { search, filters } = searchIn(request.filters);
  if (search) {
    const others = { ...request, filters };
    return openSearch(store, resource, others, scope, queryOf(search), mostSearched);
  }
  const from = await settled(store, resource.fields.resource, scope);
  if (from.isFew) return new List(store.read, resource, request, from);
  if (!from.own && !from.isSparse && !mayTakeLong(resource.fields, request, from.within)) {
    return new List(store.read, resource, request, from);
  }
  const session = store.aside(scope.caller);
  // The indexes of the filters have the live records alone.
  const isIndexed = request.deleted === "none" && !isInOrder(resource.fields, request);
  if (!isIndexed) return new List(session, resource, request, from);
  const { fields } = resource;
  const found = await withWords(store, session, fields, request.filters, from);
  if (found) return new List(isSoonRead(found) ? store.read : session, resource, request, found);
  const within = await narrowedAgain(store, session, fields, request.filters, from);
  return new List(session, resource, request, within);
}

/** Few enough to be read by their ids. */
const isSoonRead = ({ isFew, matching }: SettledScope) =>
  isFew && matching !== undefined && matching <= fewFound;

/** A list of what a query finds: that comes first, and then the filters. */
async function openSearch(
  store: Pick<Store, "read" | "aside">,
  resource: Resource<object>,
  request: ListRequest,
  scope: ListScope,
  query: SearchQuery,
  mostSearched?: number,
): Promise<List> {
  const { fields } = resource;
  const session = store.aside(scope.caller);
  const isIndexed = request.deleted === "none";
  const from = await settled(store, fields.resource, scope);
  const within = { table: searchedTable(fields), scope: from, isIndexed };
  const sieve = request.filters.length > 0 && isIndexed ? sieveOf(fields, request.filters, from) : undefined;
  const most = mostSearched ?? (sieve && countedAtMost);
  const found = await searched(store, session, query, within, most, sieve);
  if (isSoonRead(found)) return new List(store.read, resource, request, whenFiltered(found, request));
  const all = whenFiltered(found, request);
  if (!sieve || found.isFew) return new List(session, resource, request, all);
  if (passesOften(found)) {
    const sifted = { ...within, scope: siftedBy(sieve, from) };
    const through = await searched(store, session, query, sifted, countedAtMost);
    const { matching } = through;
    return new List(session, resource, request, through.isFew ? through : { ...all, matching });
  }
  const among = await narrowed(session, fields, request.filters, all, countedAtMost);
  return new List(session, resource, request, among);
}

/** Whether filters let so many through of what a search finds that it leads to them sooner than an index of theirs. */
const passesOften = ({ passing = 0, matching = 0 }: { passing?: number; matching?: number }) =>
  passing * 10 >= matching && passing > 0;

/** How many a search finds is not how many of them the filters let through. */
const whenFiltered = (found: SettledScope, { filters }: ListRequest): SettledScope =>
  filters.length === 0 || found.matching === 0 ? found : { ...found, matching: undefined };

/** Each list gives what the page might need of it: no index has the records of several in one order. */
async function mergedRows(
  lists: List[],
  { fields }: Pick<Resource<never>, "fields">,
  request: ListRequest,
): Promise<Row[]> {
  const offset = offsetOf(request);
  const wanted = offset + request.limit + 1;
  const parts = await Promise.all(lists.map((list) => list.rows(wanted, 0)));
  return merge(parts, fields, request.sort).slice(offset, wanted);
}

const offsetOf = ({ page, limit }: ListRequest) => ((page ?? 1) - 1) * limit;

function totalOf(totals: (number | null)[], { count }: ListRequest) {
  const total = totals.reduce<number | null>(
    (sum, each) => (sum === null || each === null ? null : sum + each),
    0,
  );
  const isCapped = count === "capped" && total !== null && total > countedAtMost;
  return { total: isCapped ? countedAtMost : total, totalCapped: isCapped };
}

/** One request for a list of the records in one scope. */
export class List {
  constructor(
    private readonly session: Session,
    private readonly resource: Resource<object>,
    private readonly request: ListRequest,
    private readonly scope: SettledScope,
  ) {}

  /** The same list from another place on. */
  after(position: Position): List {
    const request = { ...this.request, page: null, after: position };
    return new List(this.session, this.resource, request, this.scope);
  }

  /** At most `wanted` rows from where the request starts, or from `offset`. */
  async rows(wanted: number, offset = offsetOf(this.request)): Promise<Row[]> {
    if (this.scope.isFew && this.scope.matching === 0) return [];
    const { after, sort } = this.request;
    const stretches = this.#stretches();
    const start = after ? stretches.findIndex((stretch) => hasPosition(stretch, sort, after)) : 0;
    const found: Row[] = [];
    let skipped = offset;
    for (const stretch of start < 0 ? [] : stretches.slice(start)) {
      const part = await this.#part(stretch);
      const rows = await part.rows(
        wanted - found.length,
        skipped,
        stretch === stretches[start] ? after : null,
      );
      found.push(...rows);
      if (found.length === wanted) break;
      if (skipped > 0) skipped = rows.length > 0 ? 0 : skipped - (await part.count(skipped));
    }
    return found;
  }

  /**
   * How many records there are: beyond what is counted at most, one more than that; null when nobody asked.
   * @param atEnd how many rows the page has, when it is the last one; then they need not be counted
   */
  async count(atEnd: number | null): Promise<number | null> {
    const { count, page } = this.request;
    if (count === "none") return null;
    const isKnown = atEnd !== null && (page === 1 || (page !== null && atEnd > 0));
    if (isKnown) return offsetOf(this.request) + atEnd;
    const { matching, isFew } = this.scope;
    if (matching !== undefined && (isFew || count === "capped")) return matching;
    const whole = new Part(this.session, this.resource, this.request, this.scope, this.#whole);
    return whole.count(count === "capped" ? countedAtMost + 1 : null);
  }

  cursorAfter(row: Row): string {
    return encodeCursor(this.request, this.positionOf(row));
  }

  /** Where a row stands in the list. */
  positionOf(row: Row): Position {
    const values = this.request.sort.map(({ field }, i) => {
      const alias = keyName(i);
      return row[alias in row ? alias : this.resource.fields.byName.get(field)!.column];
    });
    return { values: values as Position["values"], id: row.id as string };
  }

  /** Takes off the values that were read for the cursor alone. */
  withoutKeys(rows: Row[]): Row[] {
    this.request.sort.forEach((_, i) => {
      const alias = keyName(i);
      if (rows.length > 0 && alias in rows[0]!) for (const row of rows) delete row[alias];
    });
    return rows;
  }

  get #whole(): Stretch {
    return { filters: this.request.filters, settledKeys: 0, segment: "whole" };
  }

  /** Few records are sorted, so they need no index and are read in one. */
  #stretches(): Stretch[] {
    const { sort, filters } = this.request;
    return this.scope.isFew ? [this.#whole] : stretchesOf(this.resource.fields, sort, filters);
  }

  async #part(stretch: Stretch): Promise<Part> {
    return new Part(this.session, this.resource, this.request, await this.#scopeOf(stretch), stretch);
  }

  /** A stretch with filters of its own may have few records, where the list has many. */
  async #scopeOf({ filters, settledKeys }: Stretch): Promise<SettledScope> {
    const { deleted, sort, filters: given } = this.request;
    if (filters === given || deleted !== "none") return this.scope;
    const scope = { ...this.scope, matching: undefined, lead: undefined };
    const { fields } = this.resource;
    if (isInOrder(fields, { filters, sort: sort.slice(settledKeys) })) return scope;
    return narrowed(this.session, fields, filters, scope);
  }
}
