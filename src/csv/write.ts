import { defuse } from "./formula";

const toBeQuoted = /[",\r\n]/;

/** A text as a cell of CSV (RFC 4180) that no spreadsheet runs. An empty one has quotes: a cell without is no value. */
export function cellOf(text: string): string {
  const cell = defuse(text);
  return cell === "" || toBeQuoted.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** A line of cells, each as `cellOf` writes it, with the end that RFC 4180 gives it. */
export const lineOf = (cells: readonly string[]): string => `${cells.join()}\r\n`;

/** At the beginning of a file: it is UTF-8. */
export const byteOrderMark = "\ufeff";
