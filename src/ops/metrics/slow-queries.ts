/** One statement, as often as it was slow. Times in seconds. */
export interface SlowQuery {
  statement: string;
  count: number;
  total: number;
  longest: number;
}

/** What takes less is no slow query. */
const slowSeconds = 0.01;
/** Statements that are kept; of more, those go that took the least time in all. */
const most = 200;

/** The statements that took long since the start. Statements alone: what was asked for stands in none. */
export class SlowQueries {
  readonly #known = new Map<string, SlowQuery>();

  note(seconds: number, statement: string): void {
    if (seconds < slowSeconds) return;
    const known = this.#known.get(statement);
    if (known) {
      known.count++;
      known.total += seconds;
      known.longest = Math.max(known.longest, seconds);
      return;
    }
    if (this.#known.size >= most) this.#known.delete(this.worst(most).at(-1)!.statement);
    this.#known.set(statement, { statement, count: 1, total: seconds, longest: seconds });
  }

  /** Those that took the most time in all, the worst first. */
  worst(count: number): SlowQuery[] {
    return [...this.#known.values()].toSorted((a, b) => b.total - a.total).slice(0, count);
  }
}
