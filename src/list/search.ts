import { longestQuery, readQuery, type SearchQuery } from "../search/query";
import { gap } from "../search/words";
import { BadParameter } from "./query";
import type { Filter, ListRequest } from "./request";

/** Words that stand for one that nobody has: word → those that differ from it by a letter. */
export type Corrections = Readonly<Record<string, readonly string[]>>;

/** The condition that `q` makes. @throws BadParameter when it is empty */
export function readSearch(text: string): Filter {
  if (text === "") throw new BadParameter("empty_value", "must not be empty");
  return { field: "q", op: "search", values: [text.slice(0, longestQuery).toWellFormed()] };
}

const known = new WeakMap<Filter, SearchQuery>();

/** What a `search` condition asks for. */
export const queryOf = (filter: Filter): SearchQuery => known.getOrInsertComputed(filter, () => read(filter));

function read({ values: [text, corrections] }: Filter): SearchQuery {
  const query = readQuery(text as string);
  return corrections === undefined
    ? query
    : corrected(query, JSON.parse(corrections as string) as Corrections);
}

/** The same condition, content with other words too. */
export const withCorrections = (filter: Filter, corrections: Corrections): Filter => ({
  ...filter,
  values: [filter.values[0]!, JSON.stringify(corrections)],
});

function corrected(query: SearchQuery, corrections: Corrections): SearchQuery {
  const terms = query.terms.map((term) => {
    const words = (term.forgivable !== undefined && corrections[term.forgivable]) || [];
    return { ...term, anyOf: [...term.anyOf, ...words.map((word) => [gap + word + gap])] };
  });
  return { ...query, terms };
}

const mark = "~";

/** The fingerprint of the same list, where a wrong letter is forgiven: so its walk goes on like that. */
export const forgiving = (fingerprint: string) => fingerprint + mark;

/** Whether a wrong letter was forgiven on the page before. */
export const isForgiving = ({ fingerprint }: ListRequest) => fingerprint.endsWith(mark);
