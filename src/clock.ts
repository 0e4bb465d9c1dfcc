/** The only place that reads the time. */

/** Milliseconds since 1970, as every table stores an instant. */
export const now = () => Date.now();

/** Milliseconds of a clock that nobody sets: for how long something takes or lasts. */
export const monotonic = () => performance.now();

/** Durations in milliseconds. */
export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/**
 * An instant as the wire has it: ISO 8601, UTC, milliseconds, `Z`. A list has dozens of instants, most of a few days: with
 * the text of a day kept, writing one takes a quarter of what `Date` takes.
 * @throws RangeError beyond the days that a `Date` has
 */
export function isoTime(milliseconds: number): string {
  const number = Math.floor(milliseconds / day);
  let rest = milliseconds - number * day;
  const hours = Math.floor(rest / hour);
  rest -= hours * hour;
  const minutes = Math.floor(rest / minute);
  rest -= minutes * minute;
  const seconds = Math.floor(rest / second);
  const text = days.get(number) ?? dayText(number);
  return `${text}${two[hours]}:${two[minutes]}:${two[seconds]}.${three[rest - seconds * second]}Z`;
}

/** The same, of an instant that may be missing. */
export const isoTimeOrNull = (milliseconds: number | null) =>
  milliseconds === null ? null : isoTime(milliseconds);

/** What instants of a day begin with, up to the `T`. */
const days = new Map<number, string>();
const mostDays = 4_096;

function dayText(number: number): string {
  const text = new Date(number * day).toISOString().slice(0, -"00:00:00.000Z".length);
  if (days.size >= mostDays) days.clear();
  days.set(number, text);
  return text;
}

const padded = (count: number, width: number) =>
  Array.from({ length: count }, (_, i) => String(i).padStart(width, "0"));
const two = padded(60, 2);
const three = padded(1_000, 3);
