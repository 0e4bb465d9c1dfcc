import { newId } from "../ids";
import type { Actor } from "../policy";
import type { ExportRequest } from "./exported";
import type { Attempt } from "./idempotency";
import type { Filter, ListRequest } from "../list";
import type { Parameters } from "./parameters";

/** What was wrong with credentials, for programs and for people. */
export interface RefusedCredentials {
  code: "invalid_token" | "invalid_ticket";
  detail: string;
}

/** One request on its way through the server: what every part may ask about it. */
export interface Call {
  readonly id: string;
  /** The client's address; behind a trusted proxy, the one that the proxy saw. */
  readonly address: string;
  /** Whether it came over HTTPS, by the word of a trusted proxy. */
  readonly isSecure: boolean;
  /** The path without its query. */
  readonly path: string;
  /** For durations only. */
  readonly startedAt: number;
  /** Who asks, or `null` for nobody. */
  actor: Actor | null;
  /** Why the credentials that were shown are no good. */
  credentialsRefused: RefusedCredentials | null;
  /** Bytes that the route takes as JSON where that is more than elsewhere; else 0. */
  longBody: number;
  /** Whether the route reads the query; where it does not, a query is refused. */
  queryRead: boolean;
  /** The query of a list, once it is parsed. */
  list: ListRequest | null;
  /** The query of an export, once it is parsed. */
  exported: ExportRequest | null;
  /** The query of what is done over all records that match, once it is parsed. */
  filters: readonly Filter[] | null;
  /** The other parameters of the query that were given, by name. */
  parameters: Parameters;
  /** The code of the problem that answers it. */
  problem: string | null;
  /** The POST with an `Idempotency-Key` that this call takes on. */
  attempt: Attempt | null;
}

/** Kept on the request itself: the collector looks through a WeakMap of all of them each time. */
const ofRequest = Symbol("call");
type Carrying = Request & { [ofRequest]?: Call };

const safeId = /^[A-Za-z0-9._:-]{8,128}$/;

/** Takes the caller's `X-Request-Id` when it is 8–128 safe characters, else makes one. */
export const requestIdOf = (given: string | null) => (given !== null && safeId.test(given) ? given : newId());

/** Opens the call of a request. `derive` would not run for unknown paths and parse errors, so hooks look it up. */
export function openCall(request: Request, address: string, isSecure: boolean): Call {
  const call: Call = {
    id: requestIdOf(request.headers.get("x-request-id")),
    address,
    isSecure,
    path: pathOf(request.url),
    startedAt: performance.now(),
    actor: null,
    credentialsRefused: null,
    longBody: 0,
    queryRead: false,
    list: null,
    problem: null,
    exported: null,
    filters: null,
    parameters: {},
    attempt: null,
  };
  (request as Carrying)[ofRequest] = call;
  return call;
}

/** The call of a request; every request has one before anything else sees it. */
export function callOf(request: Request): Call {
  return (request as Carrying)[ofRequest] ?? openCall(request, "unknown", false);
}

/** The path of a URL, without building a URL object. Where the `Host` is no host, the URL begins with its path. */
function pathOf(url: string) {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return "/";
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}

/** The query of an absolute URL, without the question mark. */
export function queryOf(url: string) {
  const start = url.indexOf("?");
  return start < 0 ? "" : url.slice(start + 1);
}
