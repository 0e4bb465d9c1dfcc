import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { ExportResultCode, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from "@opentelemetry/sdk-trace";
import { version } from "../../build";
import { second } from "../../clock";
import { log } from "../logging";
import { redactText } from "../redact";
import type { Tracing } from "./tracing";

/** Where traces go, and how many. */
export interface OtlpOptions {
  /** The collector's address, without `/v1/traces`. */
  endpoint: string;
  headers: Record<string, string>;
  /** The share of requests that are traced, from 0 to 1; who sends a `traceparent` decides it themselves. */
  share: number;
}

/** How long a server that stops waits for what is left to be sent. */
const closeMs = 2 * second;

/** Sends traces to an OpenTelemetry collector over OTLP/HTTP, in the background and in portions. */
export function otlpTracing({ endpoint, headers, share }: OtlpOptions): Tracing {
  const contexts = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contexts);
  const w3c = new W3CTraceContextPropagator();
  propagation.setGlobalPropagator(w3c);
  const exporter = telling(new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers }));
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "neocrm", "service.version": version }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer("neocrm", version);
  const requests = new WeakMap<Request, Span>();
  return {
    span(name, attributes, work, parent) {
      const within = parent === undefined ? context.active() : contextOf(w3c, parent);
      return tracer.startActiveSpan(name, { attributes }, within, (span) => ended(span, work));
    },
    request(request, answer) {
      const { pathname } = new URL(request.url);
      const attributes = { "http.request.method": request.method, "url.path": redactText(pathname) };
      const caller = contextOf(w3c, request.headers.get("traceparent"), request.headers.get("tracestate"));
      const span = tracer.startSpan(request.method, { kind: SpanKind.SERVER, attributes }, caller);
      requests.set(request, span);
      return context.with(trace.setSpan(caller, span), answer);
    },
    requestSpan(request) {
      const span = requests.get(request);
      return span && { end: (route, status) => endRequest(span, request.method, route, status) };
    },
    traceparent() {
      const carrier: Record<string, string> = {};
      w3c.inject(context.active(), carrier, { set: (into, key, value) => (into[key] = value) });
      return carrier["traceparent"];
    },
    async close() {
      // A collector that is away neither holds up the end nor makes it a failure.
      const sent = provider.shutdown().then(
        () => true,
        () => false,
      );
      if (!(await Promise.race([sent, Bun.sleep(closeMs)]))) log.warn("Traces were left behind");
      contexts.disable();
      context.disable();
      propagation.disable();
    },
  };
}

/** Has the log say when traces cannot be sent, and when they can again: once each, not with every portion. */
function telling(exporter: SpanExporter): SpanExporter {
  let isAway = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const isFailed = result.code !== ExportResultCode.SUCCESS;
        if (isFailed && !isAway) log.warn("Traces cannot be sent", { reason: result.error?.message });
        if (!isFailed && isAway) log.info("Traces are sent again");
        isAway = isFailed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/** What a caller's headers say of the trace that it is in; of no sense, a new one. */
function contextOf(
  w3c: W3CTraceContextPropagator,
  parent: string | null,
  state: string | null = null,
): Context {
  const carrier = { traceparent: parent ?? undefined, tracestate: state ?? undefined };
  return w3c.extract(ROOT_CONTEXT, carrier, {
    get: (from: typeof carrier, key) => from[key as keyof typeof carrier],
    keys: (from) => Object.keys(from),
  });
}

function endRequest(span: Span, method: string, route: string | null, status: number): void {
  if (route !== null) {
    span.updateName(`${method} ${route}`);
    span.setAttribute("http.route", route);
  }
  span.setAttribute("http.response.status_code", status);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** Ends a span with its work. Of an error, its kind and message are told, without secrets. */
function ended<T>(span: Span, work: () => T): T {
  const failed = (error: unknown) => {
    const message = redactText(error instanceof Error ? error.message : String(error));
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    span.setAttribute("error.type", error instanceof Error ? error.name : typeof error);
    span.end();
    throw error;
  };
  let result: T;
  try {
    result = work();
  } catch (error) {
    return failed(error);
  }
  if (!(result instanceof Promise)) {
    span.end();
    return result;
  }
  // The same promise, a turn later: a T that is a promise stays one.
  return result.then((value: unknown) => (span.end(), value), failed) as T;
}
