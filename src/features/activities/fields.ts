import { actionOf, entityTypes, eventTypes } from "../../events/types";
import { fieldsOf } from "../../list";

/** `updated` stands for `client.updated`, `task.updated` and whatever else is updated. */
const actions = Object.fromEntries(Map.groupBy(eventTypes, actionOf));

/** What lists of activities can be filtered and sorted by. */
export const activityFields = fieldsOf(
  "events",
  {
    id: { type: "id" },
    actor: { type: "id", key: "actor_id", nullable: true },
    action: { type: "choice", key: "type", of: eventTypes, groups: actions },
    entity_type: { type: "choice", of: entityTypes },
    entity_id: { type: "id" },
    changed: { type: "keys", key: "changes" },
    created_at: { type: "instant", sort: true },
  },
  { sort: "-created_at" },
);
