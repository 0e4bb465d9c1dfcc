/** What counts as a word, alike for what is searched and for what is searched for. */
import { foldWhole } from "../text";

/** Two spaces stand around each word, so that three letters of the index can say "begins with this letter". */
export const gap = "  ";

const isPlain = /^[\0-\x7f]*$/;
const plainWords = /[a-z0-9]+/g;
const words = /[\p{L}\p{N}\p{M}]+/gu;
/** O'Brien is one word, as is d’Artagnan. */
const apostrophes = /(?<=[\p{L}\p{N}])['’ʼ‘`´]+(?=[\p{L}\p{N}])/gu;
/** Looking around costs several times what finding out costs that there is none. */
const hasApostrophe = /['’ʼ‘`´]/;
const joined = (text: string) => (hasApostrophe.test(text) ? text.replace(apostrophes, "") : text);
/** Scripts that write no spaces: each sign is a word. */
const unspaced =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]\p{M}*/gu;
const hasUnspaced =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** The words of a text in their order, folded. */
export function wordsOf(text: string): string[] {
  if (isPlain.test(text)) return joined(text).toLowerCase().match(plainWords) ?? [];
  const folded = joined(foldWhole(text.toWellFormed()));
  const spaced = hasUnspaced.test(folded) ? folded.replace(unspaced, " $& ") : folded;
  return spaced.match(words) ?? [];
}

/** How many letters a database counts: those beyond 16 bits are two in JavaScript and one there. */
export function letters(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) count--;
  return count;
}
