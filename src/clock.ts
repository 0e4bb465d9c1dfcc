/** The only place that reads the time. */

/** Milliseconds since 1970, as every table stores an instant. */
export const now = () => Date.now();

/** Milliseconds of a clock that nobody sets: for how long something takes or lasts. */
export const monotonic = () => performance.now();

/** An instant as the wire has it: ISO 8601, UTC, milliseconds, `Z`. */
export const isoTime = (milliseconds: number) => new Date(milliseconds).toISOString();

/** The same, of an instant that may be missing. */
export const isoTimeOrNull = (milliseconds: number | null) =>
  milliseconds === null ? null : isoTime(milliseconds);

/** Durations in milliseconds. */
export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;
