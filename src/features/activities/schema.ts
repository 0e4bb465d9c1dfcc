import { Type, type Static } from "@sinclair/typebox";
import { isoTime } from "../../clock";
import { actionOf, talks } from "../../events/types";
import { Body, Id, Instant, InstantInput, Nullable } from "../../http/schema";
import { describe } from "./describe";
import type { ActivityRow } from "./store";

/** An event as its reader sees it. */
export const ActivityView = Type.Object(
  {
    id: Type.String(),
    seq: Nullable(Type.Integer({ description: "Its place among all; null until it has one." })),
    actor: Type.Object({
      id: Nullable(Type.String()),
      full_name: Type.String({
        description: "`System` for the server itself, `Somebody` for who is not known.",
      }),
    }),
    entity_type: Type.String(),
    entity_id: Type.String(),
    action: Type.String({ description: "What happened, such as `created`, `updated` or `note`." }),
    description: Type.String({ description: "The same in a sentence." }),
    changes: Type.Record(Type.String(), Type.Array(Type.Unknown(), { minItems: 2, maxItems: 2 }), {
      description: "Each field with its value before and after.",
    }),
    version: Type.Integer({ description: "That of the record afterwards." }),
    request_id: Type.String(),
    created_at: Instant,
  },
  { title: "Activity" },
);
export type ActivityView = Static<typeof ActivityView>;

/** A note, call or meeting with a client. */
export const ActivityInput = Type.Composite(
  [
    Body({
      client_id: Id,
      action: Type.Union(talks.map((talk) => Type.Literal(talk))),
      text: Type.String({
        minLength: 1,
        maxLength: 10_000,
        pattern: "\\S",
        description: "must not be blank",
      }),
    }),
    Type.Partial(
      Body({
        happened_at: InstantInput,
        duration_minutes: Nullable(Type.Integer({ minimum: 1, maximum: 1_440 })),
        direction: Nullable(Type.Union([Type.Literal("incoming"), Type.Literal("outgoing")])),
      }),
    ),
  ],
  { title: "ActivityInput", additionalProperties: false },
);
export type ActivityInput = Static<typeof ActivityInput>;

/** The row as the API shows it. */
export function presentActivity(row: ActivityRow): ActivityView {
  const actor = actorOf(row);
  const action = actionOf(row.type);
  return {
    ...{ id: row.id, seq: row.seq, actor, entity_type: row.entity_type, entity_id: row.entity_id, action },
    description: describe(actor.full_name, row),
    changes: row.changes,
    version: row.version,
    request_id: row.request_id,
    created_at: isoTime(row.created_at),
  };
}

function actorOf({ actor_kind, actor_id, actor_name }: ActivityRow): ActivityView["actor"] {
  if (actor_kind === "user") return { id: actor_id, full_name: actor_name ?? "Somebody" };
  return { id: null, full_name: actor_kind === "system" ? "System" : "Somebody with a link" };
}
