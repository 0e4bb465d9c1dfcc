const width = 24;

/** How much of something is done: `[######------------------]   25%`. */
export function barOf(done: number, total: number): string {
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(part * width);
  return `[${"#".repeat(filled)}${"-".repeat(width - filled)}]  ${`${Math.floor(part * 100)}%`.padStart(4)}`;
}
