import type { Page } from "./list";

/** A record that is in memory as its JSON, which is sent as it is. */
export class Written<View> {
  /** A character for each byte of its UTF-8: that takes half the memory of wider characters, and is copied as it is. */
  readonly #json: string;
  /** What it is the JSON of: for types alone, there is no such object any more. */
  declare readonly view?: View;

  /** @param version for its ETag */
  constructor(
    readonly version: number,
    view: View,
  ) {
    this.#json = bytewise(view);
  }

  /** Bytes of its JSON. */
  get size(): number {
    return this.#json.length;
  }

  /** Its JSON in UTF-8. */
  toBytes(): Uint8Array {
    return Buffer.from(this.#json, "latin1");
  }

  /** As a part of something else it is written as what it is, too. */
  toJSON(): View {
    return JSON.parse(Buffer.from(this.#json, "latin1").toString()) as View;
  }

  /** Of such records. `join` would write out all of them once more: that takes three times as long. */
  static page<View>({ data, pagination }: Page<Written<View>>): WrittenPage<View> {
    let records = "";
    for (const record of data) records += records === "" ? record.#json : `,${record.#json}`;
    const json = `{"data":[${records}],"pagination":${bytewise(pagination)}}`;
    return new WrittenPage(Buffer.from(json, "latin1"));
  }
}

/** A page that is in memory as its JSON in UTF-8, which is sent as it is. */
export class WrittenPage<View> {
  /** What it is the JSON of: for types alone. */
  declare readonly page?: Page<View>;

  constructor(readonly bytes: Uint8Array) {}
}

const bytewise = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("latin1");
