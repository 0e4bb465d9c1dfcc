import { Elysia } from "elysia";
import type { HttpKit } from "../../http/kit";
import { PageOf } from "../../http/schema";
import { activityFields } from "../activities/fields";
import { ActivityView } from "../activities/schema";
import type { ActivityService } from "../activities/service";
import { readRange } from "./range";
import { ClientEngagement, DashboardStats, RangeQuery, TaskCompletion, UserActivity } from "./schema";
import type { DashboardService } from "./service";

const ranged = {
  permission: "signed-in",
  parameters: RangeQuery,
  problems: ["invalid_instant", "out_of_range"],
} as const;

/** What is shown first. */
export const dashboardRoutes = (kit: HttpKit, dashboard: DashboardService, activities: ActivityService) =>
  new Elysia({ prefix: "/api", tags: ["Dashboard"] })
    .use(kit)
    .get("/dashboard/stats", ({ actor }) => dashboard.stats(actor), {
      permission: "signed-in",
      returns: DashboardStats,
      detail: { summary: "Count what you may see" },
    })
    .get("/dashboard/activity-feed", ({ actor, list }) => activities.list(actor, list), {
      permission: "activities.read",
      list: activityFields,
      returns: PageOf(ActivityView),
      detail: { summary: "List what happened last, as far as you may see it" },
    })
    .get(
      "/analytics/task-completion",
      ({ actor, parameters }) => dashboard.taskCompletion(actor, readRange(parameters, actor.timeZone)),
      { ...ranged, returns: TaskCompletion, detail: { summary: "Tasks made and done, by day or week" } },
    )
    .get(
      "/analytics/client-engagement",
      ({ actor, parameters }) => dashboard.clientEngagement(actor, readRange(parameters, actor.timeZone)),
      {
        ...ranged,
        returns: ClientEngagement,
        detail: { summary: "What happened with clients, by day or week" },
      },
    )
    .get(
      "/analytics/user-activity",
      ({ actor, parameters }) => dashboard.userActivity(actor, readRange(parameters, actor.timeZone)),
      { ...ranged, returns: UserActivity, detail: { summary: "How much each did, by day or week" } },
    );
