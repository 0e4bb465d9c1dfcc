import { expect, test } from "bun:test";
import { recurrenceRule } from "../../../src/features/tasks/recurrence";

const monday = Date.parse("2026-05-04T09:00:00Z");

test.each([
  "FREQ=DAILY",
  "FREQ=DAILY;INTERVAL=1",
  "FREQ=DAILY;INTERVAL=3",
  "FREQ=WEEKLY;BYDAY=MO",
  "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE,MO,FR",
  "FREQ=WEEKLY;WKST=SU;BYDAY=TU,TH",
  "FREQ=MONTHLY;BYMONTHDAY=-1",
  "FREQ=MONTHLY;BYDAY=+1MO",
  "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
  "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
  "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
  "FREQ=YEARLY;BYYEARDAY=1,100,200",
  "FREQ=DAILY;COUNT=3",
  "FREQ=DAILY;UNTIL=20991201T000000Z",
  "FREQ=DAILY;BYHOUR=9,17;BYMINUTE=30",
  "FREQ=HOURLY;INTERVAL=6",
])("%s is a rule, also in small letters and with its name", (rule) => {
  expect(recurrenceRule(rule, monday)).toBe(rule);
  expect(recurrenceRule(` rrule:${rule.toLowerCase()}\n`, monday)).toBe(rule);
});

test.each([
  "",
  ";",
  "FREQ",
  "FREQ=",
  "FREQ=DAILY;",
  "FREQ==DAILY",
  "INTERVAL=2",
  "FREQ=DAILY;COUNT=0",
  "FREQ=DAILY;COUNT=x",
  "FREQ=DAILY;COUNT=99999999999999999999999",
  "FREQ=HOURLY;INTERVAL=9999999999999",
  "FREQ=DAILY;INTERVAL=-1",
  "FREQ=DAILY;BYHOUR=24",
  "FREQ=DAILY;UNTIL=20261301T000000Z",
  "FREQ=WEEKLY;BYDAY=1,2",
  "FREQ=MONTHLY;BYMONTHDAY=0",
  "FREQ=YEARLY;BYMONTH=13",
  "FREQ=DAILY;UNTIL=20200101T000000Z",
  // RFC 5545: a date, where the rule counts from a date and a time.
  "FREQ=DAILY;UNTIL=20991201",
  "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
  "DTSTART:20250101T000000Z\nRRULE:FREQ=DAILY",
  "FREQ=DAILY\nEXDATE:20250101T000000Z",
  "FREQ=DAILY;".repeat(40),
])("%p is none", (text) => {
  expect(recurrenceRule(text, monday)).toBeUndefined();
});
