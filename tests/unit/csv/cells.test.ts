import { describe, expect, test } from "bun:test";
import { defuse, undefuse } from "../../../src/csv/formula";
import { joinTags, splitTags } from "../../../src/csv/tags";
import { randomNumbers } from "../integrations/random";

describe("a cell that begins like a formula", () => {
  test.each([
    "=1+1",
    "+47 22 44 22 22",
    "-5",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1+1",
    "\n@x",
    "＝1",
    "'=1",
    "''+1",
    " ' =x",
    "=cmd|' /C calc'!A0",
  ])("%j begins with an apostrophe, which is taken away again", (text) => {
    expect(defuse(text)).toBe(`'${text}`);
    expect(undefuse(defuse(text))).toBe(text);
  });

  test.each(["", "plain", "a=1", "O'Neil", "'quoted'", "''", "1-1", "Hà Nội", " two", "'s-Hertogenbosch"])(
    "%j is none and stays as it is",
    (text) => {
      expect(defuse(text)).toBe(text);
      expect(undefuse(text)).toBe(text);
    },
  );

  test("nothing is lost, whatever it begins with", () => {
    const next = randomNumbers(7);
    const signs = ["'", "=", "+", "-", "@", "\t", "\r", "\n", " ", "x", "＝", '"', ","];
    for (let i = 0; i < 20_000; i++) {
      const length = Math.floor(next() * 6);
      const text = Array.from({ length }, () => signs[Math.floor(next() * signs.length)]!).join("");
      const cell = defuse(text);
      expect([text, undefuse(cell)]).toEqual([text, text]);
      expect([text, /^\s*[=+\-@\t\r＝]/.test(cell)]).toEqual([text, false]);
    }
  });

  test("a long run of blanks takes no time", () => {
    const text = `${" '".repeat(500_000)}x`;
    expect(defuse(text)).toBe(text);
  });
});

describe("several texts in one cell", () => {
  test.each([
    [[], ""],
    [["vip"], "vip"],
    [["vip", "Hà Nội"], "vip, Hà Nội"],
    [["a,b", "c;d|e"], "a\\,b, c\\;d\\|e"],
    [["back\\slash", "\\,"], "back\\\\slash, \\\\\\,"],
    [["two\nlines"], "two\\\nlines"],
  ])("%j", (tags, cell) => {
    expect(joinTags(tags)).toBe(cell);
    expect(splitTags(cell)).toEqual(tags);
  });

  test.each([
    ["vip; new ;", ["vip", "new"]],
    ["a | b", ["a", "b"]],
    ["a\r\nb", ["a", "b"]],
    ["C:\\temp", ["C:\\temp"]],
    [" , ", []],
    ["😀,ß", ["😀", "ß"]],
  ])("as others write them: %j", (cell, tags) => expect(splitTags(cell)).toEqual(tags));
});
