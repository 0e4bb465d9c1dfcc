import { fieldsOf } from "../../list";
import { notificationTypes } from "./types";

/** What the list of one's notifications can be filtered and sorted by. */
export const notificationFields = fieldsOf(
  "notifications",
  {
    id: { type: "id" },
    type: { type: "choice", of: notificationTypes },
    is_read: { type: "boolean" },
    read_at: { type: "instant", nullable: true },
    created_at: { type: "instant", sort: true },
  },
  { sort: "-created_at", shortcuts: { read: "is_read" } },
);
