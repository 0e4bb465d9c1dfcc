/** What is used of the library, so that it is loaded by `recurrence.ts` alone, and not before. */
export { RRuleTemporal } from "rrule-temporal";
