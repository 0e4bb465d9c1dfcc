/** What a file is called that has no name, or none that can be used. */
const nameless = "unnamed";

/** What no name has: see `FileName`. */
const unwanted = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const longest = 255;

/** The name of a file that is sent, as it may be kept: its last part, without what cannot be seen, its ending kept. */
export function cleanName(given: string): string {
  const [last = ""] = given.toWellFormed().split(/[/\\]/).slice(-1);
  const name = last.replace(unwanted, "").trim();
  if (/^\.{0,2}$/.test(name)) return nameless;
  if (name.length <= longest) return name;
  const [ending = ""] = /\.\w{1,10}$/.exec(name) ?? [];
  // Half a surrogate pair may be left at the cut.
  return name.slice(0, longest - ending.length).replace(/[\ud800-\udbff]$/, "") + ending;
}
