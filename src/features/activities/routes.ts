import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { entityTypes } from "../../events/types";
import { activityLogged } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { Id, IdParams, PageOf } from "../../http/schema";
import { activityFields } from "./fields";
import { ActivityInput, ActivityView } from "./schema";
import type { ActivityService } from "./service";

/** Of users it is told under `?filter[entity_type]=user`: under this path, `user` says by whom. */
const EntityParams = Type.Object({
  entity_type: Type.Union(entityTypes.filter((name) => name !== "user").map((name) => Type.Literal(name))),
  entity_id: Id,
});

const listed = {
  permission: "activities.read",
  list: activityFields,
  returns: PageOf(ActivityView),
} as const;

/** What happened. Nothing changes or removes it. */
export const activityRoutes = (kit: HttpKit, activities: ActivityService) =>
  new Elysia({ prefix: "/api", tags: ["Activities"] })
    .use(kit)
    .post("/activities", ({ actor, body }) => activities.log(actor, body), {
      permission: "activities.create",
      body: ActivityInput,
      answer: activityLogged,
      returns: ActivityView,
      example: {
        client_id: "{{clients_id}}",
        action: "call",
        text: "Wants an offer for next year. @ada@example.com, can you write it?",
        happened_at: "2026-05-04T09:00:00+02:00",
        duration_minutes: 12,
        direction: "incoming",
      },
      walk: {
        keeps: {
          user_id: "answer.actor.id",
          entity_type: "answer.entity_type",
          entity_id: "answer.entity_id",
        },
      },
      detail: { summary: "Log a note, a call or a meeting on a client" },
    })
    .get("/activities", ({ actor, list }) => activities.list(actor, list), {
      ...listed,
      detail: { summary: "List what happened, as far as you may see it" },
    })
    .get("/activities/user/:id", ({ actor, params, list }) => activities.by(actor, params.id, list), {
      ...listed,
      params: IdParams,
      detail: { summary: "List what somebody did" },
    })
    .get(
      "/activities/:entity_type/:entity_id",
      ({ actor, params, list }) => activities.about(actor, params, list),
      {
        ...listed,
        params: EntityParams,
        detail: { summary: "List what happened to a record" },
      },
    )
    .get("/clients/:id/timeline", ({ actor, params, list }) => activities.timeline(actor, params.id, list), {
      ...listed,
      params: IdParams,
      detail: { summary: "List what happened to a client, and to its tasks and files" },
    });
