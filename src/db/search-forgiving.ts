import { and, or, sql, type SQL } from "drizzle-orm";
import type { Corrections } from "../list";
import { trigramsOf } from "../search/document";
import type { SearchQuery } from "../search/query";
import { gap } from "../search/words";
import { hotByShape, type Query, type Row, type Shape } from "./hot";
import type { ListParams } from "./list-filters";
import {
  approach,
  approachShape,
  bindSearch,
  isMatch,
  recordsIn,
  searchShape,
  type SearchScope,
} from "./search";
import { searchTable, wantedBy } from "./search-engine";
import type { Session, Store } from "./store";

/** In so many texts words are compared. */
const mostTexts = 100;
/** The commonest ones. */
const mostCorrections = 8;
/** Of a scope of few records all are looked at. */
const mostFew = 1_000;

const texts = hotByShape<{ text: string }>();

/** For each word of a query that may be wrong, the words of records that differ from it by a letter; `undefined` for none. */
export async function correctionsFor(
  store: Pick<Store, "read" | "aside">,
  session: Session,
  query: SearchQuery,
  scopes: readonly SearchScope[],
): Promise<Corrections | undefined> {
  const corrections: Record<string, string[]> = {};
  for (const { forgivable: word } of query.terms) {
    if (word === undefined || word in corrections) continue;
    const counts = new Map<string, number>();
    for (const within of scopes) {
      for (const text of await textsLike(store, session, query, word, within)) {
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

/** Texts that may have a word like this one, and have what else is asked for that has to be right. */
async function textsLike(
  store: Pick<Store, "read" | "aside">,
  aside: Session,
  { terms, nots }: SearchQuery,
  word: string,
  within: SearchScope,
): Promise<string[]> {
  const { table, scope, isIndexed } = within;
  const isFew = scope.isFew || !isIndexed;
  const right: SearchQuery = { terms: terms.filter(({ forgivable }) => forgivable === undefined), nots };
  const sides = sidesOfWrong(word);
  const ways = sides.map((parts) => [...new Set(parts.flatMap((part) => [...trigramsOf(part)]))]);
  const wanted = [ways, ...wantedBy(right)];
  const way = await approach(store, aside, wanted, within);
  if (way.isNone) return [];
  const args: Row = { ...scope.args, ...way.args, list_limit: isFew ? mostFew : mostTexts };
  bindSearch(right, args);
  sides.forEach(([before, after], i) => {
    args[`list_qb${i}`] = before;
    args[`list_qa${i}`] = after;
  });
  const found = await texts.all(
    way.session,
    [table, isIndexed, scope.shape, searchShape(right), sides.length, approachShape(way)].join("|"),
    (shape, p) => {
      const { from, where, order } = recordsIn(shape, p, within, way);
      const { text } = searchTable(shape.t, table);
      const isRight = right.terms.length + nots.length > 0 ? isMatch(shape, p, table, right) : undefined;
      const isLike = hasSides(shape, p, within, sides.length);
      const chosen = sql`select ${text} as text from ${from} where ${and(where, isRight, isLike)}${order} limit ${p.list_limit}`;
      return shape.q
        .select({ text: sql<string>`text` })
        .from(sql`(${chosen}) as chosen`) as unknown as Query<{
        text: string;
      }>;
    },
    args,
  );
  return found.map(({ text }) => text);
}

/** A very long word is cut at so many places, with more than one letter between the sides. */
const mostSides = 30;

/** Wherever the wrong letter is, the parts of the word on both sides of it are right. */
function sidesOfWrong(word: string): [before: string, after: string][] {
  const signs = [...gap, ...word, ...gap];
  const step = Math.ceil(signs.length / mostSides);
  const sides: [string, string][] = [];
  for (let wrong = gap.length; wrong < signs.length - gap.length - 1; wrong += step) {
    sides.push([signs.slice(0, wrong).join(""), signs.slice(wrong + 1 + step).join("")]);
  }
  return sides;
}

/** That a text has both sides of one wrong letter. */
function hasSides(shape: Shape, p: ListParams, { table }: SearchScope, count: number): SQL | undefined {
  const { text } = searchTable(shape.t, table);
  const contains = (name: string) => shape.dialect.contains(text, p[name]!);
  return or(
    ...Array.from({ length: count }, (_, i) => and(contains(`list_qb${i}`), contains(`list_qa${i}`))),
  );
}

/** Whether one word becomes the other by one letter more, less, other, or by two that change places. */
export function differByOne(one: string, other: string): boolean {
  // A letter has one unit or two.
  if (one === other || Math.abs(one.length - other.length) > 3) return false;
  const [a, b] = [[...one], [...other]];
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  const most = Math.min(a.length, b.length) - start;
  while (end < most && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (x.length <= 1 && y.length <= 1) return true;
  return x.length === 2 && y.length === 2 && x[0] === y[1] && x[1] === y[0];
}
