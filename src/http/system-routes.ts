import { Elysia } from "elysia";
import { version } from "../build";
import { Busy } from "../errors";
import type { Health } from "../ops/health";
import type { HttpKit } from "./kit";

/** What the server says about itself, to everybody. */
export const systemRoutes = (kit: HttpKit, health: Health) =>
  new Elysia({ tags: ["System"] })
    .use(kit)
    .get(
      "/health",
      async ({ set }) => {
        const report = await health.report();
        if (report.status === "down") set.status = 503;
        return report;
      },
      { permission: "public", detail: { summary: "How the server and what it depends on are doing" } },
    )
    .get("/health/live", () => ({ status: "ok" as const }), {
      permission: "public",
      detail: { summary: "Whether the process runs" },
    })
    .get(
      "/health/ready",
      async () => {
        if (!(await health.isReady())) throw new Busy("The server is not ready.", 5_000);
        return { status: "ok" as const };
      },
      { permission: "public", detail: { summary: "Whether requests are served now" } },
    )
    .get("/api", () => ({ name: "Neo CRM", version, health: "/health" }), {
      permission: "public",
      detail: { summary: "Name and version of this API" },
    });
