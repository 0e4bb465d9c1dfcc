import { fieldsOf } from "../../list";

/** What the list of one's sessions can be filtered and sorted by. */
export const sessionFields = fieldsOf(
  "sessions",
  {
    id: { type: "id" },
    created_at: { type: "instant", sort: true },
    last_used_at: { type: "instant", sort: true },
    expires_at: { type: "instant" },
  },
  { sort: "-created_at" },
);
