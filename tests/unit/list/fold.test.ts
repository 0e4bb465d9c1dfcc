import { expect, test } from "bun:test";
import { fold, foldWhole } from "../../../src/text";
import { randomNumbers } from "../integrations/random";

test.each([
  ["Stanisław", "STANISLAW"],
  ["Bjørn", "bjorn"],
  ["Đặng Thị Hồng", "dang thi hong"],
  ["Straße", "STRASSE"],
  ["STRAẞE", "strasse"],
  ["Œuvre", "oeuvre"],
  ["Þórunn Ægisdóttir", "thorunn aegisdottir"],
  ["İstanbul", "istanbul"],
  ["ışık", "isik"],
  ["ΟΔΥΣΣΕΥΣ", "Οδυσσεύς"],
  ["Ёлкин", "елкин"],
  ["ﬁne", "fine"],
  ["Ｗｉｄｅ", "wide"],
  ["שָׁלוֹם", "שלום"],
])("%s folds like %s", (one, other) => {
  expect(fold(one)).toBe(fold(other));
});

test.each([
  ["हिन्दी", "हन्दा"],
  ["กา", "กี"],
  ["が", "か"],
  ["李", "黎"],
])("%s and %s stay two words", (one, other) => {
  expect(fold(one)).not.toBe(fold(other));
});

const variants = (text: string) => [
  fold(text),
  text.normalize("NFC"),
  text.normalize("NFD"),
  text.normalize("NFKC"),
  text.toUpperCase(),
  text.toLowerCase(),
];

test("every letter folds like its other forms, and folding again changes nothing", () => {
  const wrong: string[] = [];
  // Beyond are ideographs and nothing that has a case.
  for (let code = 0; code <= 0x1ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const letter = String.fromCodePoint(code);
    const key = fold(letter);
    if (variants(letter).some((variant) => fold(variant) !== key))
      wrong.push(`${letter} U+${code.toString(16)}`);
  }
  expect(wrong).toEqual([]);
});

test("so does text of any letters", () => {
  const random = randomNumbers(7);
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low));
  const blocks = [
    [0x20, 0x250],
    [0x300, 0x530],
    [0x590, 0x700],
    [0x1e00, 0x2000],
    [0xac00, 0xad00],
  ] as const;
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: between(1, 8) }, () => {
      const [low, high] = blocks[between(0, blocks.length)]!;
      return String.fromCodePoint(between(low, high));
    }).join("");
    const key = fold(text);
    expect(variants(text).map(fold)).toEqual(variants(text).map(() => key));
  }
});

test("Latin letters fold one by one as they do in any text", () => {
  const random = randomNumbers(11);
  const latin = [...Array(0x250).keys(), ...Array.from({ length: 0x100 }, (_, i) => 0x1e00 + i)];
  const any = () => String.fromCharCode(latin[Math.floor(random() * latin.length)]!);
  const texts = latin.map((code) => String.fromCharCode(code));
  for (let i = 0; i < 20_000; i++)
    texts.push(Array.from({ length: 1 + Math.floor(random() * 6) }, any).join(""));
  // With a letter of another script in it, a text is folded as a whole.
  expect(texts.filter((text) => foldWhole(`${text}李`) !== `${foldWhole(text)}李`)).toEqual([]);
});

test("what grows when it is folded is cut, and stays whole text", () => {
  const folded = fold("\ufdfa".repeat(500));
  expect(folded.length).toBeLessThanOrEqual(600);
  expect(folded.isWellFormed()).toBe(true);
  expect(fold(folded)).toBe(folded);
  expect(fold("a".repeat(500))).toHaveLength(500);
});
