import { createStackParser, createTransport, Scope, type ErrorEvent } from "@sentry/core";
import { nodeStackLineParser, ServerRuntimeClient } from "@sentry/core/server";
import { commit, version } from "../../build";
import { second } from "../../clock";
import { log } from "../logging";
import type { LogLine } from "../log-format";
import { redactText } from "../redact";

/** Reports of errors, on their way to whoever looks after the server. */
export interface ErrorReports {
  /** Reports what the log says, secrets masked, with the error that it came from. */
  report(line: LogLine, error: unknown): void;
  /** Sends what is left, for at most two seconds. */
  close(): Promise<void>;
}

const closeMs = 2 * second;

/** Reports to Sentry, or to what speaks its protocol. Nothing is said but what stands in the log: no request, no person. */
export function sentryReports(dsn: string, environment: string): ErrorReports {
  const client = new ServerRuntimeClient({
    ...{ dsn, environment, release: `neocrm@${version}+${commit ?? "source"}` },
    ...{ integrations: [], sendDefaultPii: false, platform: "javascript" },
    runtime: { name: "bun", version: Bun.version },
    beforeSend: asItIsSent,
    stackParser: createStackParser(nodeStackLineParser()),
    transport: (options) =>
      createTransport(options, async ({ body }) => {
        const answer = await fetch(options.url, {
          method: "POST",
          headers: options.headers,
          body: body as BodyInit,
          signal: AbortSignal.timeout(10 * second),
        });
        await answer.arrayBuffer();
        return {
          statusCode: answer.status,
          headers: {
            "x-sentry-rate-limits": answer.headers.get("x-sentry-rate-limits"),
            "retry-after": answer.headers.get("retry-after"),
          },
        };
      }),
  });
  client.init();
  return {
    report({ message, fields }, error) {
      const { error: told, ...others } = fields;
      const scope = new Scope();
      scope.setExtras({ ...others, told });
      scope.setTag("message", message);
      scope.setFingerprint(["{{ default }}", message]);
      client.captureException(error, undefined, scope);
    },
    async close() {
      if (!(await client.close(closeMs))) log.warn("Reports of errors were left behind");
    },
  };
}

/** The log masks secrets in what it writes; an error says the same once more. And Sentry shows and groups by what is ours. */
function asItIsSent(event: ErrorEvent): ErrorEvent {
  for (const exception of event.exception?.values ?? []) {
    if (exception.value !== undefined) exception.value = redactText(exception.value);
    // A relative path is taken for a part of the runtime.
    for (const frame of exception.stacktrace?.frames ?? [])
      frame.in_app = frame.filename?.startsWith("src/") ?? false;
  }
  return event;
}
