import { describe, expect, test } from "bun:test";
import { phoneKey } from "../../../src/features/clients/phone";

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
