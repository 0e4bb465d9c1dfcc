import { describe, expect, test } from "bun:test";
import { day, isoTime } from "../../src/clock";
import { randomNumbers } from "./integrations/random";

describe("isoTime", () => {
  test("writes what Date writes, whatever the instant", () => {
    const random = randomNumbers(20_261_125);
    const edges = [
      0,
      -1,
      1,
      day - 1,
      day,
      -day,
      951_782_400_000,
      253_402_300_799_999,
      253_402_300_800_000,
      -62_167_219_200_001,
    ];
    const anywhere = Array.from({ length: 20_000 }, () => Math.floor((random() - 0.5) * 2 * 8.64e15));
    const nearby = Array.from({ length: 20_000 }, () => Math.floor(1.7e12 + random() * 1e11));
    for (const instant of [...edges, ...anywhere, ...nearby])
      expect(isoTime(instant)).toBe(new Date(instant).toISOString());
  });

  test("refuses what is no instant", () => {
    for (const instant of [NaN, Infinity, 8.64e15 + day]) expect(() => isoTime(instant)).toThrow(RangeError);
  });
});
