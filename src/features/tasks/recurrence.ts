import { RRuleTemporal } from "rrule-temporal";

/** The parts of a rule (RFC 5545, section 3.3.10): the library takes what it does not know for absent. */
const part =
  /^(FREQ|UNTIL|COUNT|INTERVAL|BYSECOND|BYMINUTE|BYHOUR|BYDAY|BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYMONTH|BYSETPOS|WKST)=[^=]+$/;
/** A rule that never comes true, such as every 30 February, is looked for no longer than this: a few milliseconds. */
const bounds = { maxIterations: 366, maxCandidateEvaluations: 5_000 };

/**
 * The one form of a recurrence rule: without `RRULE:` before it, in upper case.
 * @returns `undefined` when it is not a rule of RFC 5545, or none that ever comes true after `start`
 */
export function recurrenceRule(text: string, start: number): string | undefined {
  const rule = text
    .trim()
    .toUpperCase()
    .replace(/^RRULE:/, "");
  const parts = rule.split(";");
  const names = parts.map((each) => part.exec(each)?.[1]);
  if (names.includes(undefined) || new Set(names).size < names.length) return undefined;
  try {
    const dtstart = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO("UTC");
    const rrule = new RRuleTemporal({ rruleString: rule, dtstart, strict: true, ...bounds });
    const isWhole = sizes(rrule.toString().split("RRULE:")[1]!) === sizes(rule);
    return isWhole && rrule.next(dtstart, true) !== null ? rule : undefined;
  } catch {
    return undefined;
  }
}

/** How many values each part of a rule has: the library drops those out of range, such as the 40th of a month. */
const sizes = (rule: string) =>
  rule
    .split(";")
    .filter((each) => each !== "INTERVAL=1") // What it leaves out, as that is what it means.
    .map((each) => `${each.split("=")[0]} ${each.split(",").length}`)
    .toSorted()
    .join();
