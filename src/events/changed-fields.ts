import { and, eq, gte } from "drizzle-orm";
import { hot, type Params } from "../db/hot";
import type { Session } from "../db/store";
import type { Changes } from "./record";
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

const eventsOfMany = hot(({ t: { events }, q, dialect }, p: Params<{ entity_type: string; ids: string }>) =>
  q
    .select({
      ...{ entity_id: events.entity_id, type: events.type, version: events.version },
      ...{ job_id: events.job_id, changes: events.changes },
    })
    .from(events)
    .where(and(eq(events.entity_type, p.entity_type), dialect.isAmong(events.entity_id, p.ids))),
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
 * What happened to records outside of some jobs, each after a version: by id, the fields that are not what they were, none
 * for what was only told of one; those to which nothing happened, or nothing that lasted, are left out.
 */
export async function changedByOthers(
  session: Session,
  entityType: string,
  since: readonly { entity_id: string; version: number }[],
  jobs: readonly string[],
): Promise<Map<string, string[]>> {
  const versions = new Map(since.map(({ entity_id, version }) => [entity_id, version]));
  const ids = JSON.stringify([...versions.keys()]);
  const events = await eventsOfMany.all(session, { entity_type: entityType, ids });
  const others = events.filter(({ entity_id, type, version, job_id }) => {
    const from = versions.get(entity_id)!;
    // What is told of a record carries the version that it has already.
    const isSince = version > from || (version === from && isRemark(type));
    return isSince && (job_id === null || !jobs.includes(job_id));
  });
  const changed = new Map<string, string[]>();
  for (const [id, some] of Map.groupBy(others, ({ entity_id }) => entity_id)) {
    const fields = lastingIn(some);
    if (fields.length > 0 || some.some(({ type }) => isRemark(type))) changed.set(id, fields);
  }
  return changed;
}

/** The fields that several events of a record left with another value: what was changed back is as it was. */
function lastingIn(events: readonly { type: string; version: number; changes: Changes }[]): string[] {
  const changing = events.filter(({ type }) => !isRemark(type)).toSorted((a, b) => a.version - b.version);
  const whole = new Map<string, Changes[string]>();
  for (const { changes } of changing)
    for (const [field, [was, became]] of Object.entries(changes))
      whole.set(field, [whole.has(field) ? whole.get(field)![0] : was, became]);
  return [...whole]
    .flatMap(([field, [was, became]]) => (Bun.deepEquals(was, became) ? [] : [field]))
    .toSorted();
}

const fieldsIn = (events: readonly { type: string; changes: Record<string, unknown> }[]): string[] => {
  const changing = events.filter(({ type }) => !isRemark(type));
  return [...new Set(changing.flatMap(({ changes }) => Object.keys(changes)))].toSorted();
};
