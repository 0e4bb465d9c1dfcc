import { now } from "../../clock";
import type { Span } from "../../db/spans";
import type { Parameters } from "../../http/parameters";
import { BadParameter, Problems, readInstant } from "../../list";

/** The days or weeks of a range, in a time zone. */
export interface Range {
  by: "day" | "week";
  /** The first instant of each, and the first after it; `date` as the calendar has it. */
  spans: readonly (Span & { date: string })[];
}

const mostSpans = 366;

/** Reads which days or weeks are asked for. @throws Refusal that names what cannot be taken, and too long a range */
export function readRange(parameters: Parameters, timeZone: string): Range {
  const problems = new Problems();
  const clock = { now: now(), timeZone };
  const read = (name: "from" | "to", otherwise: string) =>
    problems.try(name, () => readInstant(parameters[name] ?? otherwise, clock));
  const [from, to] = [read("from", "now-29d"), read("to", "now")];
  problems.refuse();
  const by = parameters["by"] === "week" ? "week" : "day";
  const range = problems.try(
    "from",
    () => ({ by, spans: spansOf(from!, to!, by, timeZone) }) satisfies Range,
  );
  problems.refuse();
  return range!;
}

/** The start of the day, or of the Monday before. */
export function startOf(instant: number, by: "day" | "week", timeZone: string): Temporal.ZonedDateTime {
  const day = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone).startOfDay();
  return by === "day" ? day : day.subtract({ days: day.dayOfWeek - 1 }).startOfDay();
}

function spansOf(from: number, to: number, by: Range["by"], timeZone: string) {
  if (from > to) throw new BadParameter("out_of_range", "must not be later than to");
  const spans = [];
  for (let start = startOf(from, by, timeZone); start.epochMilliseconds <= to;) {
    if (spans.length === mostSpans) {
      throw new BadParameter("out_of_range", `must be at most ${mostSpans} ${by}s before to`);
    }
    // The start of a day is not always midnight, and a day not always 24 hours.
    const next = start.add({ days: by === "day" ? 1 : 7 }).startOfDay();
    const date = start.toPlainDate().toString();
    spans.push({ since: start.epochMilliseconds, until: next.epochMilliseconds, date });
    start = next;
  }
  return spans;
}
