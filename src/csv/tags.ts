/** Several texts in one cell: separated by commas; a backslash before a separator or a backslash makes it a part of the text. */

const special = /[\\,;|\r\n]/g;

/** The texts in one cell; `splitTags` gives them back. */
export const joinTags = (tags: readonly string[]): string =>
  tags.map((tag) => tag.replace(special, "\\$&")).join(", ");

/**
 * The texts of a cell: separated by commas, and, as other programs write them, by semicolons, bars or line breaks. Without
 * the blanks around them and those that have nothing else.
 */
export function splitTags(cell: string): string[] {
  const parts = [""];
  for (const [token] of cell.matchAll(/\\[\\,;|\r\n]|[^]/gu)) {
    if (/^[,;|\r\n]$/.test(token)) parts.push("");
    else parts.push(parts.pop() + (token.length === 2 && token.startsWith("\\") ? token.slice(1) : token));
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}
