import type { RowOf } from "../db/rows";
import type { Session } from "../db/store";

/** An event in its place across all records. */
export type SequencedEvent = RowOf<"events"> & { seq: number };

/** Whoever reads the log from its beginning to its end, and keeps their place in it. */
export interface Consumer {
  /** Its durable position stands under this name. */
  name: string;
  /**
   * Takes the next events, in order, in the transaction that moves its position on: what is written here is written
   * once. May run twice before it commits, so it only queries.
   */
  take(session: Session, events: readonly SequencedEvent[]): Promise<void>;
  /** After that commit, for what need not survive a crash, such as waking whoever waits. */
  taken?(events: readonly SequencedEvent[]): void;
}
