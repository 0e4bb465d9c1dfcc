/**
 * How the places for jobs are shared out: one is kept for the server's own, such as mails, and nobody's jobs have more than half
 * of them. Else whoever asks for much would keep all others waiting.
 */
export class Shares {
  readonly #ofOne: number;
  readonly #taken = new Map<string, number>();
  #asked: number;

  /** @param places that there are altogether */
  constructor(places: number) {
    this.#ofOne = Math.max(1, Math.floor(places / 2));
    this.#asked = Math.max(1, places - 1);
  }

  /** Takes a place for a job that somebody asked for, or the server itself. @returns whether there was one */
  take(createdBy: string | null): boolean {
    if (createdBy === null) return true;
    const taken = this.#taken.get(createdBy) ?? 0;
    if (this.#asked <= 0 || taken >= this.#ofOne) return false;
    this.#asked--;
    this.#taken.set(createdBy, taken + 1);
    return true;
  }

  /** What may still begin, as the store asks for it. */
  get left(): { asked: number; full: string } {
    const full = [...this.#taken].filter(([, taken]) => taken >= this.#ofOne).map(([user]) => user);
    return { asked: this.#asked, full: JSON.stringify(full) };
  }
}
