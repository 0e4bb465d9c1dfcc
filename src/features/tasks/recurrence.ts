import { yearProblem } from "../../instants";
import type * as Library from "./rule-library";

/** Loaded with the first rule: most tasks have none. */
// Not `import()`: whoever asks does not wait.
const library = () => require("./rule-library") as typeof Library;

/** The parts of a rule (RFC 5545, section 3.3.10): the library takes what it does not know for absent. */
const part =
  /^(FREQ|UNTIL|BYSECOND|BYMINUTE|BYHOUR|BYDAY|BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYMONTH|BYSETPOS|WKST|(?:COUNT|INTERVAL)(?==\d{1,9}$))=[^=]+$/;
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
    const rrule = new (library().RRuleTemporal)({ rruleString: rule, dtstart, strict: true, ...bounds });
    const isWhole = sizes(rrule.toString().split("RRULE:")[1]!) === sizes(rule);
    return isWhole && rrule.next(dtstart, true) !== null ? rule : undefined;
  } catch {
    return undefined;
  }
}

/**
 * When a rule comes true next after `start`, and the rule that goes on from there: of one with a COUNT, one fewer is left.
 * @param timeZone in which the rule is meant, as an IANA name
 * @returns `undefined` after the last time
 */
export function nextOccurrence(
  rule: string,
  start: number,
  timeZone: string,
): { at: number; rule: string } | undefined {
  const left = Number(/COUNT=(\d+)/.exec(rule)?.[1] ?? Infinity);
  if (left <= 1) return undefined;
  // What is at `start` counts, whether the rule would come true there or not.
  const uncounted = rule.replace(/;COUNT=\d+|COUNT=\d+;/, "");
  const dtstart = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO(timeZone);
  const at = nextInstant(
    new (library().RRuleTemporal)({ rruleString: uncounted, dtstart, ...bounds }),
    dtstart,
  );
  if (at === undefined || yearProblem(at) !== undefined) return undefined;
  return { at, rule: rule.replace(/COUNT=\d+/, `COUNT=${left - 1}`) };
}

/** `undefined` also where calendars end before the rule comes true again, such as every 99,999,999 days. */
function nextInstant(rule: Library.RRuleTemporal, after: Temporal.ZonedDateTime): number | undefined {
  try {
    return rule.next(after, false)?.epochMilliseconds;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
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
