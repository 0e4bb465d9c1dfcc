import { Elysia } from "elysia";
import { shown, shownPage } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { asOf, recordRoutes } from "../../http/record-routes";
import { searchOf } from "../../list";
import { taskFields } from "./fields";
import { TaskInput, TaskPatch, TaskStats, TaskView } from "./schema";
import type { TaskService } from "./service";

/** Tasks over HTTP. */
export function taskRoutes(kit: HttpKit, tasks: TaskService) {
  const routes = recordRoutes("tasks", { noun: "task", view: TaskView, unique: ["external_id"] });
  return new Elysia({ prefix: "/api/tasks", tags: ["Tasks"] })
    .use(kit)
    .get("", ({ actor, list }) => shownPage(tasks.written.list(actor, list)), {
      ...routes.list,
      list: taskFields,
    })
    .post("", ({ actor, body }) => tasks.create(actor, body), {
      ...routes.create,
      body: TaskInput,
      example: {
        title: "Call Bjørn about the renewal",
        priority: "high",
        client_id: "{{clients_id}}",
        due_date: "2027-05-04T09:00:00+02:00",
      },
    })
    .get("/stats", ({ actor, filters }) => tasks.stats(actor, filters), {
      permission: "tasks.read",
      filters: taskFields,
      returns: TaskStats,
      detail: { summary: "Count the tasks you may see" },
    })
    .get("/search", ({ actor, list }) => shownPage(tasks.written.list(actor, list)), {
      ...routes.list,
      list: searchOf(taskFields),
      detail: { summary: "Search the tasks you may see" },
      walk: { query: "q=bjorn" },
    })
    .get("/filter", ({ actor, list }) => shownPage(tasks.written.list(actor, list)), {
      ...routes.list,
      list: taskFields,
      detail: { summary: "List the tasks you may see, by groups of filters" },
    })
    .get(
      "/:id",
      ({ actor, params, parameters }) => shown(tasks.written.get(actor, params.id, asOf(parameters, actor))),
      routes.read,
    )
    .patch("/:id", ({ actor, params, body, ifMatch }) => tasks.change(actor, params.id, body, ifMatch), {
      ...routes.change,
      body: TaskPatch,
      problems: ["invalid_transition"],
      example: { status: "in_progress", description: "Ask for the new address too." },
    })
    .delete("/:id", ({ actor, params, ifMatch }) => tasks.delete(actor, params.id, ifMatch), routes.delete)
    .post(
      "/:id/restore",
      ({ actor, params, ifMatch }) => tasks.restore(actor, params.id, ifMatch),
      routes.restore,
    )
    .post("/:id/complete", ({ actor, params, ifMatch }) => tasks.complete(actor, params.id, ifMatch), {
      ...routes.act,
      problems: ["invalid_transition"],
      detail: { summary: "Mark a task as done" },
    });
}
