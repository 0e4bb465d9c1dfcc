import { describe, expect, test } from "bun:test";
import { day, hour, minute } from "../../../src/clock";
import { nextOccurrence, recurrenceRule } from "../../../src/features/tasks/recurrence";
import { randomNumbers } from "../integrations/random";

const zones = [
  "UTC",
  "Asia/Ho_Chi_Minh",
  "Europe/Berlin",
  "America/New_York",
  "Pacific/Auckland",
  "Asia/Kolkata",
];
const weekdays = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const rounds = 400;

/** A whole number below `end`. */
const below = (next: () => number, end: number) => Math.floor(next() * end);

const zoned = (at: number, zone: string) =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);

/** A day in 2026 to 2029, at a minute between eight and twenty there: no clock is put forward then. */
function someStart(next: () => number, zone: string): number {
  const date = zoned(Date.UTC(2026, 0, 1) + below(next, 3 * 365) * day, zone);
  return date.startOfDay().with({ hour: 8 + below(next, 12), minute: below(next, 60) }).epochMilliseconds;
}

/** The date after `start` on which `fits` holds first, at the same time of day. */
function firstDay(
  start: number,
  zone: string,
  fits: (date: Temporal.ZonedDateTime, days: number) => boolean,
): number {
  const from = zoned(start, zone);
  for (let days = 1; days < 4000; days++) {
    const date = from.add({ days });
    if (fits(date, days)) return date.epochMilliseconds;
  }
  throw new Error("never");
}

describe("the next time", () => {
  const seed = Number(process.env.SEED ?? 1);

  test(`is the first day that fits, at the same time of day where its maker lives [SEED=${seed}]`, () => {
    const next = randomNumbers(seed);
    for (let i = 0; i < rounds; i++) {
      const zone = zones[below(next, zones.length)]!;
      const start = someStart(next, zone);
      const interval = 1 + below(next, 4);
      const chosen = weekdays.filter(() => next() < 0.4);
      const days = chosen.length > 0 ? chosen : ["WE"];
      const monthDay = 1 + below(next, 28);
      const begun = zoned(start, zone);
      const cases: [rule: string, at: number][] = [
        [`FREQ=DAILY;INTERVAL=${interval}`, firstDay(start, zone, (_, after) => after === interval)],
        [
          `FREQ=WEEKLY;BYDAY=${days.join()}`,
          firstDay(start, zone, (date) => days.includes(weekdays[date.dayOfWeek - 1]!)),
        ],
        [`FREQ=WEEKLY;INTERVAL=${interval}`, firstDay(start, zone, (_, after) => after === 7 * interval)],
        [`FREQ=MONTHLY;BYMONTHDAY=${monthDay}`, firstDay(start, zone, (date) => date.day === monthDay)],
        [`FREQ=MONTHLY;BYMONTHDAY=-1`, firstDay(start, zone, (date) => date.day === date.daysInMonth)],
        [`FREQ=MONTHLY`, firstDay(start, zone, (date) => date.day === begun.day)],
        [
          `FREQ=YEARLY`,
          firstDay(start, zone, (date) => date.day === begun.day && date.month === begun.month),
        ],
      ];
      for (const [rule, at] of cases) {
        const found = nextOccurrence(rule, start, zone);
        expect([rule, begun.toString(), zoned(found?.at ?? 0, zone).toString()]).toEqual([
          ...[rule, begun.toString(), zoned(at, zone).toString()],
        ]);
        expect(found!.rule).toBe(rule);
      }
    }
  });

  test(`comes as often as the COUNT says, each later than the one before [SEED=${seed}]`, () => {
    const next = randomNumbers(seed);
    for (let i = 0; i < rounds; i++) {
      const zone = zones[below(next, zones.length)]!;
      const count = 1 + below(next, 12);
      const frequency = ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"][below(next, 5)]!;
      const parts = [`FREQ=${frequency}`, `INTERVAL=${1 + below(next, 3)}`, `COUNT=${count}`];
      let rule = parts.toSorted(() => next() - 0.5).join(";");
      let at = someStart(next, zone);
      for (let nth = 1; nth < count; nth++) {
        const following = nextOccurrence(rule, at, zone);
        expect([rule, following !== undefined && following.at > at]).toEqual([rule, true]);
        // What goes on is a rule like any other.
        expect(recurrenceRule(following!.rule, following!.at)).toBe(following!.rule);
        ({ at, rule } = following!);
      }
      expect([rule, nextOccurrence(rule, at, zone)]).toEqual([rule, undefined]);
    }
  });

  test("is not after UNTIL, and not after the years that the wire has", () => {
    const start = Date.parse("2026-05-04T09:00:00.123Z");
    const until = (text: string) => nextOccurrence(`FREQ=DAILY;UNTIL=${text}`, start, "UTC")?.at;
    expect(until("20260504T120000Z")).toBeUndefined();
    expect(Math.abs(until("20260505T120000Z")! - start - day)).toBeLessThan(1_000);
    expect(nextOccurrence("FREQ=YEARLY", Date.parse("9999-05-04T09:00:00Z"), "UTC")).toBeUndefined();
  });

  test("keeps its time of day when clocks change, and its day where the maker lives", () => {
    const sunday = Date.parse("2026-03-28T08:00:00Z"); // Nine in Berlin, a day before summer time.
    expect(nextOccurrence("FREQ=DAILY", sunday, "Europe/Berlin")!.at).toBe(sunday + day - hour);
    const monday = Date.parse("2026-05-03T17:30:00Z"); // Half past midnight, on Monday in Hanoi.
    const next = nextOccurrence("FREQ=WEEKLY;BYDAY=MO,TU", monday, "Asia/Ho_Chi_Minh")!;
    expect(next.at - monday).toBe(day);
    expect(next.at % minute).toBe(0);
  });
});
