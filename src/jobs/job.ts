import type { RowOf } from "../db/rows";
import type { Session } from "../db/store";

/** A job as it is stored. */
export type JobRow = RowOf<"jobs">;

/** How far a job is: what it counts, and under other names where it goes on after a crash. */
export type Progress = Record<string, number | string>;

/** What is to be done, once the transaction that asks for it has committed. */
export interface NewJob {
  /** The name of a `JobKind`. */
  kind: string;
  /** What its kind needs to know, as JSON. Secrets are sealed before they come here. */
  payload: Record<string, unknown>;
  /** While a job with the same key has still to be done, this one is not added. */
  key?: string;
  /** Not before this instant, in milliseconds since 1970. Default: at once. */
  runAt?: number;
  /** The higher, the sooner. Default: 0. */
  priority?: number;
  /** Its id, where that has to be known before. */
  id?: string;
  /** How far it is before it begins. */
  progress?: Progress;
  /** What is known of what it comes to, beyond counts, before it begins. */
  result?: Record<string, unknown>;
  /** Whoever asked for it and may see how far it is; `null` for the server itself. */
  createdBy?: string | null;
}

/** A job under way. Whatever it does must bear being done again: a process may die before it can say that it did it. */
export interface RunningJob {
  readonly id: string;
  readonly payload: Record<string, unknown>;
  /** From 1. */
  readonly attempt: number;
  /** Whoever asked for it. */
  readonly createdBy: string | null;
  /** Aborted when the server stops, the lease is lost, or somebody cancels it. */
  readonly signal: AbortSignal;
  /** How far an earlier attempt came. */
  readonly reached: Progress;
  /** Says how far it is, for whoever asks. Rejects once the lease is lost. */
  progress(counts: Progress): Promise<void>;
  /**
   * Does some of it in a transaction that says how far it is then: after a crash, it goes on from there. `work` may run twice,
   * so it only queries, and gives how far the job is after it: where `done` is more than before this attempt, the attempts that
   * failed no longer count. Rejects once the lease is lost.
   */
  advance(work: (session: Session) => Promise<Progress>): Promise<Progress>;
  /**
   * Does the last of it in the transaction that ends the job: what is written there is written once, however often the
   * job is tried. Like all work in a transaction it may run twice, so it only queries. Rejects once the lease is lost.
   */
  finish(work: (session: Session) => Promise<void>): Promise<void>;
}

/** What is done with jobs of one kind. */
export interface JobKind {
  name: string;
  /** What it is to whoever asked for it, such as `Your import`: they are told when it has ended, and shown how far it is. */
  waitedForAs?: string;
  /** What it did can be taken back. */
  isUndoable?: true;
  /** How often it is tried without getting further before it is a dead letter. */
  attempts: number;
  /** Milliseconds between the end of a failed attempt and the next, before jitter. @param attempt the one that failed, from 1 */
  backoff(attempt: number): number;
  /**
   * Does it. A rejection is a failed attempt, `GiveUp` the last one. Whoever may see the job reads the message of a
   * `GiveUp`, a `TryAgain` or a refusal; of anything else, that it failed.
   */
  run(job: RunningJob): Promise<void>;
}

/** It failed for now, for a reason that whoever may see the job is told. No secret stands in it. */
export class TryAgain extends Error {
  override name = "TryAgain";
}

/** To try again would be in vain: the job becomes a dead letter at once. */
export class GiveUp extends Error {
  override name = "GiveUp";
}
