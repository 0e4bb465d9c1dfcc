import { now } from "../clock";
import { tellAfterCommit } from "../db/after-commit";
import type { RowOf } from "../db/rows";
import type { Session } from "../db/store";
import { newId } from "../ids";
import { append, appendAll, type NewEvent } from "./append";
import type { Actor } from "../policy";
import type { EventType } from "./types";

/** What events tell of. */
export type EntityType = RecordName | "user" | "session" | "setting";

/** Those of them that their events rebuild. */
export type RecordName = "client" | "task" | "folder" | "file";

/** A record as its resource presents it: what the wire has, so an event can rebuild it. */
export type Recorded = { id: string; version: number } & Record<string, unknown>;

/** Every changed field with its value before and after. */
export type Changes = RowOf<"events">["changes"];

/** What a transaction that recorded something tells after its commit. */
export const eventsTopic = "events";

/**
 * Records what happened, in the transaction that does it. `before` is null for a creation, which then carries
 * every field. Pass records as they are presented, so that no secret can be among the fields.
 */
export async function record(
  session: Session,
  actor: Actor,
  type: EventType,
  before: Recorded | null,
  after: Recorded,
  at = now(),
): Promise<void> {
  await append(session, eventOf(actor, type, before, after, at));
  tellAfterCommit(session, eventsTopic);
}

/** Records that the same happened to many at once, each with an event of its own. */
export async function recordEach(
  session: Session,
  actor: Actor,
  type: EventType,
  changed: readonly { before: Recorded | null; after: Recorded }[],
  at = now(),
): Promise<void> {
  await appendAll(
    session,
    changed.map(({ before, after }) => eventOf(actor, type, before, after, at)),
  );
  tellAfterCommit(session, eventsTopic);
}

/**
 * Records something about a record that changes nothing of it, such as a note: `told` stands among the event's changes.
 * @param about the record as it is
 */
export async function remark(
  session: Session,
  actor: Actor,
  type: EventType,
  about: { id: string; version: number },
  told: Record<string, unknown>,
  at = now(),
): Promise<RowOf<"events">> {
  const event = await append(session, {
    ...eventOf(actor, type, null, { id: about.id, version: about.version }, at),
    changes: creation(told),
  });
  tellAfterCommit(session, eventsTopic);
  return event;
}

/** Tells the same of many records, each with an event of its own. @param about the records as they are */
export async function remarkEach(
  session: Session,
  actor: Actor,
  type: EventType,
  about: readonly { id: string; version: number }[],
  at = now(),
): Promise<void> {
  await appendAll(
    session,
    about.map(({ id, version }) => ({ ...eventOf(actor, type, null, { id, version }, at), changes: {} })),
  );
  tellAfterCommit(session, eventsTopic);
}

/** The event that says what a record was at an instant, for when the events before are forgotten. */
export const snapshotOf = (
  actor: Actor,
  entity: RecordName,
  id: string,
  version: number,
  told: Record<string, unknown>,
  at: number,
): NewEvent => ({
  ...eventOf(actor, `${entity}.snapshot`, null, { id, version }, at),
  changes: creation(told),
});

const eventOf = (
  actor: Actor,
  type: EventType,
  before: Recorded | null,
  after: Recorded,
  at: number,
): NewEvent => ({
  id: newId(),
  type,
  entity_type: type.slice(0, type.indexOf(".")),
  entity_id: after.id,
  version: after.version,
  actor_kind: actor.kind,
  actor_id: actor.userId,
  request_id: actor.requestId,
  job_id: actor.jobId ?? null,
  changes: before ? difference(before, after) : creation(after),
  created_at: at,
});

/** These change with every write, and the event itself says how. */
const implied = new Set(["version", "updated_at"]);

function difference(before: Recorded, after: Recorded): Changes {
  const changes: Changes = {};
  for (const [field, value] of Object.entries(after)) {
    if (implied.has(field) || Bun.deepEquals(before[field], value)) continue;
    changes[field] = [before[field] ?? null, value];
  }
  return changes;
}

function creation(after: Record<string, unknown>): Changes {
  const changes: Changes = {};
  for (const field of Object.keys(after)) changes[field] = [null, after[field]];
  return changes;
}
