import { and, eq, gt } from "drizzle-orm";
import { hot, type Params } from "../db/hot";
import type { Session } from "../db/store";
import { isRemark } from "./types";

const eventsSince = hot(
  ({ t: { events }, q }, p: Params<{ entity_type: string; entity_id: string; version: number }>) =>
    q
      .select({ type: events.type, changes: events.changes })
      .from(events)
      .where(
        and(
          eq(events.entity_type, p.entity_type),
          eq(events.entity_id, p.entity_id),
          gt(events.version, p.version),
        ),
      ),
);

/** The fields of a record that changed after `version`, by name. */
export async function changedFields(
  session: Session,
  entityType: string,
  entityId: string,
  version: number,
): Promise<string[]> {
  const events = await eventsSince.all(session, { entity_type: entityType, entity_id: entityId, version });
  const changing = events.filter(({ type }) => !isRemark(type));
  return [...new Set(changing.flatMap(({ changes }) => Object.keys(changes)))].toSorted();
}
