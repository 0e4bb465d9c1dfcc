/** What a file may be called that somebody sends. */
import { describe, expect, test } from "bun:test";
import { cleanName } from "../../../src/features/files/names";

const cases: [given: string, name: string][] = [
  ["Hợp đồng.docx", "Hợp đồng.docx"],
  ["عرض 📊.pdf", "عرض 📊.pdf"],
  ["../../neocrm.db", "neocrm.db"],
  ["/etc/passwd", "passwd"],
  ["C:\\temp\\offer.txt", "offer.txt"],
  ["..\\..", "unnamed"],
  ["offers/", "unnamed"],
  [".", "unnamed"],
  ["", "unnamed"],
  ["a\r\nX: b.txt", "aX: b.txt"],
  ["photo\u202egpj.exe", "photogpj.exe"],
  ["photo\u061c\u2066\u200f.exe", "photo.exe"],
  ["a\ud800.txt", "a\ufffd.txt"],
  [`${"x".repeat(300)}.pdf`, `${"x".repeat(251)}.pdf`],
  [`${"x".repeat(250)}📊.pdf`, `${"x".repeat(250)}.pdf`],
];

describe("a name that is sent", () => {
  for (const [given, name] of cases)
    test(`${JSON.stringify(given).slice(0, 40)} is ${name.slice(-20)}`, () =>
      expect(cleanName(given)).toBe(name));
});
