import { day, hour, minute } from "../../clock";

/** The last of these times of the day that has come: an instant at or before `at`, in milliseconds since 1970. */
export function lastSlot(times: readonly string[], at: number): number | undefined {
  const midnight = Math.floor(at / day) * day;
  const slots = times.flatMap((time) => {
    const [hours, minutes] = time.split(":").map(Number) as [number, number];
    const today = midnight + hours * hour + minutes * minute;
    return [today - day, today];
  });
  return slots
    .filter((slot) => slot <= at)
    .toSorted((a, b) => a - b)
    .at(-1);
}
