/**
 * Spreadsheets run what begins like a formula. An apostrophe in front makes it text to them; whoever reads the file
 * back takes one away. A text that begins like that already gets one more, so that nothing is lost.
 */

/**
 * Apostrophes and white space, as some programs skip either, and then what a formula begins with: also in the full width
 * of East Asian keyboards.
 */
const formula = /^['\s]*[=+\-@\t\r\n＝＋－＠]/u;
const defused = /^'['\s]*[=+\-@\t\r\n＝＋－＠]/u;

/** The text of a cell that no spreadsheet takes for a formula; `undefuse` gives what it was. */
export const defuse = (text: string): string => (formula.test(text) ? `'${text}` : text);

/** What a cell held before `defuse`. A cell that was never defused stays as it is, unless it looks like one that was. */
export const undefuse = (cell: string): string => (defused.test(cell) ? cell.slice(1) : cell);
