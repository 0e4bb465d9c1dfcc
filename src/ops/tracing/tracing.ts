import type { Attributes } from "@opentelemetry/api";

/** What a trace says about a piece of work: names of OpenTelemetry's semantic conventions, values without secrets. */
export type SpanAttributes = Attributes;

/** A request that is traced, from its first byte to its end. */
export interface RequestSpan {
  /** Ends it. @param route the template that answered, `null` when none did */
  end(route: string | null, status: number): void;
}

/** Records what the server does as traces. Where nobody wants traces, there is none of these and nothing costs anything. */
export interface Tracing {
  /**
   * Does work as a span within whatever is under way; a rejection makes it a failed one.
   * @param parent the `traceparent` (W3C Trace Context) of what it belongs to, where that is long over
   */
  span<T>(name: string, attributes: SpanAttributes, work: () => T, parent?: string): T;
  /** Answers a request as a span within the caller's trace, if there is one. */
  request<T>(request: Request, answer: () => T): T;
  /** The span of a request that is being answered. */
  requestSpan(request: Request): RequestSpan | undefined;
  /** The `traceparent` of what is under way, for whoever goes on with it later or elsewhere. */
  traceparent(): string | undefined;
  /** Sends what is left. */
  close(): Promise<void>;
}

let current: Tracing | undefined;

/** The tracing of this process, if it has one: it follows what is under way, which is the process's own. */
export const tracing = (): Tracing | undefined => current;

/** From here on, this process is traced; `undefined` ends that. */
export function traceWith(tracing: Tracing | undefined): void {
  current = tracing;
}
