/** Who may call what: one line for a request, one column for each kind of caller. */
import type { Name } from "./people";
import type { Scenario } from "./scenario";

/**
 * Everybody there is. `lan` made the records, `minh` has them assigned, `stranger` has nothing to do with them, `off` is
 * closed out, `gone` has signed out.
 */
export const everybody = ["nobody", "off", "gone", "stranger", "minh", "lan", "manager", "admin"] as const;

/** The status that each of them gets, in that order. */
export type Statuses = [number, number, number, number, number, number, number, number];

/** What no refusal may show: texts of the records that it is about. */
export const secrets = ["the margin is 40 per cent", "info@acme.example"];

/** What a request may have besides its path. */
export interface AccessOptions extends Pick<Scenario, "body" | "raw" | "headers" | "then"> {
  /** What it records where it succeeds; unless given, nothing is said about events. */
  event?: string | null;
}

/** One request, and its status for everybody in their order. */
export function access(request: string, options: AccessOptions, statuses: Statuses): Scenario[] {
  const [method, path] = request.split(" ") as [string, string];
  const { event, ...rest } = options;
  return everybody.map((by: Name | "nobody", i) => {
    const status = statuses[i]!;
    return {
      by,
      [method.toLowerCase()]: path,
      ...rest,
      status,
      ...(status >= 400 && { never: secrets }),
      ...(status === 404 && { problem: { code: "not_found" } }),
      ...(status === 410 && { problem: { code: "deleted" } }),
      ...(status >= 400 || event === null ? { events: [] } : event !== undefined && { events: [event] }),
    };
  });
}
