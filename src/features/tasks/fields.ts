import { fieldsOf, recordFields } from "../../list";
import { clientFields } from "../clients/fields";
import { pendingStatuses, taskPriorities, taskStatuses } from "./schema";

/** What lists of tasks can be filtered and sorted by. */
export const taskFields = fieldsOf(
  "tasks",
  {
    title: { type: "text", key: "title_key", sort: true, searched: true },
    status: { type: "choice", of: taskStatuses, groups: { pending: pendingStatuses }, sort: true },
    priority: { type: "choice", of: taskPriorities, key: "priority_key", ranked: true, sort: true },
    client_id: { type: "id", nullable: true },
    due_date: { type: "instant", nullable: true, sort: true },
    remind_at: { type: "instant", nullable: true },
    completed_at: { type: "instant", nullable: true, sort: true },
    ...recordFields,
  },
  {
    sort: "-created_at",
    shortcuts: {
      status: "status",
      priority: "priority",
      assigned_to: "assigned_to",
      assignee: "assigned_to",
      client_id: "client_id",
    },
    softDeleted: true,
    searched: true,
    relations: { client: { key: "client_id", fields: clientFields } },
  },
);
