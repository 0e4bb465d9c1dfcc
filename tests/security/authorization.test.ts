/**
 * Every route, and what it answers to whom. A route that is not here fails the last test: who may call it is a decision,
 * and this is where it is written down.
 */
import { expect, test } from "bun:test";
import { access, secrets, type AccessOptions, type Statuses } from "../support/access";
import { picture } from "../support/documents";
import { oneFile, pictured, upload } from "../support/files";
import { letIn, password, type Name } from "../support/people";
import { mountedRoutes } from "../support/routes";
import { inWorld, play, titleOf, type Scenario, type Setting, type World } from "../support/scenario";

const [note] = secrets;
const given: Setting = {
  clients: {
    acme: { assigned_to: "$minh", email: "info@acme.example", notes: note },
    buried: { assigned_to: "$minh", notes: note, deleted: true },
  },
  tasks: {
    call: { assigned_to: "$minh", description: note },
    dropped: { assigned_to: "$minh", description: note, deleted: true },
  },
  once: async (world) => {
    await upload(world, "lan", "minutes.txt", note, { task_id: "$call" });
    await upload(world, "lan", "lost.txt", note, { task_id: "$call" });
    await world.send("lan", "DELETE", "/api/files/$lost", { headers: { "if-match": "*" } });
    await upload(world, "lan", "portrait.png", await picture("png"), { task_id: "$call" });
    await pictured(world, "lan", world.ids["portrait"]!);
    const shared = await world.send("lan", "POST", "/api/files/$minutes/share", { body: {} });
    Object.assign(world.ids, { link: shared.json.id, token: shared.json.token });
    for (const name of ["shelf", "bin"]) {
      const { json } = await world.send("lan", "POST", "/api/folders", { body: { name } });
      world.ids[name] = json.id;
    }
    await world.send("lan", "DELETE", "/api/folders/$bin");
  },
};

const listed = new Set<string>();
const scenarios: Scenario[] = [];

/**
 * One route and its answers; `$name` in its path stands for the record that is asked for.
 * @param path as it is mounted, with `:id` for what `$name` fills in
 */
function route(path: string, options: AccessOptions & { id?: string }, ...statuses: Statuses): void {
  listed.add(path);
  const { id = "", ...rest } = options;
  scenarios.push(
    ...access(path.replace(/:entity_type\/:entity_id|:id\/share\/:share_id|:\w+/, id), rest, statuses),
  );
}

/** Who signs out comes in again, for those who are asked after them. */
const comeBack =
  (by: Name): Scenario["then"] =>
  async (world: World) =>
    void (world.people[by] = await letIn(world.server, world.people[by].email));

const login = { email: "lan@cast.example", password };
const person = { email: "new@person.example", password: "a long enough phrase", full_name: "New" };
const other = { email: "other@person.example", password: "a long enough phrase", full_name: "Other" };
const missing = "01890a5d-ac96-774b-bcce-b302099a8057";

// prettier-ignore
{
//                                                                              nobody deactivated revoked
//                                                                                │    │   session stranger
//                                                                                │    │    │    │ assigned
//                                                                                │    │    │    │    │ creator
//                                                                                │    │    │    │    │    │ manager
//                                                                                │    │    │    │    │    │    │ admin
route("GET /health", {},                                                         200, 200, 200, 200, 200, 200, 200, 200);
route("GET /health/live", {},                                                    200, 200, 200, 200, 200, 200, 200, 200);
route("GET /health/ready", {},                                                   200, 200, 200, 200, 200, 200, 200, 200);
route("GET /api", {},                                                            200, 200, 200, 200, 200, 200, 200, 200);
route("GET /monitor", {},                                                        200, 200, 200, 200, 200, 200, 200, 200);
route("GET /monitor/assets/:name", { id: "none.js" },                            404, 404, 404, 404, 404, 404, 404, 404);
route("GET /api/admin/monitor", {},                                              401, 401, 401, 403, 403, 403, 403, 200);
route("GET /metrics", {},                                                        401, 401, 401, 403, 403, 403, 403, 200);
route("GET /swagger", {},                                                        200, 200, 200, 200, 200, 200, 200, 200);
route("GET /swagger/json", {},                                                   200, 200, 200, 200, 200, 200, 200, 200);
route("GET /swagger/assets/:name", { id: "none.js" },                            404, 404, 404, 404, 404, 404, 404, 404);

route("POST /api/auth/setup", { body: { ...person, code: "x" } },                409, 409, 409, 409, 409, 409, 409, 409);
route("POST /api/auth/register", { body: person },                               403, 403, 403, 403, 403, 403, 403, 403);
route("POST /api/auth/login", { body: login },                                   200, 200, 200, 200, 200, 200, 200, 200);
route("POST /api/auth/refresh", { body: { refresh_token: "x" } },                401, 401, 401, 401, 401, 401, 401, 401);
route("POST /api/auth/password/forgot", { body: { email: "no@body.example" } },  204, 204, 204, 204, 204, 204, 204, 204);
route("POST /api/auth/password/reset", { body: { token: "x", password } },       422, 422, 422, 422, 422, 422, 422, 422);
route("POST /api/auth/accept", { body: { token: "x", password } },               422, 422, 422, 422, 422, 422, 422, 422);
route("POST /api/auth/verify-email", { body: { token: "x" } },                   422, 422, 422, 422, 422, 422, 422, 422);
route("GET /api/auth/sessions", {},                                              401, 401, 401, 200, 200, 200, 200, 200);
route("DELETE /api/auth/sessions/:id", { id: missing },                          401, 401, 401, 404, 404, 404, 404, 404);
route("POST /api/auth/tickets", { body: { purpose: "ws" }, event: null },         401, 401, 401, 200, 200, 200, 200, 200);

route("GET /api/notifications/stream", { event: null },                           401, 401, 401, 200, 200, 200, 200, 200);
route("GET /ws", {},                                                             400, 400, 400, 400, 400, 400, 400, 400);
route("GET /api/ws", {},                                                         400, 400, 400, 400, 400, 400, 400, 400);

route("GET /api/users/me", {},                                                   401, 401, 401, 200, 200, 200, 200, 200);
route("PATCH /api/users/me", { body: { locale: "vi" } },                         401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/users/me/authorization", {},                                     401, 401, 401, 200, 200, 200, 200, 200);
route("POST /api/users/password", { body: { current_password: "x", new_password: "y" } },
                                                                                 401, 401, 401, 422, 422, 422, 422, 422);
route("POST /api/users/avatar", oneFile("x.png", "no image"),                    401, 401, 401, 422, 422, 422, 422, 422);
route("GET /api/avatars/:id", { id: missing },                                   404, 404, 404, 404, 404, 404, 404, 404);

route("GET /api/users", {},                                                      401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/users/:id", { id: "$minh" },                                     401, 401, 401, 200, 200, 200, 200, 200);
route("PATCH /api/users/:id", { id: "$minh", body: { locale: "vi" } },           401, 401, 401, 403, 200, 403, 403, 200);

route("GET /api/admin/users", {},                                                401, 401, 401, 403, 403, 403, 403, 200);
route("POST /api/admin/users", { body: { ...other, role: "user" }, event: "user.created" },
                                                                                 401, 401, 401, 403, 403, 403, 403, 201);
route("GET /api/admin/users/:id", { id: "$minh" },                               401, 401, 401, 403, 403, 403, 403, 200);
route("PATCH /api/admin/users/:id", { id: "$minh", body: { locale: "vi" } },     401, 401, 401, 403, 403, 403, 403, 200);
route("DELETE /api/admin/users/:id", { id: "$off" },                             401, 401, 401, 403, 403, 403, 403, 204);
route("PUT /api/admin/users/:id/role", { id: "$minh", body: { role: "user" } },  401, 401, 401, 403, 403, 403, 403, 200);
route("GET /api/admin/roles", {},                                                401, 401, 401, 403, 403, 403, 403, 200);

route("POST /api/admin/invitations", { body: { email: "guest@person.example", role: "user" }, event: "user.invited" },
                                                                                 401, 401, 401, 403, 403, 403, 403, 201);

route("GET /api/admin/invitations/:id", { id: missing },                         401, 401, 401, 403, 403, 403, 403, 404);

route("GET /api/admin/settings", {},                                             401, 401, 401, 403, 403, 403, 403, 200);
route("PATCH /api/admin/settings/:key", { id: "retention.days", body: { value: 40 } },
                                                                                 401, 401, 401, 403, 403, 403, 403, 200);

route("GET /api/admin/backups", {},                                              401, 401, 401, 403, 403, 403, 403, 200);
route("POST /api/admin/backups", { body: {} },                                   401, 401, 401, 403, 403, 403, 403, 409);

route("GET /api/jobs/:id", { id: missing },                                      401, 401, 401, 404, 404, 404, 404, 404);
route("GET /api/jobs/:id/errors.csv", { id: missing },                           401, 401, 401, 404, 404, 404, 404, 404);
route("POST /api/jobs/:id/cancel", { id: missing },                              401, 401, 401, 404, 404, 404, 404, 404);
route("POST /api/jobs/:id/undo", { id: missing },                                401, 401, 401, 404, 404, 404, 404, 404);
route("GET /api/admin/jobs", {},                                                 401, 401, 401, 403, 403, 403, 403, 200);
route("POST /api/admin/jobs/:id/retry", { id: missing },                         401, 401, 401, 403, 403, 403, 403, 404);

route("POST /api/bulk/clients", { ...oneFile("x.csv", "name\nx\n", { dry_run: "true" }), event: null },
                                                                                 401, 401, 401, 202, 202, 202, 202, 202);
route("POST /api/bulk/tasks", { ...oneFile("x.csv", "title\nx\n", { dry_run: "true" }), event: null },
                                                                                 401, 401, 401, 202, 202, 202, 202, 202);
route("POST /api/bulk/clients/update", { body: { items: [{ id: missing }], set: { notes: "x" } } },
                                                                                 401, 401, 401, 200, 200, 200, 200, 200);
route("POST /api/bulk/tasks/update", { body: { items: [{ id: missing }], set: { priority: "low" } } },
                                                                                 401, 401, 401, 200, 200, 200, 200, 200);
route("POST /api/bulk/delete", { body: { type: "clients", items: [{ id: missing }] } },
                                                                                 401, 401, 401, 200, 200, 200, 200, 200);
route("DELETE /api/bulk/delete", { body: { type: "tasks", items: [{ id: missing }] } },
                                                                                 401, 401, 401, 200, 200, 200, 200, 200);

route("GET /api/clients", {},                                                    401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/clients/advanced", {},                                           401, 401, 401, 200, 200, 200, 200, 200);
route("POST /api/clients", { body: { name: "x" }, event: "client.created" },     401, 401, 401, 201, 201, 201, 201, 201);
route("GET /api/clients/:id", { id: "$acme" },                                   401, 401, 401, 200, 200, 200, 200, 200);
route("PATCH /api/clients/:id", { id: "$acme", body: { notes: "x" }, event: "client.updated" },
                                                                                 401, 401, 401, 403, 200, 200, 200, 200);
route("DELETE /api/clients/:id", { id: "$acme", event: "client.deleted" },       401, 401, 401, 403, 204, 204, 204, 204);
route("POST /api/clients/:id/restore", { id: "$buried", event: "client.restored" },
                                                                                 401, 401, 401, 404, 200, 200, 200, 200);

route("GET /api/search", {},                                                     401, 401, 401, 400, 400, 400, 400, 400);
route("GET /api/clients/search", {},                                             401, 401, 401, 400, 400, 400, 400, 400);
route("GET /api/tasks/search", {},                                               401, 401, 401, 400, 400, 400, 400, 400);
route("GET /api/tasks", {},                                                      401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/tasks/stats", {},                                                401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/tasks/filter", {},                                               401, 401, 401, 200, 200, 200, 200, 200);
route("POST /api/tasks", { body: { title: "x" }, event: "task.created" },        401, 401, 401, 201, 201, 201, 201, 201);
route("GET /api/tasks/:id", { id: "$call" },                                     401, 401, 401, 404, 200, 200, 200, 200);
route("PATCH /api/tasks/:id", { id: "$call", body: { title: "x" }, event: "task.updated" },
                                                                                 401, 401, 401, 404, 200, 200, 200, 200);
route("POST /api/tasks/:id/complete", { id: "$call", event: "task.updated" },    401, 401, 401, 404, 200, 200, 200, 200);
route("DELETE /api/tasks/:id", { id: "$call", event: "task.deleted" },           401, 401, 401, 404, 204, 204, 204, 204);
route("POST /api/tasks/:id/restore", { id: "$dropped", event: "task.restored" }, 401, 401, 401, 404, 200, 200, 200, 200);

route("GET /api/folders", {},                                                    401, 401, 401, 200, 200, 200, 200, 200);
route("POST /api/folders", { body: { name: "x" }, event: "folder.created" },     401, 401, 401, 201, 201, 201, 201, 201);
route("GET /api/folders/:id", { id: "$shelf" },                                  401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/folders/:id/tree", { id: "$shelf" },                             401, 401, 401, 200, 200, 200, 200, 200);
route("PATCH /api/folders/:id", { id: "$shelf", body: { name: "x" }, event: "folder.updated" },
                                                                                 401, 401, 401, 403, 403, 200, 200, 200);
route("DELETE /api/folders/:id", { id: "$shelf", event: "folder.deleted" },      401, 401, 401, 403, 403, 204, 204, 204);
route("POST /api/folders/:id/restore", { id: "$bin", event: "folder.restored" }, 401, 401, 401, 404, 404, 200, 200, 200);

route("GET /api/files", {},                                                      401, 401, 401, 200, 200, 200, 200, 200);
route("POST /api/files/upload", { ...oneFile("x.txt", "x"), event: "file.created" },
                                                                                 401, 401, 401, 201, 201, 201, 201, 201);
route("POST /api/files/batch-upload", { ...oneFile("x.txt", "x"), event: "file.created" },
                                                                                 401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/files/:id", { id: "$minutes" },                                  401, 401, 401, 404, 200, 200, 200, 200);
route("PATCH /api/files/:id", { id: "$minutes", body: { name: "x" }, event: "file.updated" },
                                                                                 401, 401, 401, 404, 200, 200, 200, 200);
route("GET /api/files/:id/download", { id: "$minutes", event: null },            401, 401, 401, 404, 200, 200, 200, 200);
route("GET /api/files/:id/download-url", { id: "$minutes", event: null },        401, 401, 401, 404, 200, 200, 200, 200);
route("GET /api/files/search", {},                                               401, 401, 401, 400, 400, 400, 400, 400);
route("GET /api/files/:id/metadata", { id: "$minutes", event: null },            401, 401, 401, 404, 200, 200, 200, 200);
route("POST /api/files/:id/metadata", { id: "$minutes", body: {}, event: null }, 401, 401, 401, 404, 202, 202, 202, 202);
route("GET /api/files/preview/:id", { id: "$portrait", event: null },            401, 401, 401, 404, 200, 200, 200, 200);
route("GET /api/files/:id/thumbnail-url", { id: "$portrait", event: null },      401, 401, 401, 404, 200, 200, 200, 200);
route("DELETE /api/files/:id", { id: "$minutes", event: "file.deleted" },        401, 401, 401, 404, 204, 204, 204, 204);
route("GET /api/files/:id/share", { id: "$minutes" },                            401, 401, 401, 404, 200, 200, 200, 200);
route("POST /api/files/:id/share", { id: "$minutes", body: {}, event: "file.shared" },
                                                                                 401, 401, 401, 404, 201, 201, 201, 201);
route("DELETE /api/files/:id/share/:share_id", { id: "$minutes/share/$link" },   401, 401, 401, 404, 204, 204, 204, 204);
route("GET /s/:token", { id: "$token", event: "file.share_opened" },             200, 200, 200, 200, 200, 200, 200, 200);
route("POST /s/:token", { id: "$token", body: { password: "x" } },               303, 303, 303, 303, 303, 303, 303, 303);
route("GET /s/:token/download", { id: "$token", event: "file.share_downloaded" },
                                                                                 200, 200, 200, 200, 200, 200, 200, 200);
route("GET /s/:token/preview", { id: missing.slice(0, 22) },                     404, 404, 404, 404, 404, 404, 404, 404);
route("POST /api/files/:id/restore", { id: "$lost", event: "file.restored" },    401, 401, 401, 404, 200, 200, 200, 200);

route("GET /api/notifications", {},                                              401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/notifications/unread-count", {},                                 401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/notifications/stats", {},                                        401, 401, 401, 200, 200, 200, 200, 200);
route("POST /api/notifications/mark-read", { body: { notification_ids: [missing] } },
                                                                                 401, 401, 401, 404, 404, 404, 404, 404);
route("POST /api/notifications/mark-read/all", {},                               401, 401, 401, 200, 200, 200, 200, 200);
route("POST /api/notifications/bulk-delete", { body: { notification_ids: [missing] } },
                                                                                 401, 401, 401, 404, 404, 404, 404, 404);
route("DELETE /api/notifications/read", {},                                      401, 401, 401, 204, 204, 204, 204, 204);
route("DELETE /api/notifications/:id", { id: missing },                          401, 401, 401, 404, 404, 404, 404, 404);
route("GET /api/notifications/preferences", {},                                  401, 401, 401, 200, 200, 200, 200, 200);
route("POST /api/notifications/preferences", { body: { type: "mention", mail: true } },
                                                                                 401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/activities", {},                                                 401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/activities/user/:id", { id: "$minh" },                           401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/activities/:entity_type/:entity_id", { id: "task/$call" },       401, 401, 401, 404, 200, 200, 200, 200);
route("POST /api/activities", { body: { client_id: "$acme", action: "note", text: "x" }, event: "client.note" },
                                                                                 401, 401, 401, 201, 201, 201, 201, 201);
route("GET /api/clients/:id/timeline", { id: "$acme" },                          401, 401, 401, 200, 200, 200, 200, 200);

route("GET /api/export/clients", { event: null },                                401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/export/tasks", { event: null },                                  401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/export/activities", { event: null },                             401, 401, 401, 200, 200, 200, 200, 200);

route("GET /api/dashboard/stats", {},                                            401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/dashboard/activity-feed", {},                                    401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/analytics/task-completion", {},                                  401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/analytics/client-engagement", {},                                401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/analytics/user-activity", {},                                    401, 401, 401, 200, 200, 200, 200, 200);
route("GET /api/analytics/storage-usage", {},                                    401, 401, 401, 200, 200, 200, 200, 200);

}

/** Those who sign out, for whom the table would be too wide: everybody else is refused. */
for (const path of ["POST /api/auth/logout", "POST /api/auth/logout-all"]) {
  listed.add(path);
  const [, target] = path.split(" ") as [string, string];
  for (const by of ["nobody", "off", "gone"] as const) scenarios.push({ by, post: target, status: 401 });
  for (const by of ["stranger", "minh", "lan", "manager", "admin"] as const)
    scenarios.push({ by, post: target, status: 204, then: comeBack(by) });
}

inWorld("who may call what", given, (world) => {
  for (const scenario of scenarios) test(titleOf(scenario), async () => void (await play(scenario, world())));

  test("is written down for every route, and for none that is gone", () => {
    expect([...listed].toSorted()).toEqual(
      mountedRoutes()
        .map(({ name }) => name)
        .toSorted(),
    );
  });
});
