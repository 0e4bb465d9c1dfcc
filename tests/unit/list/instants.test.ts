import { describe, expect, test } from "bun:test";
import { isoTime } from "../../../src/clock";
import { readInstant } from "../../../src/list";

const berlin = { now: Date.parse("2026-03-29T10:00:00.250Z"), timeZone: "Europe/Berlin" };
const read = (text: string, clock = berlin) => isoTime(readInstant(text, clock));

describe("an instant", () => {
  test.each([
    ["2026-05-04T09:00:00Z", "2026-05-04T09:00:00.000Z"],
    ["2026-05-04t09:00:00z", "2026-05-04T09:00:00.000Z"],
    ["2026-05-04T09:00Z", "2026-05-04T09:00:00.000Z"],
    ["2026-05-04T09:00:00.123Z", "2026-05-04T09:00:00.123Z"],
    ["2026-05-04T09:00:00.1235Z", "2026-05-04T09:00:00.124Z"],
    ["2026-05-04T09:00:00+07:00", "2026-05-04T02:00:00.000Z"],
    ["2026-05-04T09:00:00 07:00", "2026-05-04T02:00:00.000Z"],
    ["2026-05-04T09:00:00+0700", "2026-05-04T02:00:00.000Z"],
    ["2026-05-04T22:00:00-05:30", "2026-05-05T03:30:00.000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ])("%s", (text, expected) => {
    expect(read(text)).toBe(expected);
  });
});

describe("counted from now, in Berlin where the clock went forward that night", () => {
  test.each([
    ["now", "2026-03-29T10:00:00.250Z"],
    ["now-30min", "2026-03-29T09:30:00.250Z"],
    ["now-24h", "2026-03-28T10:00:00.250Z"],
    ["now-1d", "2026-03-28T11:00:00.250Z"],
    ["now-1w", "2026-03-22T11:00:00.250Z"],
    ["now 1mo", "2026-04-29T10:00:00.250Z"],
    ["now+1y", "2027-03-29T10:00:00.250Z"],
    ["today", "2026-03-28T23:00:00.000Z"],
    ["today+1d", "2026-03-29T22:00:00.000Z"],
    ["today+24h", "2026-03-29T23:00:00.000Z"],
    ["today-1mo", "2026-02-27T23:00:00.000Z"],
  ])("%s", (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test("a month has the days that it has", () => {
    const clock = { now: Date.parse("2026-01-31T12:00:00Z"), timeZone: "UTC" };
    expect(read("now+1mo", clock)).toBe("2026-02-28T12:00:00.000Z");
    expect(read("now+2mo", clock)).toBe("2026-03-31T12:00:00.000Z");
  });

  test("today begins where the caller is", () => {
    const now = Date.parse("2026-05-04T20:00:00Z");
    expect(read("today", { now, timeZone: "Asia/Ho_Chi_Minh" })).toBe("2026-05-04T17:00:00.000Z");
    expect(read("today", { now, timeZone: "America/New_York" })).toBe("2026-05-04T04:00:00.000Z");
  });

  test("a day may begin after midnight", () => {
    const now = Date.parse("2018-11-04T12:00:00Z");
    expect(read("today", { now, timeZone: "America/Sao_Paulo" })).toBe("2018-11-04T03:00:00.000Z");
  });
});

describe("no instant", () => {
  test.each([
    "2026-05-04",
    "2026-05-04T09:00:00",
    "2026-05-04 09:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-05-04T24:00:00Z",
    "2026-05-04T09:00:00+24:00",
    "2026-05-04T09:00:00Z[UTC]",
    "+002026-05-04T09:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59.9999Z",
    "now-9999y",
    "now+9999y",
    "now-10000d",
    "now-1",
    "now-1m",
    "now-1d-1h",
    "now--1d",
    "nowish",
    "today at noon",
    "1767225600000",
  ])("%s", (text) => {
    expect(() => readInstant(text, berlin)).toThrow();
  });
});
