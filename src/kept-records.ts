import type { OwnedRow } from "./own-policy";
import type { Written } from "./written";

/** A live record as it was read. */
export interface Kept<View> extends OwnedRow {
  readonly id: string;
  readonly written: Written<View>;
  /** How many commits there had been when it was read last. */
  commits: number;
  /** Since it was kept, or spared. */
  isUsed: boolean;
}

/** Bytes of JSON in all: some thousands of records. */
const most = 4 * 1_024 * 1_024;
/** A record with more would be in the place of dozens. */
const mostOfOne = 16 * 1_024;

/**
 * Records by their ids, in bounded memory: the oldest goes first, unless it was used, and then it is spared once (the CLOCK algorithm;
 * F. J. Corbató, A Paging Experiment with the Multics System, 1968).
 */
export class KeptRecords<View> {
  readonly #byId = new Map<string, Kept<View>>();
  #bytes = 0;

  /** What is known of a record, as old as it may be. */
  get(id: string): Kept<View> | undefined {
    return this.#byId.get(id);
  }

  /** Keeps a record, in the place of what is known of it. */
  put(kept: Kept<View>): void {
    this.#drop(this.#byId.get(kept.id));
    if (kept.written.size > mostOfOne) return;
    this.#add(kept);
    for (const oldest of this.#byId.values()) {
      if (this.#bytes <= most) return;
      this.#drop(oldest);
      if (!oldest.isUsed) continue;
      oldest.isUsed = false;
      this.#add(oldest);
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#byId.clear();
    this.#bytes = 0;
  }

  #add(kept: Kept<View>): void {
    this.#byId.set(kept.id, kept);
    this.#bytes += kept.written.size;
  }

  #drop(kept: Kept<View> | undefined): void {
    if (!kept) return;
    this.#byId.delete(kept.id);
    this.#bytes -= kept.written.size;
  }
}
