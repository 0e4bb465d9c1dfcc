import { settingOf, type Key } from "./table";

/** The configuration cannot be used. The message lists every problem, so that one look is enough to repair all. */
export class ConfigError extends Error {
  override name = "ConfigError";

  constructor(readonly problems: readonly string[]) {
    super(["The configuration cannot be used:", ...problems.map((problem) => `  ${problem}`)].join("\n"));
  }
}

/** Says that a setting cannot have this value: `where` it stands, which one it is, what it is and may be. */
export function refusal(where: string, key: Key, value: unknown): string {
  const { type, secret } = settingOf(key);
  return `${where}: ${key} = ${secret ? "***" : shown(value)}: expected ${type.expects}`;
}

/** Says that a name is none of `known`, and which of them it looks like. */
export function unknownName(where: string, kind: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return `${where}: unknown ${kind} ${name}${meant ? ` (did you mean ${meant}?)` : ""}`;
}

function shown(value: unknown) {
  // JSON has no infinities: they would show as null.
  const written = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return written.length > 200 ? `${written.slice(0, 200)}…` : written;
}

/** A misspelt name first; else the same word in another section, as in `port` for `server.port`. */
function nearest(name: string, known: readonly string[]) {
  const ranked = known.map((each) => ({ each, edits: editsBetween(name.toLowerCase(), each.toLowerCase()) }));
  const best = ranked.toSorted((a, b) => a.edits - b.edits)[0];
  if (best && best.edits <= Math.max(2, name.length / 4)) return best.each;
  return known.find((each) => lastWord(each) === lastWord(name));
}

const lastWord = (name: string) => name.slice(name.lastIndexOf(".") + 1);

/** Levenshtein's distance: how many characters to insert, delete or replace. */
function editsBetween(from: string, to: string) {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [i, char] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = row[j]! + (char === to[j] ? 0 : 1);
      next.push(Math.min(replaced, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
