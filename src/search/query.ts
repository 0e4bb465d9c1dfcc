import { parsePhoneNumberFromString } from "../phone-numbers";
import { gap, letters, wordsOf } from "./words";

/** What has to stand in a record's text for one word of a query: all texts of one alternative. */
export interface Term {
  anyOf: readonly (readonly string[])[];
  /** The word, where a wrong letter in it may be forgiven. */
  forgivable?: string;
}

/** What somebody searches for. */
export interface SearchQuery {
  terms: readonly Term[];
  /** Texts that must not be there. */
  nots: readonly string[];
}

/** So much of a text is looked at; what follows is not searched for. */
export const longestQuery = 500;
/** So many words, parts of phone numbers among them. */
export const mostWords = 16;
/** Words with fewer letters have to be right. */
const fewestForgiven = 5;
/** A text with fewer digits is no telephone number. */
const fewestDigits = 3;

/** A telephone number is written in at most so many groups. */
const mostGroups = 6;

const quotes = /[“”„«»]/g;
const tokens = /(-?)"([^"]*)"?|(\S+)/g;
const phoneLike = /^\(*\+?\(*\d[\d().\-/+]*$/;

/**
 * Reads what somebody typed. Every text means something: one without a letter or digit finds nothing.
 *
 * Words may be parts of words; those of one or two letters are beginnings. `"…"` are whole words in this order, `-word` must
 * not be there, and what is joined by other signs (`hansen@example`) stands next to each other. Digits are also looked for
 * without what groups them, and without the code of a country before them.
 */
export function readQuery(text: string): SearchQuery {
  const terms: Term[] = [];
  const nots: string[] = [];
  let numbers: string[] = [];
  const endNumber = () => {
    if (numbers.length > 0) terms.push(numberTerm(numbers));
    numbers = [];
  };
  for (const [token, minus, phrase, bare] of text
    .slice(0, longestQuery)
    .replace(quotes, '"')
    .matchAll(tokens)) {
    if (bare !== undefined && phoneLike.test(bare)) {
      if (numbers.length === mostGroups) endNumber();
      numbers.push(bare);
      continue;
    }
    endNumber();
    const isNot = minus === "-" || (bare !== undefined && /^-+[^-]/.test(token));
    const words = wordsOf(phrase ?? bare!);
    if (words.length === 0) continue;
    if (isNot) nots.push(`${gap}${words.join(gap)}${gap}`);
    else if (phrase !== undefined) terms.push({ anyOf: [[`${gap}${words.join(gap)}${gap}`]] });
    else terms.push(wordTerm(words));
  }
  endNumber();
  return bounded({ terms, nots });
}

/** Whether the query asks for anything; one that does not finds nothing. */
export const isEmpty = ({ terms, nots }: SearchQuery) => terms.length === 0 && nots.length === 0;

/** What a text has to have in it to have these words next to each other, the first and the last not necessarily whole. */
function partOf(words: readonly string[]): string {
  const [first] = words as [string];
  return words.length === 1 && letters(first) < 3 ? gap + first : words.join(gap);
}

function wordTerm(words: readonly string[]): Term {
  const [word] = words as [string];
  const isWord = words.length === 1 && letters(word) >= fewestForgiven && !/\p{N}/u.test(word);
  return { anyOf: [[partOf(words)]], ...(isWord && { forgivable: word }) };
}

/** Digits in groups: these words, or one number of them all, as it is written at home or from abroad. */
function numberTerm(groups: readonly string[]): Term {
  const apart = groups.map((group) => partOf(wordsOf(group)));
  const typed = groups.join("");
  const digits = typed.replace(/\D+/g, "");
  const ways = [apart];
  if (digits.length >= fewestDigits) {
    const isFromAbroad = typed.replace(/^\(+/, "").startsWith("+") || digits.startsWith("00");
    const number = digits.replace(/^0+/, "");
    const national = parsePhoneNumberFromString(`+${number}`);
    const isNumber = isFromAbroad ? national : national?.isPossible();
    if (isNumber && national!.nationalNumber.length >= fewestDigits) ways.push([national!.nationalNumber]);
    if (number.length >= fewestDigits) ways.push([number]);
  }
  return { anyOf: distinct(ways) };
}

/** Alternatives that have another one in them find nothing that it does not. */
function distinct(ways: readonly (readonly string[])[]): (readonly string[])[] {
  const texts = ways.map((way) => way.join("\n"));
  return ways.filter((way, i) => {
    const covers = (other: readonly string[]) =>
      other.length === 1 && way.some((text) => text.includes(other[0]!));
    return !ways.some((other, j) => other !== way && covers(other) && (texts[j] !== texts[i] || j < i));
  });
}

/** No more texts to look for than a search has time for, each once. */
function bounded({ terms, nots }: SearchQuery): SearchQuery {
  const kept: Term[] = [];
  const seen = new Set<string>();
  let count = 0;
  for (const term of terms) {
    const key = JSON.stringify(term.anyOf);
    const size = term.anyOf.reduce((sum, way) => sum + way.length, 0);
    if (seen.has(key)) continue;
    seen.add(key);
    if (count + size > mostWords) break;
    count += size;
    kept.push(term);
  }
  return { terms: kept, nots: [...new Set(nots)].slice(0, mostWords) };
}
