import { instantForms, instantOf, yearProblem } from "../instants";
import { BadParameter } from "./query";

/** What a relative instant is counted from. */
export interface Clock {
  now: number;
  timeZone: string;
  /** Set when an instant was counted from `now`. */
  nowWasUsed?: boolean;
}

const relative = /^(now|today)(?:([+-])(\d{1,4})(min|h|d|w|mo|y))?$/;
const units = { min: "minutes", h: "hours", d: "days", w: "weeks", mo: "months", y: "years" } as const;

const forms =
  `must be ${instantForms}, ` +
  "or now or today, also with a distance such as now-7d or now+1mo (min, h, d, w, mo, y)";

/**
 * Milliseconds since 1970 of an instant in ISO 8601 with any offset, or of a relative one. A space is read as
 * `+`, which is what becomes of a `+` that is not escaped in a query.
 * @throws BadParameter `invalid_instant`
 */
export function readInstant(text: string, clock: Clock): number {
  const written = text.replaceAll(" ", "+");
  return /^(now|today)/.test(written) ? readRelative(written, clock) : readAbsolute(written);
}

function readAbsolute(text: string): number {
  const instant = instantOf(text);
  if (typeof instant === "number") return instant;
  throw invalid(instant.startsWith("must be an instant") ? forms : instant);
}

function readRelative(text: string, clock: Clock): number {
  const [, from, sign, amount, unit] = relative.exec(text) ?? [];
  if (!from) throw invalid(forms);
  clock.nowWasUsed = true;
  const present = Temporal.Instant.fromEpochMilliseconds(clock.now).toZonedDateTimeISO(clock.timeZone);
  const start = from === "today" ? present.startOfDay() : present;
  if (!unit) return start.epochMilliseconds;
  const distance = Number(sign + amount!);
  const instant = start.add({ [units[unit as keyof typeof units]]: distance }).epochMilliseconds;
  const problem = yearProblem(instant);
  if (problem) throw invalid(problem);
  return instant;
}

const invalid = (message: string) => new BadParameter("invalid_instant", message);
