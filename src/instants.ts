/** Instants as people and programs write them: ISO 8601 with an offset. */

const written =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/i;
const earliest = Date.parse("0001-01-01T00:00:00.000Z");
const latest = Date.parse("9999-12-31T23:59:59.999Z");

/** The forms that are taken, for whoever wrote another. */
export const instantForms = "an instant such as 2026-05-04T09:00:00Z or 2026-05-04T16:00:00+07:00";

/** Milliseconds since 1970 of an instant with any offset; a text says what is wrong with any other. */
export function instantOf(text: string): number | string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return `needs a time and an offset, such as ${text}T00:00:00Z`;
  const [, local, offset] = written.exec(text) ?? [];
  if (!local) return `must be ${instantForms}`;
  try {
    // Takes a leap second as the second before it, which is how databases count.
    const instant = Temporal.Instant.from(local + offset).round({ smallestUnit: "millisecond" });
    return yearProblem(instant.epochMilliseconds) ?? instant.epochMilliseconds;
  } catch {
    return "is not a date and time that exists";
  }
}

/** Why an instant cannot be kept: the wire has years of four digits. `undefined` when it can. */
export const yearProblem = (instant: number): string | undefined =>
  instant >= earliest && instant <= latest ? undefined : "must be in the years 0001 to 9999";
