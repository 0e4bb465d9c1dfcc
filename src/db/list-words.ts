import type { Fields, Filter } from "../list";
import type { SearchQuery } from "../search/query";
import { gap, letters, wordsOf } from "../search/words";
import { hasIndex } from "./list-cost";
import { sieveOf } from "./list-filters";
import { siftedBy, type SettledScope } from "./list-scope";
import { searched } from "./search";
import { searchedTable, wantedBy } from "./search-engine";
import { expressionOf } from "./search-parts";
import type { Session, Store } from "./store";

/** What takes as long as comparing so many texts takes less time than looking through an index of all records. */
const mostTexts = 2_000;

/**
 * The records in a scope that all filters let through, by way of the index that searches read; nothing where that does not lead to
 * few, or none of the filters asks for a part of a text. Whatever it leads to, the filters decide.
 */
export async function withWords(
  store: Pick<Store, "read" | "aside">,
  session: Session,
  fields: Fields,
  filters: readonly Filter[],
  scope: SettledScope,
): Promise<SettledScope | undefined> {
  const query = wordsIn(fields, filters);
  if (query.terms.length === 0) return undefined;
  const table = searchedTable(fields);
  const { texts } = await expressionOf(store, session, table, wantedBy(query));
  if (texts > mostTexts) return undefined;
  const sifted = siftedBy(sieveOf(fields, filters, scope), scope);
  const found = await searched(store, session, query, { table, isIndexed: true, scope: sifted });
  return found.isFew ? found : undefined;
}

/** What stands in the searched text of each record that the filters let through. */
function wordsIn(fields: Fields, filters: readonly Filter[]): SearchQuery {
  const parts = filters.flatMap((filter) =>
    isSearched(fields, filter) ? phraseOf(String(filter.values[0])) : [],
  );
  return { terms: [...new Set(parts)].map((part) => ({ anyOf: [[part]] })), nots: [] };
}

/** Whether what is searched of a record has what a filter asks for, and nothing quicker leads there. */
function isSearched({ byName, resource, search }: Fields, { field: name, op }: Filter): boolean {
  const field = byName.get(name);
  if (search === "none" || field?.type !== "text" || !field.searched || field.via) return false;
  if (op === "contains") return true;
  return (op === "eq" || op === "starts_with") && !hasIndex(resource, field.column);
}

/**
 * What stands in a searched text wherever a part of a text does: the same words next to each other, the first and the last of them
 * maybe parts of longer ones. A mark that it begins with belongs to a sign before it, with which it may be a word by itself.
 */
export function phraseOf(part: string): string[] {
  const words = wordsOf(part);
  if (/^\p{M}/u.test(words[0] ?? "")) words.shift();
  const phrase = words.join(gap);
  // Fewer lead nowhere: the index has three letters in a row.
  return letters(phrase) < 3 ? [] : [phrase];
}
