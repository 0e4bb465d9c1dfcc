import type { Config, LoadedConfig } from "../config";
import { listenForErrors } from "./logging";
import { traceWith } from "./tracing/tracing";

/**
 * Starts what tells others how the server is, as far as it is configured: traces, and reports of errors. What is not
 * wanted is not even loaded.
 * @returns ends it
 */
export async function startObservers(
  config: Config,
  profile: LoadedConfig["profile"],
): Promise<() => Promise<void>> {
  const closing: (() => Promise<void>)[] = [];
  const { "tracing.endpoint": endpoint, "reports.dsn": dsn } = config;
  if (endpoint !== null) {
    const { otlpTracing } = await import("./tracing/otlp");
    const headers = headersOf(config["tracing.headers"]);
    const spans = otlpTracing({ endpoint, headers, share: config["tracing.percent"] / 100 });
    traceWith(spans);
    closing.push(async () => {
      traceWith(undefined);
      await spans.close();
    });
  }
  if (dsn !== null) {
    const { sentryReports } = await import("./reports/sentry");
    const reports = sentryReports(dsn, profile);
    listenForErrors(reports.report);
    closing.push(async () => {
      listenForErrors(undefined);
      await reports.close();
    });
  }
  return async () => void (await Promise.all(closing.map((close) => close())));
}

function headersOf(text: string | null): Record<string, string> {
  const pairs = (text ?? "").split(",").filter((pair) => pair.includes("="));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
    }),
  );
}
