import { settingOf, type Key } from "./table";

/** What kind of place a value comes from, the weakest first. */
export type SourceKind = "default" | "profile" | "file" | "environment" | "flag";

/** The kind of a source that `loadConfig` names. */
export function sourceKind(key: Key, source: string): SourceKind {
  const { env } = settingOf(key);
  if (source === "default") return "default";
  if (source.startsWith("--")) return "flag";
  if (source === env || source === `${env}_FILE`) return "environment";
  return /^config\.\w+\.toml$/.test(source) ? "profile" : "file";
}

/** Whether the value stands whatever an admin stores: somebody said it for this very start. */
export const isFixed = (kind: SourceKind): boolean => kind === "environment" || kind === "flag";
