/** A map that forgets what was used longest ago. */
export class Lru<Value> {
  #entries = new Map<string, Value>();

  constructor(readonly capacity: number) {}

  /** The value kept under `key`, or what `create` makes, which is kept from now on. */
  getOrCreate(key: string, create: () => Value): Value {
    let value = this.#entries.get(key);
    if (value === undefined) value = create();
    else this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.capacity) this.#entries.delete(this.#entries.keys().next().value!);
    return value;
  }
}
