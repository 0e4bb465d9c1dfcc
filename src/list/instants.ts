import { BadParameter } from "./query";

/** What a relative instant is counted from. */
export interface Clock {
  now: number;
  timeZone: string;
  /** Set when an instant was counted from `now`. */
  nowWasUsed?: boolean;
}

const absolute =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/i;
const relative = /^(now|today)(?:([+-])(\d{1,4})(min|h|d|w|mo|y))?$/;
const units = { min: "minutes", h: "hours", d: "days", w: "weeks", mo: "months", y: "years" } as const;

const earliest = Date.parse("0001-01-01T00:00:00.000Z");
const latest = Date.parse("9999-12-31T23:59:59.999Z");

const forms =
  "must be an instant such as 2026-05-04T09:00:00Z or 2026-05-04T16:00:00+07:00, " +
  "or now or today, also with a distance such as now-7d or now+1mo (min, h, d, w, mo, y)";

/**
 * Milliseconds since 1970 of an instant in ISO 8601 with any offset, or of a relative one. A space is read as
 * `+`, which is what becomes of a `+` that is not escaped in a query.
 * @throws BadParameter `invalid_instant`
 */
export function readInstant(text: string, clock: Clock): number {
  const written = text.replaceAll(" ", "+");
  const instant = /^(now|today)/.test(written) ? readRelative(written, clock) : readAbsolute(written);
  if (instant >= earliest && instant <= latest) return instant;
  throw invalid("must be in the years 0001 to 9999");
}

function readAbsolute(text: string): number {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text))
    throw invalid(`needs a time and an offset, such as ${text}T00:00:00Z`);
  const [, local, offset] = absolute.exec(text) ?? [];
  if (!local) throw invalid(forms);
  try {
    // Takes a leap second as the second before it, which is how databases count.
    return Temporal.Instant.from(local + offset).round({ smallestUnit: "millisecond" }).epochMilliseconds;
  } catch {
    throw invalid("is not a date and time that exists");
  }
}

function readRelative(text: string, clock: Clock): number {
  const [, from, sign, amount, unit] = relative.exec(text) ?? [];
  if (!from) throw invalid(forms);
  clock.nowWasUsed = true;
  const present = Temporal.Instant.fromEpochMilliseconds(clock.now).toZonedDateTimeISO(clock.timeZone);
  const start = from === "today" ? present.startOfDay() : present;
  if (!unit) return start.epochMilliseconds;
  const distance = Number(sign + amount!);
  return start.add({ [units[unit as keyof typeof units]]: distance }).epochMilliseconds;
}

const invalid = (message: string) => new BadParameter("invalid_instant", message);
