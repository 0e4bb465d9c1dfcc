import { sql } from "drizzle-orm";
import type { Corrections } from "../list";
import { trigramsOf } from "../search/document";
import type { SearchQuery } from "../search/query";
import { gap } from "../search/words";
import { hotByShape, type Query } from "./hot";
import { recordsIn, type SearchScope } from "./search";
import { searchEngineOf, searchTable } from "./search-engine";
import type { Session } from "./store";

/** In so many texts words are compared: those that the index led to have most of the letters of the word. */
const mostTexts = 100;
/** The commonest ones. */
const mostCorrections = 8;

const texts = hotByShape<{ text: string }>();

/** For each word of a query that may be wrong, the words of records that differ from it by a letter; `undefined` for none. */
export async function correctionsFor(
  session: Session,
  { terms }: SearchQuery,
  scopes: readonly SearchScope[],
): Promise<Corrections | undefined> {
  const corrections: Record<string, string[]> = {};
  for (const { forgivable: word } of terms) {
    if (word === undefined || word in corrections) continue;
    const counts = new Map<string, number>();
    for (const within of scopes) {
      for (const text of await textsLike(session, word, within)) {
        for (const other of new Set(text.split(/\s+/))) {
          if (differByOne(word, other)) counts.set(other, (counts.get(other) ?? 0) + 1);
        }
      }
    }
    const commonest = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    if (counts.size > 0) corrections[word] = commonest.slice(0, mostCorrections).map(([other]) => other);
  }
  return Object.keys(corrections).length > 0 ? corrections : undefined;
}

/** Texts that have a word like this one, and others. */
async function textsLike(session: Session, word: string, within: SearchScope): Promise<string[]> {
  const { table, scope, isIndexed } = within;
  const isFew = scope.isFew || !isIndexed;
  const found = await texts.all(
    session,
    [table, isIndexed, scope.shape].join("|"),
    (shape, p) => {
      const { from, where, order } = recordsIn(shape, p, within, true);
      const { text } = searchTable(shape.t, table);
      const chosen = sql`select ${text} as text from ${from} where ${where}${order} limit ${p.list_limit}`;
      return shape.q
        .select({ text: sql<string>`text` })
        .from(sql`(${chosen}) as chosen`) as unknown as Query<{
        text: string;
      }>;
    },
    {
      ...scope.args,
      list_limit: isFew ? mostFew : mostTexts,
      list_q_match: searchEngineOf(session).expression([waysWithOneWrong(word)]),
    },
  );
  return found.map(({ text }) => text);
}

/** As many as a scope of few records has. */
const mostFew = 1_000;

/** Wherever the wrong letter is, the parts of the word on both sides of it are right. */
function waysWithOneWrong(word: string): string[][] {
  const signs = [...gap, ...word, ...gap];
  const ways: string[][] = [];
  for (let wrong = gap.length; wrong < signs.length - gap.length - 1; wrong++) {
    const before = trigramsOf(signs.slice(0, wrong).join(""));
    const after = trigramsOf(signs.slice(wrong + 2).join(""));
    ways.push([...new Set([...before, ...after])]);
  }
  return ways;
}

/** Whether one word becomes the other by one letter more, less, other, or by two that change places. */
export function differByOne(one: string, other: string): boolean {
  const [a, b] = [[...one], [...other]];
  if (one === other || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  const most = Math.min(a.length, b.length) - start;
  while (end < most && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (x.length <= 1 && y.length <= 1) return true;
  return x.length === 2 && y.length === 2 && x[0] === y[1] && x[1] === y[0];
}
