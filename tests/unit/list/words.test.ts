/** Lists whose filters ask for a part of a text read the index of searches: so it has to lead to every text with that part in it. */
import { expect, test } from "bun:test";
import { phraseOf } from "../../../src/db/list-words";
import { documentOf } from "../../../src/search/document";
import { fold } from "../../../src/text";
import { Picker } from "./random";

const seed = Number(process.env.SEED ?? 20261128);

/** What meets in real names, and what is folded, joined or taken apart. */
const pieces = [
  ...[
    "Anna",
    "O'Neil",
    "d’Artagnan",
    "Straße",
    "Œuvre",
    "Đặng",
    "İstanbul",
    "ΟΔΥΣΣΕΥΣ",
    "Ёлкин",
    "ﬁne",
    "Ｗｉｄｅ",
  ],
  ...[
    "李雷",
    "東京tower",
    "หมูabc",
    "กี",
    "हिन्दी",
    "שָׁלוֹם",
    "が",
    "𠮷野",
    "e\u0301e\u0301e",
    "\u0301abc",
    "100%",
    "50_50",
  ],
  ...[" ", "  ", "-", "'", "’’", ".", "@", "/", ", ", "\u00ad", "🙂", "a", "7", "ß"],
];

test("every part of a text leads to it", () => {
  const pick = new Picker(seed);
  let led = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = pick.some(pieces, 6).join("");
    const signs = [...fold(text)];
    const from = pick.number(0, signs.length);
    const part = fold(signs.slice(from, pick.number(from, signs.length)).join(""));
    if (!fold(text).includes(part)) continue;
    const document = documentOf({ title: text, more: [], rest: [] }, { withParts: false });
    for (const phrase of phraseOf(part)) {
      led++;
      expect([seed, text, part, phrase, document.text.includes(phrase)]).toEqual([
        seed,
        text,
        part,
        phrase,
        true,
      ]);
    }
  }
  expect(led).toBeGreaterThan(5_000);
});

test.each([
  ["gate 12, bergen", ["gate  12  bergen"]],
  ["o'neil", ["oneil"]],
  ["an", []],
  ["a-b", ["a  b"]],
  ["東京", ["東  京"]],
  ["\u0e35abc def", ["abc  def"]],
])("%s is looked for as %j", (part, phrases) => {
  expect(phraseOf(part)).toEqual(phrases);
});
