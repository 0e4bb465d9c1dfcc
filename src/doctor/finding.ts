import type { LoadedConfig } from "../config";
import type { Environment } from "../config/environment";

/** `fail` keeps the server from working or from being safe, `warn` may be meant. */
export type Level = "ok" | "warn" | "fail";

/** One thing that was looked at. */
export interface Finding {
  /** What was looked at, in a word or two; for scripts too. */
  check: string;
  level: Level;
  /** What was found. */
  what: string;
  /** Why it matters; `null` when all is well. */
  why: string | null;
  /** What to do about it; `null` when all is well. */
  mend: string | null;
}

/** What is examined. */
export interface Patient {
  loaded: LoadedConfig;
  /** What is wrong with the configuration; `loaded` is without it. */
  problems: readonly string[];
  env: Environment;
}

/** Looks at one side of an installation and changes nothing. May throw: then that is the finding. */
export type Examination = (patient: Patient) => Finding[] | Promise<Finding[]>;

/** The findings of one check. */
export const findingsOf = (check: string) => ({
  ok: (what: string): Finding => ({ check, level: "ok", what, why: null, mend: null }),
  warn: (what: string, why: string, mend: string): Finding => ({ check, level: "warn", what, why, mend }),
  fail: (what: string, why: string, mend: string): Finding => ({ check, level: "fail", what, why, mend }),
});

/** The findings, or when there are none, that all is well. */
export const orOk = (found: Finding[], check: string, what: string): Finding[] =>
  found.length > 0 ? found : [findingsOf(check).ok(what)];
