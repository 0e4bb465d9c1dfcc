/**
 * A map of bounded size that forgets what was not touched for longest, in constant time and without a list to
 * keep.
 *
 * Entries live in two generations. Whatever is read or written moves to the young one; when that is full it
 * becomes the old one and the previous old one is dropped whole. So an entry survives at least `capacity / 2`
 * other keys, and someone who invents keys cannot grow the process, only push out what is idle.
 */
export class RecentMap<Value> {
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  readonly #half: number;

  /** @param capacity the most entries held at once, at least 2 */
  constructor(capacity: number) {
    this.#half = Math.max(1, Math.floor(capacity / 2));
  }

  /** Entries held, counting one twice while it stands in both generations: what memory pays for. */
  get size() {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Value | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const aged = this.#old.get(key);
    if (aged !== undefined) this.set(key, aged);
    return aged;
  }

  /** The value under `key`, or what `create` makes, which is kept from now on. */
  getOrInsertComputed(key: string, create: () => Value): Value {
    const known = this.get(key);
    if (known !== undefined) return known;
    const made = create();
    this.set(key, made);
    return made;
  }

  set(key: string, value: Value) {
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: string) {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
