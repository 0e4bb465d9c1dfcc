/** What words are, what somebody means by what they type, and where that stands in a text. */
import { expect, test } from "bun:test";
import { differByOne } from "../../../src/db/search-forgiving";
import { readQuery } from "../../../src/search/query";
import { snippetOf } from "../../../src/search/snippet";
import { wordsOf } from "../../../src/search/words";

test.each([
  ["Bjørn HANSEN", ["bjorn", "hansen"]],
  ["Đặng Thị", ["dang", "thi"]],
  ["Straße, ﬁne", ["strasse", "fine"]],
  ["O'Brien’s d’Artagnan", ["obriens", "dartagnan"]],
  ["a.b-c@d_e", ["a", "b", "c", "d", "e"]],
  ["東京x", ["東", "京", "x"]],
  ["हिन्दी", ["हिन्दी"]],
  ["!?😀", []],
])("the words of %s", (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

test.each<[string, string[][][], string[]]>([
  ["hansen b", [[["hansen"]], [["  b"]]], []],
  ['"acme corp', [[["  acme  corp  "]]], []],
  ['-a -"b c" -', [], ["  a  ", "  b  c  "]],
  ["“acme”", [[["  acme  "]]], []],
  ["a@b", [[["a  b"]]], []],
  ["22 44", [[["  22", "  44"], ["2244"]]], []],
  ["hansen hansen", [[["hansen"]]], []],
])("%s means", (text, terms, nots) => {
  const query = readQuery(text);
  expect(query.terms.map(({ anyOf }) => anyOf)).toEqual(terms);
  expect(query.nots).toEqual(nots);
});

test("a query has as many texts as a search has time for", () => {
  const query = readQuery(Array.from({ length: 200 }, (_, i) => `${i} w${i}`).join(" "));
  expect(query.terms.flatMap(({ anyOf }) => anyOf.flat()).length).toBeLessThanOrEqual(16);
  expect(query.terms.length).toBeGreaterThan(4);
});

test.each([
  ["hansen", "hansen", false],
  ["hansem", "hansen", true],
  ["hanse", "hansen", true],
  ["hanssen", "hansen", true],
  ["hasnen", "hansen", true],
  ["jansem", "hansen", false],
  ["hnasne", "hansen", false],
])("%s and %s differ by one: %p", (one, other, isSo) => {
  expect(differByOne(one, other)).toBe(isSo);
  expect(differByOne(other, one)).toBe(isSo);
});

/** The found parts of the snippet. */
function marked(text: string, q: string) {
  const { snippet, matches } = snippetOf({ title: "x", more: [], rest: [text] }, readQuery(q));
  expect(text).toContain(snippet);
  return matches.map(([from, to]) => snippet.slice(from, to));
}

test.each([
  ["Hauptstraße 5", "strasse", ["straße"]],
  ["e\u0301te\u0301 d'été", "ete", ["e\u0301te\u0301", "été"]],
  ["oﬃce", "fic", ["ﬃc"]],
  ["😀 Ann, Hannah & ANN", "ann", ["Ann", "ann", "ANN"]],
  ["Ann, Hannah & ANN", '"ann"', ["Ann", "ANN"]],
  ["Conan O’Brien", "obrien", ["O’Brien"]],
  ["東京タワー", "京タ", ["京タ"]],
  [`${"word ".repeat(900)}needle ${"word ".repeat(900)}`, "needle", ["needle"]],
  [`${"😀".repeat(300)}needle${"😀".repeat(300)}`, "needle", ["needle"]],
])("in %.20s, %s is found as %p", (text, q, parts) => {
  expect(marked(text, q)).toEqual(parts);
});
