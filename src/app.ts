import { cors } from "@elysiajs/cors";
import { Elysia } from "elysia";
import type { Config } from "./config";
import { accountRoutes } from "./features/auth/account-routes";
import { activityRoutes } from "./features/activities/routes";
import { authRoutes, passwordRoutes } from "./features/auth/routes";
import { invitationRoutes } from "./features/auth/invitation-routes";
import { resetRoutes } from "./features/auth/reset-routes";
import { ticketRoutes } from "./features/auth/ticket-routes";
import { backupRoutes } from "./features/backups/routes";
import { bulkRoutes } from "./features/bulk/routes";
import { dashboardRoutes } from "./features/dashboard/routes";
import { exportRoutes } from "./features/exports/routes";
import { fileRoutes } from "./features/files/routes";
import { folderRoutes } from "./features/folders/routes";
import { linkRoutes } from "./features/shares/link-routes";
import { shareRoutes } from "./features/shares/routes";
import { clientRoutes } from "./features/clients/routes";
import { notificationRoutes } from "./features/notifications/routes";
import { importRoutes } from "./features/imports/routes";
import { jobRoutes } from "./features/jobs/routes";
import { searchRoutes } from "./features/search/routes";
import { settingRoutes } from "./features/settings/routes";
import { taskRoutes } from "./features/tasks/routes";
import { avatarRoutes } from "./features/users/avatar-routes";
import { userRoutes } from "./features/users/routes";
import type { MountedRoute } from "./http/declared";
import { edge, opening } from "./http/edge";
import { httpKit } from "./http/kit";
import { routeTable, type RouteTable } from "./http/methods";
import { documentRoutes } from "./http/openapi/routes";
import { metricsRoutes, scraper } from "./http/metrics-routes";
import { monitorRoutes } from "./http/monitor-routes";
import { systemRoutes } from "./http/system-routes";
import type { Health } from "./ops/health";
import type { Parts } from "./parts";
import { shareProblemPage } from "./web/share/page";
import { socketRoutes } from "./realtime/socket";
import { streamRoutes } from "./realtime/stream";

/**
 * The server's HTTP on one page: what every request passes, then every mount.
 * @throws Error when a route declares no permission
 */
export function buildApp(config: Config, parts: Parts, health: Health) {
  const routes: RouteTable = [];
  const mounted: MountedRoute[] = [];
  const { limiter, live } = parts;
  const kit = httpKit({
    idempotency: parts.idempotency,
    bodyLimit: config["server.body_limit"],
    requireIfMatch: () => live.get("api.require_if_match"),
    defaultCountry: () => live.get("clients.default_country"),
    isOn: (feature) => live.get(`features.${feature}`),
  });
  const arriving = {
    proxies: parts.proxies,
    transport: parts.transport,
    metrics: parts.metrics.requests,
  };
  const attempts = { limiter, perMinute: () => live.get("limits.auth_per_minute") };

  const app = new Elysia({ normalize: false, handler: { standardHostname: false } })
    .use(opening(arriving))
    .use(crossOrigin(config["cors.origins"]))
    .use(
      edge({
        ...arriving,
        identify: parts.identities.identify,
        admitTicket: parts.tickets.admit,
        scraper: scraper(() => live.get("metrics.token")),
        idempotency: parts.idempotency,
        limiter,
        limits: () => ({ ip: live.get("limits.ip_per_minute"), user: live.get("limits.user_per_minute") }),
        problemPage: shareProblemPage,
        routes,
      }),
    )
    .use(systemRoutes(kit, health, live))
    .use(
      documentRoutes(
        kit,
        once(async () => {
          // Loaded when the document is first asked for.
          const { openApiDocument } = await import("./http/openapi/document");
          return JSON.stringify(openApiDocument(mounted));
        }),
      ),
    )
    .use(authRoutes(kit, parts.auth, parts.sessions, attempts))
    .use(resetRoutes(kit, parts.resets, attempts))
    .use(invitationRoutes(kit, parts.invitations, parts.verifications, attempts))
    .use(ticketRoutes(kit, parts.tickets))
    .use(passwordRoutes(kit, parts.passwords, attempts))
    .use(userRoutes(kit, parts.users))
    .use(avatarRoutes(kit, parts.avatars))
    .use(accountRoutes(kit, parts.accounts, parts.users))
    .use(settingRoutes(kit, parts.settings))
    .use(backupRoutes(kit, parts.backups))
    .use(jobRoutes(kit, parts.jobs))
    .use(bulkRoutes(kit, parts.bulk))
    .use(importRoutes(kit, parts.imports))
    .use(searchRoutes(kit, parts.search))
    .use(clientRoutes(kit, parts.clients))
    .use(taskRoutes(kit, parts.tasks))
    .use(folderRoutes(kit, parts.folders))
    .use(
      fileRoutes(kit, {
        files: parts.files,
        uploads: parts.uploads,
        tickets: parts.tickets,
        mostAtOnce: () => live.get("files.max_count"),
        linkTo: (path) => parts.links.to(path),
      }),
    )
    .use(shareRoutes(kit, parts.shares))
    .use(linkRoutes(kit, { visits: parts.visits, transport: parts.transport }))
    .use(notificationRoutes(kit, parts.notifications))
    .use(activityRoutes(kit, parts.activities))
    .use(exportRoutes(kit, parts.exports, parts))
    .use(streamRoutes(kit, parts.hub))
    .use(
      socketRoutes(kit, {
        hub: parts.hub,
        identify: parts.identities.identify,
        framesPerSecond: () => live.get("realtime.frames_per_second"),
      }),
    )
    .use(dashboardRoutes(kit, parts.dashboard, parts.activities))
    .use(metricsRoutes(kit, parts.metrics))
    .use(monitorRoutes(kit, { monitor: parts.monitor, metrics: parts.metrics, health }));

  mounted.push(...app.routes);
  routes.push(...routeTable(mounted));
  return app;
}

/** The server's HTTP, as a typed client sees it. */
export type App = ReturnType<typeof buildApp>;

/** Makes the value when it is first asked for. */
function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** What a browser may read of an answer from another origin. */
const exposedHeaders = [
  "Accept-Ranges",
  "Allow",
  "Content-Disposition",
  "Content-Range",
  "ETag",
  "Idempotency-Replayed",
  "Location",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "X-Request-Id",
];
const acceptedHeaders = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "If-Range",
  "Range",
  "X-Request-Id",
];

/** CORS for the origins that were named; tokens travel in a header, so no cookies are allowed along. */
function crossOrigin(origins: readonly string[]) {
  if (origins.length === 0) return new Elysia();
  const allowed = new Set(origins);
  return cors({
    // A function, because `true` would answer `Vary: *`, after which no browser revalidates what it keeps.
    origin: ({ headers }) => allowed.has("*") || allowed.has(headers.get("origin") ?? ""),
    methods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    allowedHeaders: acceptedHeaders,
    exposeHeaders: exposedHeaders,
    credentials: false,
    maxAge: 600,
  });
}
