import { Elysia } from "elysia";
import { jobAnswer } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { ClientPatch } from "../clients/schema";
import { JobView } from "../jobs/schema";
import { TaskPatch } from "../tasks/schema";
import { BulkDelete, BulkUpdate, mostBytes } from "./schema";
import type { BulkService } from "./service";

const description =
  "Up to 500 records are changed at once, in one transaction; more by a job. Each is changed by the rules of a single change and has an " +
  "event of its own; what is left out stands in `errors.csv` of the job, and `undo` takes all of it back.";

const shared = () =>
  ({
    longBody: mostBytes,
    answer: jobAnswer,
    returns: JobView,
    problems: ["too_many_jobs"],
    detail: {
      description,
      responses: { 202: { description: "A job does it; `Location` says how far it is." } },
    },
  }) as const;

/** Changes of many records. */
export const bulkRoutes = (kit: HttpKit, bulk: BulkService) =>
  new Elysia({ prefix: "/api/bulk", tags: ["Bulk"] })
    .use(kit)
    .post("/clients/update", ({ actor, body }) => bulk.update(actor, "clients", body), {
      ...shared(),
      permission: "clients.update",
      body: BulkUpdate("BulkClientUpdate", ClientPatch),
      example: {
        filter: { status: "prospect", name: { starts_with: "zzz" } },
        expected_count: 0,
        set: { status: "inactive" },
      },
      detail: { ...shared().detail, summary: "Change many clients" },
    })
    .post("/tasks/update", ({ actor, body }) => bulk.update(actor, "tasks", body), {
      ...shared(),
      permission: "tasks.update",
      body: BulkUpdate("BulkTaskUpdate", TaskPatch),
      example: {
        filter: { status: "todo", title: { starts_with: "zzz" } },
        expected_count: 0,
        set: { priority: "low" },
      },
      detail: { ...shared().detail, summary: "Change many tasks" },
    })
    .post("/delete", ({ actor, body: { type, ...selection } }) => bulk.delete(actor, type, selection), {
      ...shared(),
      permission: "signed-in",
      body: BulkDelete,
      example: { type: "tasks", filter: { title: { starts_with: "zzz" } }, expected_count: 0 },
      detail: { ...shared().detail, summary: "Delete many records; they can be restored" },
    })
    .delete("/delete", ({ actor, body: { type, ...selection } }) => bulk.delete(actor, type, selection), {
      ...shared(),
      permission: "signed-in",
      body: BulkDelete,
      example: { type: "tasks", filter: { title: { starts_with: "zzz" } }, expected_count: 0 },
      detail: { ...shared().detail, summary: "Delete many records; they can be restored" },
    });
