import { describe, expect, test } from "bun:test";
import { Refusal } from "../../../src/errors";
import { isUnchanged, readIfMatch } from "../../../src/http/preconditions";

/** What `If-Match` asks for, or the code that it is refused with. */
function read(header: string | null, required = false) {
  try {
    return readIfMatch(header, required);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

describe("If-Match", () => {
  const cases: [header: string | null, wanted: unknown][] = [
    [null, "any"],
    ["*", "any"],
    [" * ", "any"],
    ['"v1"', [1]],
    ['  "v1"  ', [1]],
    ['"v1","v2" , "v3"', [1, 2, 3]],
    [',, "v1", ,', [1]],
    ['"a,b","v1"', [-1, 1]],
    ['W/"v1"', [1]],
    ['"v0"', [-1]],
    ['"v01"', [-1]],
    ['"v1.0"', [-1]],
    ['"v-1"', [-1]],
    ['"v999999999"', [999_999_999]],
    ['"v9999999999"', [-1]],
    ['""', [-1]],
    ['"\u00ff"', [-1]],
    ["", "invalid_etag"],
    [",", "invalid_etag"],
    ["v1", "invalid_etag"],
    ['"v1', "invalid_etag"],
    ['"v1" "v2"', "invalid_etag"],
    ['"v 1"', "invalid_etag"],
    ['w/"v1"', "invalid_etag"],
    ['W/ "v1"', "invalid_etag"],
    ['"v1", *', "invalid_etag"],
    ['"v1"; q=1', "invalid_etag"],
  ];
  for (const [header, wanted] of cases)
    test(`${header}`, () => expect(read(header) as unknown).toEqual(wanted));

  test("is asked for where it is required", () => {
    expect(read(null, true)).toBe("if_match_required");
    expect(read("*", true)).toBe("any");
  });

  test("of a megabyte is read once, not once for each of its parts", () => {
    expect(read('"v1",'.repeat(200_000))).toHaveLength(200_000);
    expect(read(`${'"v1",'.repeat(200_000)}x`)).toBe("invalid_etag");
    expect(read('"'.repeat(1_000_001))).toBe("invalid_etag");
  });
});

describe("If-None-Match", () => {
  const etag = '"v2"';
  for (const header of ['"v2"', 'W/"v2"', "*", '"v1", "v2"', '"a,b", W/"v2"']) {
    test(`${header} knows it`, () => expect(isUnchanged(header, etag)).toBe(true));
  }
  for (const header of [null, '"v1"', '"V2"', '"v22"', '"v1", "v3"', '""']) {
    test(`${header} does not`, () => expect(isUnchanged(header, etag)).toBe(false));
  }
  test("what has no version is never known", () => expect(isUnchanged("*", undefined)).toBe(false));
});
