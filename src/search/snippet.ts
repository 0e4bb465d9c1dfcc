import { foldWhole } from "../text";
import type { Searched } from "./document";
import type { SearchQuery } from "./query";
import { gap } from "./words";

/** A part of a text as it was written, and where in it something was found: [from, to) in UTF-16 code units. */
export interface Snippet {
  snippet: string;
  matches: [from: number, to: number][];
}

/** Letters before the first match, and in all. */
const [before, longest] = [40, 160];
const mostMatches = 20;

/** The text of a record in which most of a query stands, around where it first does. */
export function snippetOf({ title, more, phone = null, rest }: Searched, query: SearchQuery): Snippet {
  const texts = query.terms.flatMap(({ anyOf }) => anyOf.flat());
  const fields = [
    ...[title, ...more].map((text) => ({ text, isPhone: false })),
    ...[{ text: phone, isPhone: true }],
    ...rest.map((text) => ({ text, isPhone: false })),
  ];
  let best = { text: title, places: [] as [number, number][], size: 0 };
  for (const { text, isPhone } of fields) {
    if (text === null || best.size === texts.length) continue;
    const { places, size } = placesIn(text, isPhone, texts);
    if (size > best.size) best = { text, places, size };
  }
  return cut(best.text, best.places);
}

/** Where the texts stand in a field, one after the other and not within each other; and how many of them do. */
function placesIn(text: string, isPhone: boolean, texts: readonly string[]) {
  const { normal, from, to } = isPhone ? digitsOf(text) : normalised(text);
  const all: [number, number][] = [];
  let size = 0;
  for (const wanted of texts) {
    const bare = wanted.trim();
    const lead = isPhone ? 0 : wanted.length - wanted.trimStart().length;
    const sought = isPhone ? bare : wanted;
    let at = normal.indexOf(sought);
    if (at >= 0) size++;
    for (let i = 0; at >= 0 && i < mostMatches; i++, at = normal.indexOf(sought, at + 1)) {
      all.push([from[at + lead]!, to[at + lead + bare.length - 1]!]);
    }
  }
  const places: [number, number][] = [];
  for (const [start, end] of all.toSorted(([a, b], [c, d]) => a - c || d - b)) {
    const last = places.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else places.push([start, end]);
  }
  return { places, size };
}

/** A text as it is searched, and for each of its letters where that begins and ends in the original. */
interface Normalised {
  normal: string;
  from: number[];
  to: number[];
}

const isLetter = /[\p{L}\p{N}\p{M}]/u;
const isMark = /\p{M}/u;
const isApostrophe = /['’ʼ‘`´]/;
const standsAlone =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** Letter by letter what `wordsOf` does to all of a text. */
function normalised(text: string): Normalised {
  let normal = gap;
  const [from, to]: [number[], number[]] = [
    [0, 0],
    [0, 0],
  ];
  const push = (letters: string, start: number, end: number) => {
    normal += letters;
    from.push(...Array<number>(letters.length).fill(start));
    to.push(...Array<number>(letters.length).fill(end));
  };
  let at = 0;
  for (const sign of text) {
    const start = at;
    at += sign.length;
    const folded = foldWhole(sign.toWellFormed());
    const isInWord = !normal.endsWith(gap);
    if (folded === "" || (isMark.test(sign) && !isLetter.test(folded))) {
      if (isInWord && isMark.test(sign)) to[to.length - 1] = at;
    } else if (isApostrophe.test(sign) && isInWord && isLetter.test(text[at] ?? "")) {
      continue;
    } else {
      for (const letter of folded) {
        const isPart = isLetter.test(letter);
        if ((!isPart || (standsAlone.test(letter) && !isMark.test(letter))) && !normal.endsWith(gap))
          push(gap, start, start);
        if (isPart) push(letter, start, at);
        if (isPart && standsAlone.test(letter) && !isMark.test(text[at] ?? "")) push(gap, at, at);
      }
    }
  }
  if (!normal.endsWith(gap)) push(gap, at, at);
  return { normal, from, to };
}

function digitsOf(text: string): Normalised {
  const places = [...text.matchAll(/\d/g)];
  const from = places.map(({ index }) => index);
  return { normal: places.map(([digit]) => digit).join(""), from, to: from.map((place) => place + 1) };
}

function cut(text: string, places: [number, number][]): Snippet {
  const first = places[0]?.[0] ?? 0;
  const start = text.length <= longest ? 0 : edge(text, Math.max(0, first - before));
  const end = edge(text, Math.min(text.length, start + longest));
  const matches = places
    .filter(([from]) => from >= start && from < end)
    .map(([from, to]): [number, number] => [from - start, Math.min(to, end) - start]);
  return { snippet: text.slice(start, end), matches };
}

/** A place that is not within a letter of two units. */
const edge = (text: string, place: number) =>
  (text.charCodeAt(place) & 0xfc00) === 0xdc00 ? place + 1 : place;
