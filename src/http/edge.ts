import { ValidationError, type AnyElysia } from "elysia";
import { second } from "../clock";
import { Forbidden, Refusal, TooMany } from "../errors";
import type { Limiter } from "../integrations/limiter";
import { logOf, logRequest } from "../ops/logging";
import type { RequestMetrics } from "../ops/metrics/requests";
import { tracing } from "../ops/tracing/tracing";
import type { Identity } from "../policy";
import { sendPage, wantsPage, type Page } from "../web/html";
import type { ResponseSet } from "./answer";
import { callOf, openCall, queryOf, type Call, type RefusedCredentials } from "./call";
import { clientAddress, isSecure, type TrustedProxies } from "./client-address";
import { isFree, isHealth } from "./free";
import { limitKey } from "../integrations/limiter";
import { Replay, type Attempt, type Idempotency, type KeptAnswer } from "./idempotency";
import { allowedMethods, ticketUse, type RouteTable, type TicketUse } from "./methods";
import { metricsPath, type Scraper } from "./metrics-routes";
import { faultOf, problemOf, type Problem } from "./problem";
import { countRequest } from "./rate-limit";
import { refusalOf } from "./refusals";

const log = logOf("http");

/** Who a bearer token belongs to; a text says why it is refused. At once when the token is known. */
export type Identify = (token: string) => Identity | string | Promise<Identity | string>;

/** Whom a ticket lets in; a text says why nobody. */
export type AdmitTicket = (ticket: string, use: TicketUse) => Promise<Identity | string>;

/** How requests reach the server. Read at each one: the configuration may change. */
export interface Transport {
  https: "off" | "redirect" | "require";
  hstsSeconds: number;
  /** Where browsers reach the server, without a slash at the end. */
  publicUrl: string | null;
}

/** What the edge needs from the server. */
export interface EdgeOptions {
  identify: Identify;
  admitTicket: AdmitTicket;
  /** Knows the bearer of the metrics token. */
  scraper: Scraper;
  /** Counts what was answered and refused. */
  metrics: RequestMetrics;
  idempotency: Idempotency;
  limiter: Limiter;
  /** Requests a minute; 0 for no limit. Read at each request: an admin may change them. */
  limits: () => { ip: number; user: number };
  proxies: TrustedProxies;
  transport: Transport;
  /** How a browser is shown a problem at this path; `undefined` where it gets the document, as programs do. */
  problemPage: (path: string, problem: Problem) => Page | undefined;
  /** Filled in once every route is mounted. */
  routes: RouteTable;
}

/** Anybody can send a path of 16 KB; the log need not hold it. */
const longestLoggedPath = 500;

const securityHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** The first thing that happens to a request: it gets its id and its address. */
export const opening =
  ({ proxies, transport, metrics }: Pick<EdgeOptions, "proxies" | "transport" | "metrics">) =>
  <App extends AnyElysia>(app: App): App => {
    if (tracing()) app.wrap(traced);
    app.headers(securityHeaders).onRequest(({ request, set }) => {
      // Not the context's `server`: for a hook that names it, Elysia defines a getter on the context of every request.
      const peer = app.server?.requestIP(request)?.address ?? "unknown";
      const forwardedFor = request.headers.get("x-forwarded-for");
      const address = clientAddress(peer, forwardedFor, proxies);
      if (forwardedFor !== null && !proxies.has(address) && address === clientAddress(peer, null, proxies)) {
        metrics.forwardedInVain(address);
      }
      const call = openCall(
        request,
        address,
        isSecure(peer, request.headers.get("x-forwarded-proto"), proxies),
      );
      set.headers["x-request-id"] = call.id;
      const trace = tracing()?.traceparent();
      // Where browsers look for the trace of an answer.
      if (trace !== undefined) set.headers["server-timing"] = `traceparent;desc="${trace}"`;
      // Without a host, the URL begins with its path, and the router would take another path from it than we do.
      if (request.url.startsWith("/")) throw withoutHost();
      if (!call.isSecure) return;
      const { https, hstsSeconds } = transport;
      if (https === "off" || hstsSeconds === 0) return;
      set.headers["strict-transport-security"] = `max-age=${hstsSeconds}; includeSubDomains`;
    });
    return app;
  };

/** Answers within the span of the request. */
const traced =
  (answer: (...given: unknown[]) => unknown, request: Request) =>
  (...given: unknown[]) =>
    tracing()?.request(request, () => answer(...given)) ?? answer(...given);

/**
 * What every request passes next and every response last: HTTPS, who asks, the limits, the problem document of
 * whatever was thrown, and the line in the log.
 */
export const edge =
  (options: EdgeOptions) =>
  <App extends AnyElysia>(app: App): App => {
    app
      .onRequest(async ({ request, set }) => {
        const call = callOf(request);
        const elsewhere = enforceHttps(options.transport, request, call, set);
        if (elsewhere) return elsewhere;
        // A check of the server's health must not depend on the database that tokens are looked up in.
        if (isFree(call.path)) return undefined;
        const asked = identifyCaller(options, request, call);
        if (asked) await asked;
        const counted = countCall(options, call, set);
        if (counted) await counted;
        return undefined;
      })
      .onError({ as: "global" }, async ({ error, request, set, code }) => {
        const answer = await answerError(options, { error, notFound: code === "NOT_FOUND", request, set });
        options.idempotency.release(callOf(request));
        return answer;
      })
      .onAfterResponse({ as: "global" }, ({ request, set, route }) => {
        const call = callOf(request);
        const status = Number(set.status ?? 200);
        const ms = performance.now() - call.startedAt;
        options.metrics.answered(route || null, request.method, status, ms / second);
        if (call.problem !== null) options.metrics.problem(route || null, call.problem);
        else if (isSearch(call)) options.metrics.searched(ms / second);
        tracing()
          ?.requestSpan(request)
          ?.end(route || null, status);
        logRequest({
          request_id: call.id,
          method: request.method,
          path: call.path.slice(0, longestLoggedPath),
          route: route || null,
          status,
          ms,
          actor: call.actor?.userId ?? null,
          address: call.address,
        });
      });
    return app;
  };

const withoutHost = () =>
  new Refusal(
    "malformed",
    "invalid_host",
    "Name the server in the Host header, as in Host: crm.example.com.",
  );

/** Whether it asks for words: `q` of a search or of a list. */
const isSearch = ({ parameters, list }: Call) =>
  parameters["q"] !== undefined || (list?.filters.some(({ op }) => op === "search") ?? false);

/** Redirects or refuses what came in the clear; whoever checks the server's health may always do so. */
function enforceHttps(
  { https, publicUrl }: Transport,
  request: Request,
  call: Call,
  set: ResponseSet,
): Response | undefined {
  if (https === "off" || call.isSecure || isHealth(call.path)) return undefined;
  // A body, and most often a token, went over the wire already: sending it again elsewhere would hide that.
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (https !== "redirect" || !isRead) {
    throw new Forbidden("This server answers over HTTPS only.", "https_required");
  }
  const location = secureUrl(request.url, publicUrl);
  set.status = 308;
  return new Response(null, { status: 308, headers: { location } });
}

/** The same over HTTPS: at the server's public address where it is known, because anybody can write a `Host`. */
function secureUrl(url: string, publicUrl: string | null): string {
  if (!publicUrl?.startsWith("https:")) return url.replace(/^http:/, "https:");
  return publicUrl + url.slice(url.indexOf("/", url.indexOf("://") + 3));
}

/** Gives a promise only where the tables must be asked: an async function costs as much as all of this. */
function identifyCaller(options: EdgeOptions, request: Request, call: Call): Promise<void> | undefined {
  const header = request.headers.get("authorization");
  if (header === null) return identifyByTicket(options, request, call);
  const token = /^Bearer +([\w.~+/=-]+)$/i.exec(header)?.[1];
  if (token === undefined) {
    admitAs(call, "The Authorization header is not of the form: Bearer <access token>.");
    return undefined;
  }
  const isScraped = call.path === metricsPath;
  const identity = (isScraped && options.scraper(token)) || options.identify(token);
  if (identity instanceof Promise) return identity.then((known) => admitAs(call, known));
  admitAs(call, identity);
  return undefined;
}

/** What cannot send headers shows a ticket in the query, where the route takes one: to read, and for nothing else. */
function identifyByTicket(
  { routes, admitTicket }: Pick<EdgeOptions, "routes" | "admitTicket">,
  { method, url }: Request,
  call: Call,
): Promise<void> | undefined {
  const query = queryOf(url);
  if (method !== "GET" || query === "") return undefined;
  const use = ticketUse(routes, call.path);
  const ticket = use && new URLSearchParams(query).get("ticket");
  if (!use || ticket == null) return undefined;
  return admitTicket(ticket, use).then((known) => admitAs(call, known, "invalid_ticket"));
}

/** @param identity whom the credentials belong to; a text says why they are refused, with `code` for programs */
function admitAs(
  call: Call,
  identity: Identity | string,
  code: RefusedCredentials["code"] = "invalid_token",
): void {
  if (typeof identity === "string") call.credentialsRefused = { code, detail: identity };
  else call.actor = { ...identity, requestId: call.id };
}

function countCall(
  { limiter, limits }: EdgeOptions,
  call: Call,
  set: ResponseSet,
): Promise<void> | undefined {
  // Prometheus: what it shares its address with must not blind it.
  if (call.actor?.kind === "system") return undefined;
  const { ip, user } = limits();
  const refusal = "Too many requests. Slow down.";
  return call.actor?.userId
    ? countRequest(limiter, set, { policy: "user", quota: user, key: `user ${call.actor.userId}`, refusal })
    : countRequest(limiter, set, { policy: "ip", quota: ip, key: `ip ${limitKey(call.address)}`, refusal });
}

interface Failure {
  error: unknown;
  notFound: boolean;
  request: Request;
  set: ResponseSet;
}

async function answerError(options: EdgeOptions, failure: Failure): Promise<unknown> {
  const { error, request, set } = failure;
  if (error instanceof Replay) return replay(error, set);
  const call = callOf(request);
  const refusal = refusalFor(options.routes, failure, call.path);
  if (refusal instanceof TooMany) options.metrics.refused(refusal.policy);
  if (!refusal)
    log.error("Request failed", { request_id: call.id, method: request.method, path: call.path, error });
  else if (refusal.kind === "busy" || refusal.kind === "no_space") {
    log.warn(refusal.message, { request_id: call.id, path: call.path, error: refusal.cause });
  }
  const problem = refusal ? problemOf(refusal, call.path, call.id) : faultOf(call.path, call.id);
  call.problem = problem.code;
  set.status = problem.status;
  set.headers["content-type"] = "application/problem+json";
  set.headers["cache-control"] = "no-store";
  Object.assign(set.headers, refusal?.details.headers);
  const page = wantsPage(request) ? options.problemPage(call.path, problem) : undefined;
  if (page) return sendPage(set, page);
  if (!refusal || !call.attempt) return problem;
  try {
    const first = await keepRefusal(options.idempotency, call.attempt, problem, refusal.details.headers);
    return first ? replay(first, set) : problem;
  } catch (fault) {
    if (fault instanceof Refusal) return answerError(options, { ...failure, error: fault });
    log.warn("A refusal could not be kept for its Idempotency-Key", { request_id: call.id, error: fault });
    return problem;
  }
}

/** A refusal stays the answer to its key, unless the next attempt may fare better. */
async function keepRefusal(
  idempotency: Idempotency,
  attempt: Attempt,
  problem: Problem,
  headers: Record<string, string> = {},
): Promise<KeptAnswer | undefined> {
  const { status } = problem;
  if (status === 401 || status === 429 || status >= 500) return undefined;
  if (problem.code.startsWith("idempotency_")) return undefined;
  const kept = { ...headers, "content-type": "application/problem+json" };
  return idempotency.keepRefusal(attempt, { status, headers: kept, body: JSON.stringify(problem) });
}

function replay({ status, headers, body }: KeptAnswer, set: ResponseSet): unknown {
  set.status = status;
  Object.assign(set.headers, headers, { "idempotency-replayed": "true" });
  return body === null ? "" : JSON.parse(body);
}

/** `undefined` when it is a fault of ours. */
function refusalFor(routes: RouteTable, failure: Failure, path: string): Refusal | undefined {
  const { error, notFound, request } = failure;
  if (notFound) return noSuchRoute(routes, request.method, path);
  // `GET /users/password` is a `GET /users/:id` that names no record: it is meant for the `POST` of that path.
  const isNoId = error instanceof ValidationError && error.type === "params";
  const fixed = isNoId ? routes.filter((route) => route.isFixed && route.path.test(path)) : [];
  return fixed.length > 0 ? noSuchRoute(fixed, request.method, path) : refusalOf(error);
}

/** No route for this path, or none for this method: then `Allow` says which there are. */
function noSuchRoute(routes: RouteTable, method: string, path: string): Refusal {
  const allowed = allowedMethods(routes, path);
  if (allowed.length === 0) return new Refusal("not_found", "not_found", "There is no such endpoint.");
  return new Refusal("method_not_allowed", "method_not_allowed", `${method} is not offered here.`, {
    headers: { allow: allowed.join(", ") },
  });
}
