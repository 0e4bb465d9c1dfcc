import { Type, type TBoolean } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { version } from "../build";
import { second } from "../clock";
import { features, type Feature } from "../config/features";
import { Busy } from "../errors";
import type { LiveSettings } from "../features/settings/live";
import type { Health } from "../ops/health";
import type { HttpKit } from "./kit";
import { sharedHeaders } from "./openapi/headers";

const StatusView = Type.Union([Type.Literal("ok"), Type.Literal("degraded"), Type.Literal("down")]);

const CheckView = Type.Object(
  {
    status: StatusView,
    detail: Type.Union([Type.String(), Type.Null()], {
      description: "What is wrong and what to do about it.",
    }),
  },
  { title: "HealthCheck" },
);

/** How the server is doing. */
export const HealthView = Type.Object(
  {
    status: StatusView,
    uptime_seconds: Type.Integer(),
    checks: Type.Object({ database: CheckView, disk: CheckView, writers: CheckView, passwords: CheckView }),
  },
  { title: "Health" },
);

const OkView = Type.Object({ status: Type.Literal("ok") }, { title: "Ok" });

const flags = Object.fromEntries(features.map((feature) => [feature, Type.Boolean()])) as Record<
  Feature,
  TBoolean
>;

const ApiView = Type.Object(
  {
    ...{ name: Type.String(), version: Type.String(), health: Type.String() },
    features: Type.Object(
      { ...flags, registration: Type.Boolean() },
      { description: "What is switched on here, so that nobody is offered what would be refused." },
    ),
  },
  { title: "Api" },
);

const comeBackMs = 5 * second;

/** Whoever looks after the server learns from the same report that it is down. */
const down = {
  503: {
    description: "Nothing works: `status` is `down`.",
    // Elysia's types know the schemas of OpenAPI 3.0 alone.
    headers: { "Retry-After": sharedHeaders["Retry-After"] as object },
    content: { "application/json": { schema: HealthView as object } },
  },
};

/** What the server says about itself, to everybody. */
export const systemRoutes = (kit: HttpKit, health: Health, live: LiveSettings) =>
  new Elysia({ tags: ["System"] })
    .use(kit)
    .get(
      "/health",
      async ({ set }) => {
        const report = await health.report();
        if (report.status !== "down") return report;
        set.status = 503;
        set.headers["retry-after"] = String(comeBackMs / second);
        return report;
      },
      {
        permission: "public",
        returns: HealthView,
        detail: { summary: "How the server and what it depends on are doing", responses: down },
      },
    )
    .get("/health/live", () => ({ status: "ok" as const }), {
      permission: "public",
      returns: OkView,
      detail: { summary: "Whether the process runs" },
    })
    .get(
      "/health/ready",
      async () => {
        if (!(await health.isReady())) throw new Busy("The server is not ready.", comeBackMs);
        return { status: "ok" as const };
      },
      { permission: "public", returns: OkView, detail: { summary: "Whether requests are served now" } },
    )
    .get("/api", () => ({ name: "Neo CRM", version, health: "/health", features: switchedOn(live) }), {
      permission: "public",
      returns: ApiView,
      detail: { summary: "Name and version of this API, and what is switched on" },
    });

function switchedOn(live: LiveSettings) {
  const all = features.map((feature) => [feature, live.get(`features.${feature}`)]);
  return {
    ...(Object.fromEntries(all) as Record<Feature, boolean>),
    registration: live.get("auth.registration") === "open",
  };
}
