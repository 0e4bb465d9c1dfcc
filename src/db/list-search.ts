import {
  forgiving,
  isForgiving,
  queryOf,
  withCorrections,
  type Fields,
  type Filter,
  type ListRequest,
} from "../list";
import type { ListScope } from "./list-scope";
import { settled } from "./list-scope";
import { hasAny } from "./search";
import { searchedTable } from "./search-engine";
import { correctionsFor } from "./search-forgiving";
import type { Store } from "./store";

/** The search among the conditions of a list, and the others. */
export function searchIn(filters: readonly Filter[]): { search?: Filter; filters: readonly Filter[] } {
  const search = filters.find(({ op }) => op === "search");
  return search ? { search, filters: filters.filter((filter) => filter !== search) } : { filters };
}

/**
 * A page of what a search finds. When that is nothing at all, whatever the filters, a wrong letter is forgiven; and then it
 * is on the pages after it too.
 * @param page gives the page of a request
 */
export async function searchedPage<Page extends { rows: unknown[] }>(
  store: Pick<Store, "read" | "aside">,
  fields: Fields,
  request: ListRequest,
  scopes: readonly ListScope[],
  page: (request: ListRequest) => Promise<Page>,
): Promise<Page> {
  const goesOn = isForgiving(request);
  const found = goesOn ? undefined : await page(request);
  if (found && found.rows.length > 0) return found;
  const { search, filters } = searchIn(request.filters);
  const isWhole = filters.length === 0 && request.after === null && (request.page ?? 1) === 1;
  const findsNothing = goesOn || isWhole;
  const corrected = await forgiven(store, fields, search!, request.deleted === "none", scopes, findsNothing);
  if (!corrected) return found ?? page(request);
  return page({
    ...request,
    filters: [corrected, ...filters],
    fingerprint: goesOn ? request.fingerprint : forgiving(request.fingerprint),
  });
}

/**
 * The same condition, content with words that differ by a letter; `undefined` when it finds something as it is, or no such
 * words are there.
 * @param findsNothing it is known to find nothing as it is
 */
export async function forgiven(
  store: Pick<Store, "read" | "aside">,
  fields: Fields,
  search: Filter,
  isIndexed: boolean,
  scopes: readonly ListScope[],
  findsNothing = false,
): Promise<Filter | undefined> {
  const query = queryOf(search);
  if (!query.terms.some(({ forgivable }) => forgivable !== undefined)) return undefined;
  const table = searchedTable(fields);
  const all = await Promise.all(
    scopes.map(async (scope) => ({ table, isIndexed, scope: await settled(store, table, scope) })),
  );
  const session = store.aside(scopes[0]!.caller);
  for (const within of findsNothing ? [] : all)
    if (await hasAny(store, session, query, within)) return undefined;
  const corrections = await correctionsFor(store, session, query, all);
  return corrections && withCorrections(search, corrections);
}
