import { expect, test } from "bun:test";
import { readRange } from "../../../src/features/dashboard/range";
import { hour } from "../../../src/clock";

const lengths = (from: string, to: string, timeZone: string, by = "day") =>
  readRange({ from, to, by }, timeZone).spans.map(({ since, until, date }) => [date, (until - since) / hour]);

test("days are those of the calendar, also when clocks change", () => {
  expect(lengths("2026-03-28T12:00:00+01:00", "2026-03-30T00:00:00+02:00", "Europe/Berlin")).toEqual([
    ["2026-03-28", 24],
    ["2026-03-29", 23],
    ["2026-03-30", 24],
  ]);
  // There, a day begins at one o'clock.
  expect(lengths("2018-11-03T12:00:00Z", "2018-11-04T12:00:00Z", "America/Sao_Paulo")).toEqual([
    ["2018-11-03", 24],
    ["2018-11-04", 23],
  ]);
});

test("weeks begin on Mondays and leave no gap", () => {
  expect(lengths("2026-10-25T12:00:00Z", "2026-10-26T12:00:00Z", "Europe/Berlin", "week")).toEqual([
    ["2026-10-19", 169],
    ["2026-10-26", 168],
  ]);
});
