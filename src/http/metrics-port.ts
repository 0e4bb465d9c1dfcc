import { NotFound } from "../errors";
import { newId } from "../ids";
import type { Health } from "../ops/health";
import { logOf } from "../ops/logging";
import type { Metrics } from "../ops/metrics";
import { metricsPath } from "./metrics-routes";
import { problemOf } from "./problem";

const log = logOf("http");

/** Whoever can connect to it is on this machine: that is the whole protection, so it is no setting. */
const hostname = "127.0.0.1";

/**
 * Serves the figures and the health without a token, to this machine alone.
 * @throws Error when the port is taken
 */
export function listenForMetrics(port: number, metrics: Metrics, health: Health): { close(): Promise<void> } {
  const server = listen(port, {
    [metricsPath]: {
      GET: async () =>
        new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } }),
    },
    "/health": {
      GET: async () => {
        const report = await health.report();
        return Response.json(report, { status: report.status === "down" ? 503 : 200 });
      },
    },
  });
  log.info("Metrics without a token, for this machine", { url: `${server.url.origin}${metricsPath}` });
  return { close: () => server.stop(true) };
}

function listen(port: number, routes: Record<string, { GET: () => Promise<Response> }>) {
  try {
    return Bun.serve({ hostname, port, routes, fetch: notFound, reusePort: false, development: false });
  } catch (error) {
    if ((error as { code?: string }).code !== "EADDRINUSE") throw error;
    throw new Error(`Port ${port} of ${hostname} is taken: choose another metrics.port (METRICS_PORT).`, {
      cause: error,
    });
  }
}

function notFound(request: Request): Response {
  const problem = problemOf(new NotFound("endpoint"), new URL(request.url).pathname, newId());
  return Response.json(problem, { status: 404, headers: { "content-type": "application/problem+json" } });
}
