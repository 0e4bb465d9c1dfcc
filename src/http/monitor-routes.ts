import { Type, type Static } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { commit, version } from "../build";
import { isoTime } from "../clock";
import { JobView, presentJob } from "../features/jobs/schema";
import type { Health } from "../ops/health";
import { recentLog } from "../ops/logging";
import type { Metrics } from "../ops/metrics";
import { quantile, type Series } from "../ops/metrics/histogram";
import type { Monitor } from "../ops/monitor/monitor";
import { monitorPage } from "../web/monitor/page";
import { pageRoutes } from "../web/page";
import type { HttpKit } from "./kit";
import { Instant, Nullable } from "./schema";
import { HealthView } from "./system-routes";

const Ms = Nullable(Type.Number({ description: "Milliseconds; null where there was nothing to measure." }));
const Column = Type.Array(Type.Number());
const MsColumn = Type.Array(Nullable(Type.Number()));

const JobUnderWay = Type.Pick(JobView, ["id", "kind", "done", "total", "rate", "eta_seconds"], {
  title: "JobUnderWay",
});

/** What whoever looks after the server is shown. */
const MonitorReport = Type.Object(
  {
    version: Type.String(),
    commit: Nullable(Type.String()),
    health: HealthView,
    now: Type.Object(
      {
        requests_per_second: Type.Number(),
        errors_per_second: Type.Number({ description: "Answers 5xx." }),
        ...{ p50_ms: Ms, p95_ms: Ms, p99_ms: Ms },
        cpu: Type.Number({ description: "The share of one processor." }),
        memory_bytes: Type.Integer(),
        event_loop_delay_ms: Ms,
        connections: Type.Integer({ description: "Open WebSockets and event streams." }),
        disk_free_bytes: Nullable(Type.Integer()),
        disk_size_bytes: Nullable(Type.Integer()),
        active_users: Type.Object({ hour: Type.Integer(), day: Type.Integer() }),
      },
      { description: "The last minute." },
    ),
    queues: Type.Array(Type.Object({ kind: Type.String(), state: Type.String(), count: Type.Integer() }), {
      description: "Jobs that wait, run, or have failed for good.",
    }),
    under_way: Type.Array(JobUnderWay, {
      description: "The first of the jobs that run and say how far they are; `backup` counts bytes.",
    }),
    history: Type.Object(
      {
        ...{ at: Type.Array(Instant), requests: Column, errors: Column },
        ...{ p50_ms: MsColumn, p95_ms: MsColumn, p99_ms: MsColumn },
        ...{ cpu: Column, memory_bytes: Column, event_loop_delay_ms: MsColumn },
        ...{ connections: Column, disk_free_bytes: MsColumn },
      },
      { description: "The last 24 hours: each list has a figure for each minute." },
    ),
    routes: Type.Array(
      Type.Object({
        ...{ route: Type.String(), method: Type.String() },
        ...{ count: Type.Integer(), errors: Type.Integer() },
        ...{ p50_ms: Ms, p95_ms: Ms },
      }),
      { description: "The slowest since the start." },
    ),
    work: Type.Array(Type.Object({ what: Type.String(), count: Type.Integer(), p50_ms: Ms, p95_ms: Ms }), {
      description: "What else takes its time, since the start: searches, files, notifications, jobs.",
    }),
    queries: Type.Array(
      Type.Object({
        statement: Type.String(),
        count: Type.Integer({ description: "How often it took 10 ms or more." }),
        ...{ mean_ms: Type.Number(), longest_ms: Type.Number() },
      }),
      { description: "The reads that took the most time since the start, of those that took 10 ms or more." },
    ),
    log: Type.Array(
      Type.Object({
        ...{ time: Instant, level: Type.String(), message: Type.String() },
        fields: Type.Record(Type.String(), Type.Unknown()),
      }),
      { description: "The end of the log, without requests that went well." },
    ),
  },
  { title: "Monitor" },
);
type MonitorReport = Static<typeof MonitorReport>;

/** How many routes and statements are shown. */
const shown = 10;

/** What the monitoring page is made of. */
export interface MonitorOptions {
  monitor: Monitor;
  metrics: Metrics;
  health: Health;
}

/** A page for whoever looks after the server, and what it shows. */
export const monitorRoutes = (kit: HttpKit, options: MonitorOptions) =>
  new Elysia({ tags: ["System"] })
    .use(kit)
    .use(
      pageRoutes(kit, {
        path: "/monitor",
        summary: "A page that shows how the server is, to admins who sign in on it",
        source: monitorPage,
      }),
    )
    .get("/api/admin/monitor", () => report(options), {
      permission: "monitoring.read",
      returns: MonitorReport,
      detail: { summary: "How the server is, and was in the last 24 hours" },
    });

async function report({ monitor, metrics, health }: MonitorOptions): Promise<MonitorReport> {
  const { latest, figures, history } = monitor;
  const column = <Value>(value: (sample: (typeof history)[number]) => Value) => history.map(value);
  return {
    ...{ version, commit: commit ?? null },
    health: await health.report(),
    now: {
      requests_per_second: rounded(latest.requests / latest.seconds),
      errors_per_second: rounded(latest.errors / latest.seconds),
      ...{ p50_ms: latest.p50, p95_ms: latest.p95, p99_ms: latest.p99 },
      ...{ cpu: latest.cpu, memory_bytes: latest.memory, event_loop_delay_ms: latest.delay },
      connections: latest.sockets,
      ...{ disk_free_bytes: figures.disk?.free ?? null, disk_size_bytes: figures.disk?.size ?? null },
      active_users: figures.activeUsers,
    },
    queues: figures.jobs.map(({ kind, state, count }) => ({ kind, state, count })),
    under_way: (await monitor.underWay(shown)).map(presentJob).map(howFar),
    history: {
      ...{ at: column(({ at }) => isoTime(at)), requests: column(({ requests }) => requests) },
      ...{ errors: column(({ errors }) => errors), cpu: column(({ cpu }) => cpu) },
      ...{
        p50_ms: column(({ p50 }) => p50),
        p95_ms: column(({ p95 }) => p95),
        p99_ms: column(({ p99 }) => p99),
      },
      ...{ memory_bytes: column(({ memory }) => memory), event_loop_delay_ms: column(({ delay }) => delay) },
      ...{ connections: column(({ sockets }) => sockets), disk_free_bytes: column((each) => each.disk_free) },
    },
    routes: slowest(metrics.requests.answers),
    work: [{ what: "searches", series: metrics.requests.searches }, ...metrics.work.durations].map(worked),
    queries: metrics.slowQueries.worst(shown).map(({ statement, count, total, longest }) => ({
      ...{ statement, count },
      ...{ mean_ms: rounded((total / count) * 1_000), longest_ms: rounded(longest * 1_000) },
    })),
    log: recentLog().map((line) => ({ ...line, time: isoTime(line.time) })),
  };
}

const howFar = ({ id, kind, done, total, rate, eta_seconds }: JobView) => ({
  ...{ id, kind, done, total, rate, eta_seconds },
});

/** The routes with the highest 95th percentile, whatever their status. */
function slowest(answers: readonly Series<"route" | "method" | "status">[]): MonitorReport["routes"] {
  const byRoute = Map.groupBy(answers, ({ labels }) => `${labels.method} ${labels.route}`);
  return [...byRoute.values()]
    .map(ofRoute)
    .toSorted((a, b) => (b.p95_ms ?? 0) - (a.p95_ms ?? 0))
    .slice(0, shown);
}

function ofRoute(series: readonly Series<"route" | "method" | "status">[]): MonitorReport["routes"][number] {
  const { labels, bounds } = series[0]!;
  const counts = new Float64Array(bounds.length + 1);
  for (const each of series) each.counts.forEach((count, bucket) => (counts[bucket]! += count));
  const total = (some: typeof series) =>
    some.reduce((sum, each) => sum + each.counts.reduce((all, count) => all + count, 0), 0);
  const ms = (share: number) => rounded((quantile(bounds, counts, share) ?? 0) * 1_000);
  return {
    ...{ route: labels.route, method: labels.method, count: total(series) },
    errors: total(series.filter((each) => each.labels.status.startsWith("5"))),
    ...{ p50_ms: ms(0.5), p95_ms: ms(0.95) },
  };
}

function worked({ what, series }: { what: string; series: Series<never> }): MonitorReport["work"][number] {
  const ms = (share: number) => {
    const seconds = quantile(series.bounds, series.counts, share);
    return seconds === null ? null : rounded(seconds * 1_000);
  };
  const count = series.counts.reduce((all, each) => all + each, 0);
  return { what, count, p50_ms: ms(0.5), p95_ms: ms(0.95) };
}

const rounded = (number: number) => Math.round(number * 1_000) / 1_000;
