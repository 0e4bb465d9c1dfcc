import { fieldsOf } from "../../list";

/** What the list of a file's links can be filtered and sorted by. */
export const shareFields = fieldsOf(
  "file_shares",
  {
    id: { type: "id" },
    created_by: { type: "id" },
    created_at: { type: "instant", sort: true },
    expires_at: { type: "instant", nullable: true },
    revoked_at: { type: "instant", nullable: true },
    view_only: { type: "boolean" },
  },
  { sort: "-created_at" },
);
