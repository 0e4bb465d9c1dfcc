import { fieldsOf } from "../../list";
import { jobStates } from "./schema";

/** What lists of jobs can be filtered and sorted by. */
export const jobFields = fieldsOf(
  "jobs",
  {
    id: { type: "id" },
    kind: { type: "text" },
    state: { type: "choice", of: jobStates },
    created_by: { type: "id", nullable: true },
    created_at: { type: "instant", sort: true },
    finished_at: { type: "instant", nullable: true },
  },
  { sort: "-created_at", shortcuts: { state: "state" } },
);
