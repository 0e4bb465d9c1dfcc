import { describe, expect, test } from "bun:test";
import { getCountries, getCountryCallingCode } from "libphonenumber-js";
import { phoneKey } from "../../../src/features/clients/phone";
import { parsePhoneNumberFromString, plainNumber } from "../../../src/phone-numbers";
import { randomNumbers } from "../integrations/random";

interface Scenario {
  typed: string;
  country?: string;
  key: string;
}

const scenarios: Scenario[] = [
  { typed: "+84 912 345 678", key: "+84912345678" },
  { typed: "+84 (0)912-345.678", key: "+84912345678" },
  { typed: "0912 345 678", country: "VN", key: "+84912345678" },
  { typed: "912345678", country: "VN", key: "+84912345678" },
  { typed: "+1 514 721 4711", country: "VN", key: "+15147214711" },
  { typed: "(514) 721-4711", country: "CA", key: "+15147214711" },
  { typed: "+1 (514) 721-4711 ext. 5", key: "+15147214711" },
  { typed: "tel:+84912345678", key: "+84912345678" },
  { typed: "+８４ ９１２ ３４５ ６７８", key: "+84912345678" },
  // Without a country, only the digits can be compared.
  { typed: "0912 345 678", key: "0912345678" },
  { typed: "0912-345.678", key: "0912345678" },
  { typed: "(0912) 345/678", key: "0912345678" },
  // A digit too many for Denmark, as in the customers of Chinook.
  { typed: "+453 3331 9991", key: "+45333319991" },
  { typed: "112", key: "112" },
  { typed: "112", country: "VN", key: "112" },
  // No number at all: as it was typed, folded.
  { typed: "Ask for Ánh", key: "ask for anh" },
  { typed: "  N/A ", key: "n/a" },
  { typed: "-", key: "-" },
  { typed: "+", key: "+" },
];

describe("what a phone is compared by", () => {
  for (const { typed, country = null, key } of scenarios) {
    test(`${typed} in ${country ?? "no country"} → ${key}`, () => expect(phoneKey(typed, country)).toBe(key));
  }

  test("comparing what it is compared by changes nothing", () => {
    for (const { key, country = null } of scenarios) {
      const isNational = !key.startsWith("+") && country !== null;
      if (!isNational) expect(phoneKey(key, country)).toBe(key);
    }
  });
});

/** Numbers of every country, and of none, as people write them; some begin with what may have to be left out. */
function* numbersOf(random: () => number, count: number): Generator<string> {
  const countries = getCountries().map((country) => getCountryCallingCode(country) as string);
  const codes = [...new Set(countries), ...["0", "21", "210", "800", "870", "881", "888", "979", "999"]];
  const below = (end: number) => Math.floor(random() * end);
  const digit = (place: number) => (place < 2 && random() < 0.3 ? "018"[below(3)]! : String(below(10)));
  for (let i = 0; i < count; i++) {
    const digits =
      codes[i % codes.length]! + Array.from({ length: 3 + below(12) }, (_, n) => digit(n)).join("");
    yield `+${[...digits].join(random() < 0.5 ? "" : " ").replaceAll(" ", () => ["", " ", "-"][below(3)]!)}`;
  }
}

test("what is plain to see is what the library finds", () => {
  const wrong: string[] = [];
  let plain = 0;
  for (const text of numbersOf(randomNumbers(5), 50_000)) {
    const seen = plainNumber(text);
    if (seen === undefined) continue;
    plain++;
    const number = parsePhoneNumberFromString(text);
    if (!number?.isPossible() || number.number !== seen) wrong.push(text);
  }
  expect(wrong).toEqual([]);
  expect(plain).toBeGreaterThan(5_000);
});
