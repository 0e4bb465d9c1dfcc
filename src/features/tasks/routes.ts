import { Elysia } from "elysia";
import type { HttpKit } from "../../http/kit";
import { recordRoutes } from "../../http/record-routes";
import { taskFields } from "./fields";
import { TaskInput, TaskPatch } from "./schema";
import type { TaskService } from "./service";

const routes = recordRoutes("tasks", "task");

/** Tasks over HTTP. */
export const taskRoutes = (kit: HttpKit, tasks: TaskService) =>
  new Elysia({ prefix: "/api/tasks", tags: ["Tasks"] })
    .use(kit)
    .get("", ({ actor, list }) => tasks.list(actor, list), { ...routes.list, list: taskFields })
    .post("", ({ actor, body }) => tasks.create(actor, body), { ...routes.create, body: TaskInput })
    .get("/stats", ({ actor, filters }) => tasks.stats(actor, filters), {
      permission: "tasks.read",
      filters: taskFields,
      detail: { summary: "Count the tasks you may see" },
    })
    .get("/:id", ({ actor, params }) => tasks.get(actor, params.id), routes.read)
    .patch("/:id", ({ actor, params, body, ifMatch }) => tasks.change(actor, params.id, body, ifMatch), {
      ...routes.change,
      body: TaskPatch,
    })
    .delete("/:id", ({ actor, params, ifMatch }) => tasks.delete(actor, params.id, ifMatch), routes.delete)
    .post(
      "/:id/restore",
      ({ actor, params, ifMatch }) => tasks.restore(actor, params.id, ifMatch),
      routes.restore,
    )
    .post("/:id/complete", ({ actor, params, ifMatch }) => tasks.complete(actor, params.id, ifMatch), {
      ...routes.act,
      detail: { summary: "Mark a task as done" },
    });
