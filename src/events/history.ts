import { and, asc, eq, sql } from "drizzle-orm";
import { isoTime } from "../clock";
import { hot, type Params } from "../db/hot";
import type { RowOf } from "../db/rows";
import type { Session } from "../db/store";
import type { EntityType } from "./record";
import { actionOf, remarks } from "./types";

/** What of an event a record is made from. */
export type Change = Pick<RowOf<"events">, "type" | "version" | "changes" | "created_at">;

/** A record as its resource presents it, as far as its events tell. */
export type Told = Record<string, unknown>;

/** What a record was: its fields, or why they are not to be had. */
export type Then = { told: Told } | "not_yet" | "forgotten";

const remarkNames = sql.raw([...remarks].map((type) => `'${type}'`).join());

/** What happened to a record, in the order of its versions, without what was only told of it. */
export const changesOf = hot(({ t: { events }, q }, p: Params<{ entity_type: string; entity_id: string }>) =>
  q
    .select({
      ...{ type: events.type, version: events.version },
      ...{ changes: events.changes, created_at: events.created_at },
    })
    .from(events)
    .where(
      and(
        eq(events.entity_type, p.entity_type),
        eq(events.entity_id, p.entity_id),
        sql`${events.type} not in (${remarkNames})`,
      ),
    )
    .orderBy(asc(events.version), asc(events.created_at), asc(events.id)),
);

/** These have every field: a record is made from them alone. */
const isWhole = ({ type }: Change) => ["created", "snapshot"].includes(actionOf(type));

/**
 * A record as it was at an instant. Its versions count, not the clock: where that was set back, nothing comes before what
 * it follows from.
 */
export async function recordAt(
  session: Session,
  entityType: EntityType,
  id: string,
  instant: number,
): Promise<Then> {
  const changes = await changesOf.all(session, { entity_type: entityType, entity_id: id });
  const later = changes.findIndex(({ created_at }) => created_at > instant);
  const told = fold(later < 0 ? changes : changes.slice(0, later));
  if (told) return { told };
  const [first] = changes;
  if (!first || actionOf(first.type) === "created") return "not_yet";
  return Date.parse(String(first.changes["created_at"]?.[1])) <= instant ? "forgotten" : "not_yet";
}

/** What a record became by these changes, from its first on, in their order; `undefined` without a first. */
export function fold(changes: readonly Change[]): Told | undefined {
  let told: Told | undefined;
  for (const change of changes) {
    const after = Object.entries(change.changes).map(([field, [, value]]) => [field, value]);
    if (actionOf(change.type) === "purged") told = undefined;
    else if (isWhole(change)) told = Object.fromEntries(after);
    else if (told) {
      const implied = { version: change.version, updated_at: isoTime(change.created_at) };
      Object.assign(told, Object.fromEntries(after), implied);
    }
  }
  return told;
}
