import { day, now } from "../clock";
import type { Store } from "../db/store";
import { newId } from "../ids";
import { systemActor } from "../policy";
import { forgetEvents, forgetSignIns } from "./events";
import { purgeRecords, type Purged } from "./records";

/** For how many days things are kept. */
export interface Retention {
  /** Deleted records. */
  records: number;
  /** Who signed in, or failed to. */
  signIns: number;
  /** What happened; 0 for ever. */
  events: number;
}

/** How many were removed. */
export interface PurgeResult {
  records: number;
  signIns: number;
  events: number;
}

/**
 * Removes for good what has been kept for long enough, in transactions of a few records each: broken off, it goes on the next
 * time. To be called by one process at a time.
 * @param kinds those that others point to come last
 */
export async function purge(store: Store, kinds: readonly Purged[], keep: Retention): Promise<PurgeResult> {
  const actor = systemActor(`purge-${newId()}`);
  const ago = (days: number) => now() - days * day;
  let records = 0;
  for (const kind of kinds) records += await purgeRecords(store, actor, kind, ago(keep.records));
  const signIns = await forgetSignIns(store, ago(keep.signIns));
  const events = keep.events > 0 ? await forgetEvents(store, actor, ago(keep.events)) : 0;
  return { records, signIns, events };
}
