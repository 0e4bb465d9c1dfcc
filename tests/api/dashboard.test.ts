/** The figures of the dashboard agree with what lists say to the same person. */
import { expect, test } from "bun:test";
import { casts, traffic } from "../support/traffic";
import { told } from "../support/notifier";
import { inWorld, scenarios } from "../support/scenario";

scenarios("what a dashboard is asked", {}, [
  {
    by: "lan",
    get: "/api/dashboard/stats",
    status: 200,
    has: { clients: { total: 0 }, tasks: { total: 0 }, notifications: { unread: 0 } },
  },
  {
    by: "lan",
    get: "/api/analytics/task-completion?by=month",
    status: 400,
    problem: { code: "invalid_choice" },
  },
  {
    by: "lan",
    get: "/api/analytics/user-activity?from=x",
    status: 400,
    problem: { code: "invalid_instant" },
  },
  {
    by: "lan",
    get: "/api/analytics/user-activity?from=now-2y",
    status: 400,
    problem: { code: "out_of_range" },
  },
  {
    by: "lan",
    get: "/api/analytics/user-activity?from=now&to=now-2d",
    status: 400,
    problem: { field: "from" },
  },
  {
    by: "lan",
    get: "/api/analytics/user-activity?page=1",
    status: 400,
    problem: { code: "unknown_parameter" },
  },
  {
    by: "lan",
    get: "/api/analytics/client-engagement?by=week&from=2026-05-06T12:00:00Z&to=2026-05-12T12:00:00Z",
    status: 200,
    has: {
      from: "2026-05-04T00:00:00.000Z",
      to: "2026-05-18T00:00:00.000Z",
      data: [{ date: "2026-05-04" }, { date: "2026-05-11" }],
    },
  },
]);

for (const visibility of ["all", "own"] as const) {
  inWorld(
    `figures with clients visible to ${visibility}`,
    { env: { NEOCRM_VISIBILITY_CLIENTS: visibility } },
    (world) => {
      test("are those of the lists", async () => {
        await traffic(world(), 120, 31);
        await told(world());
        for (const by of casts) {
          const get = async (path: string) => (await world().send(by, "GET", path)).json;
          const total = async (path: string) => (await get(`${path}&limit=1&count=exact`)).pagination.total;
          expect(await get("/api/dashboard/stats")).toEqual({
            clients: {
              total: await total("/api/clients?"),
              active: await total("/api/clients?status=active"),
              new_this_week: await total("/api/clients?"),
            },
            tasks: {
              total: await total("/api/tasks?"),
              completed: await total("/api/tasks?status=done"),
              pending: await total("/api/tasks?status=pending"),
              overdue: await total("/api/tasks?status=pending&filter[due_date][lt]=now"),
              due_today: 0,
            },
            files: { total: await total("/api/files?"), bytes: 0 },
            notifications: { unread: await total("/api/notifications?read=false") },
          });
          const last = async (path: string) => (await get(path)).data.at(-1);
          expect(await last("/api/analytics/task-completion")).toMatchObject({
            created: await total("/api/tasks?filter[created_at][gte]=today"),
            completed: await total("/api/tasks?filter[completed_at][gte]=today"),
          });
          const events = (filter: string) =>
            total(`/api/activities?filter[entity_type]=client&filter[created_at][gte]=today&${filter}`);
          const changed = ["updated", "deleted", "restored"];
          expect(await last("/api/analytics/client-engagement")).toMatchObject({
            added: await events("filter[action]=created"),
            changed: await events(`filter[action][in]=${changed.join()}`),
            notes: await events("filter[action]=note"),
            calls: 0,
          });
          const { actions, users, by_user } = await last("/api/analytics/user-activity?by=week");
          expect(users).toBe(by_user.length);
          const each = by_user.map((one: { actions: number }) => one.actions);
          expect(each.reduce((sum: number, one: number) => sum + one, 0)).toBe(actions);
          for (const one of by_user)
            expect(one.actions).toBe(await total(`/api/activities?filter[actor]=${one.id}`));
          const feed = await get("/api/dashboard/activity-feed?limit=5");
          expect(feed).toEqual(await get("/api/activities?limit=5"));
        }
      }, 60_000);
    },
  );
}
