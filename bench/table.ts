/** A row of a table in Markdown. */
export type TableRow = (string | number)[];

/** Prints a table as Markdown, its columns as wide as they have to be. */
export function printTable(title: string, header: string[], rows: TableRow[]): void {
  const cells = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, i) => Math.max(3, ...cells.map((row) => row[i]!.length)));
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const [first, ...others] = cells.map(line);
  const rule = line(widths.map((width) => "-".repeat(width)));
  console.log(["", title, "", first, rule, ...others].join("\n"));
}

/** The one in the middle; of an even number, halfway between the two. */
export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
}

/** What so many of a hundred stay below or reach (nearest rank). */
export function percentile(numbers: number[], percent: number): number {
  const rank = Math.ceil((percent / 100) * numbers.length);
  return numbers.toSorted((a, b) => a - b)[Math.max(0, rank - 1)]!;
}

/** Something wanted of the server, and what was measured. */
export interface Target {
  what: string;
  wanted: string;
  measured: string;
  isMet: boolean;
}

export const atLeast = (what: string, wanted: number, measured: number): Target => ({
  what,
  wanted: `≥ ${wanted.toFixed(2)}`,
  measured: measured.toFixed(2),
  isMet: measured >= wanted,
});

export const below = (what: string, wanted: number, measured: number, unit: string): Target => ({
  what,
  wanted: `< ${wanted} ${unit}`,
  measured: `${measured.toFixed(1)} ${unit}`,
  isMet: measured < wanted,
});

export function printTargets(targets: Target[]): void {
  printTable(
    "What is wanted:",
    ["what", "wanted", "measured", ""],
    targets.map(({ what, wanted, measured, isMet }) => [what, wanted, measured, isMet ? "met" : "missed"]),
  );
}
