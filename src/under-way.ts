/** How much each user has under way in this process: requests, or bytes. */
export class UnderWay {
  readonly #ofUser = new Map<string, number>();
  /** Of all users together. */
  all = 0;

  of(userId: string): number {
    return this.#ofUser.get(userId) ?? 0;
  }

  /** @param amount below 0 for what is over */
  add(userId: string, amount: number): void {
    this.all += amount;
    const left = this.of(userId) + amount;
    if (left > 0) this.#ofUser.set(userId, left);
    else this.#ofUser.delete(userId);
  }
}
