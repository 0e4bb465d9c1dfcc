import type { Session } from "../db/store";
import { Stale } from "../errors";
import { changedFields } from "./changed-fields";
import type { EntityType } from "./record";

/** Which version of a record the caller changes: one of these, or whatever it is by now. */
export type IfMatch = readonly number[] | "any";

/**
 * Checks that the caller changes the version they read.
 * @throws Stale with the fields that changed since the newest version they named
 */
export async function assertCurrent(
  session: Session,
  entityType: EntityType,
  current: { id: string; version: number },
  ifMatch: IfMatch,
): Promise<void> {
  if (ifMatch === "any" || ifMatch.includes(current.version)) return;
  const known = ifMatch.filter((version) => version > 0 && version < current.version);
  const since = known.length > 0 ? Math.max(...known) : 0;
  const changed = since > 0 ? await changedFields(session, entityType, current.id, since) : [];
  throw new Stale(current.version, changed);
}
