import { and, eq, gte } from "drizzle-orm";
import { hot, type Params } from "../db/hot";
import type { Session } from "../db/store";
import { isRemark } from "./types";

const eventsFrom = hot(
  ({ t: { events }, q }, p: Params<{ entity_type: string; entity_id: string; version: number }>) =>
    q
      .select({ type: events.type, version: events.version, job_id: events.job_id, changes: events.changes })
      .from(events)
      .where(
        and(
          eq(events.entity_type, p.entity_type),
          eq(events.entity_id, p.entity_id),
          gte(events.version, p.version),
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
  const after = { entity_type: entityType, entity_id: entityId, version: version + 1 };
  return fieldsIn(await eventsFrom.all(session, after));
}

/**
 * What happened to a record after `version` outside of some jobs: the fields that changed, none for what was only told of it;
 * `undefined` when nothing happened.
 */
export async function changedByOthers(
  session: Session,
  entityType: string,
  entityId: string,
  version: number,
  jobs: readonly string[],
): Promise<string[] | undefined> {
  // What is told of a record carries the version that it has already.
  const events = await eventsFrom.all(session, { entity_type: entityType, entity_id: entityId, version });
  const others = events.filter(
    (event) =>
      (isRemark(event.type) || event.version > version) &&
      (event.job_id === null || !jobs.includes(event.job_id)),
  );
  return others.length === 0 ? undefined : fieldsIn(others);
}

const fieldsIn = (events: readonly { type: string; changes: Record<string, unknown> }[]): string[] => {
  const changing = events.filter(({ type }) => !isRemark(type));
  return [...new Set(changing.flatMap(({ changes }) => Object.keys(changes)))].toSorted();
};
