/** Which backups stay. */
import { expect, test } from "bun:test";
import { kept } from "../../../src/backup/keep";
import { nameOf } from "../../../src/backup/manifest";

const at = (day: string, time = "02:00:00.000") => nameOf(`${day}T${time}Z`);
const daysBack = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    at(new Date(Date.UTC(2026, 10, 26) - i * 864e5).toISOString().slice(0, 10)),
  );

test("the newest of each day, week and month stays", () => {
  const keep = kept(daysBack(100), { daily: 3, weekly: 2, monthly: 3 });
  expect([...keep].toSorted()).toEqual(
    // 2026-11-22 is the Sunday that ends the week before, 10-31 and 09-30 end months.
    ["2026-09-30", "2026-10-31", "2026-11-22", "2026-11-24", "2026-11-25", "2026-11-26"].map((day) =>
      at(day),
    ),
  );
});

test("of several on one day the newest stays, and those of the last 24 hours whatever the rules", () => {
  const [noon, night, before, morning] = [
    at("2026-11-26", "12:00:00.000"),
    at("2026-11-26", "01:00:00.000"),
    at("2026-11-25", "11:00:00.000"),
    at("2026-11-25", "06:00:00.000"),
  ];
  const names = [before, noon, morning, night];
  expect([...kept(names, { daily: 2, weekly: 0, monthly: 0 })]).toEqual([noon, night, before]);
  expect([...kept(names, { daily: 0, weekly: 0, monthly: 0 })]).toEqual([noon, night]);
  expect(kept([], { daily: 1, weekly: 1, monthly: 1 }).size).toBe(0);
});

test("days on which there was none do not count", () => {
  const names = [at("2026-11-26"), at("2026-11-01"), at("2026-03-01")];
  expect(kept(names, { daily: 3, weekly: 0, monthly: 0 }).size).toBe(3);
});
