import { gap, letters, wordsOf } from "./words";

/** The texts of a record that are searched, by how much they matter. */
export interface Searched {
  title: string;
  more: readonly (string | null)[];
  rest: readonly (string | null)[];
  /** Found by its digits, however they are grouped. */
  phone?: string | null;
}

/** What is kept of them: the row of a search table without its number. */
export interface Document {
  text: string;
  title_end: number;
  more_end: number;
  /** For PostgreSQL, every three letters in a row. */
  parts: string | null;
}

/** The texts as they are searched. */
export function documentOf(
  { title, more, rest, phone = null }: Searched,
  { withParts }: { withParts: boolean },
): Document {
  const first = field(title);
  const second = more.map(field).join("");
  const text = first + second + field(phone?.replace(/\D+/g, "") ?? null) + rest.map(field).join("");
  const title_end = letters(first);
  return {
    text,
    title_end,
    more_end: title_end + letters(second),
    parts: withParts ? lexemesOf(text) : null,
  };
}

const field = (text: string | null): string => {
  const words = text === null ? [] : wordsOf(text);
  return words.length === 0 ? "" : `${gap}${words.join(gap)}${gap}\n`;
};

/** Three letters in a row, each once; those across fields lead nowhere. */
export function trigramsOf(text: string): Set<string> {
  const found = new Set<string>();
  const signs = letters(text) === text.length ? text : [...text];
  for (let i = 0; i + 3 <= signs.length; i++) {
    const three = typeof signs === "string" ? signs.slice(i, i + 3) : signs.slice(i, i + 3).join("");
    if (!three.includes("\n")) found.add(three);
  }
  return found;
}

/** As PostgreSQL writes a `tsvector`. There are letters, digits and spaces in it, and nothing to escape. */
const lexemesOf = (text: string): string => [...trigramsOf(text)].map((three) => `'${three}'`).join(" ");
