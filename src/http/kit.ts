import type { TObject, TSchema, TString } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { Feature } from "../config/features";
import { Forbidden, Invalid, Refusal, Unauthenticated } from "../errors";
import { isId } from "../ids";
import type { Actor, Permission } from "../policy";
import type { ProblemCode } from "../problems";
import { writtenJson, writtenPage, type AnswerOf, type ResponseSet } from "./answer";
import { readJson, readWebForm } from "./body";
import { callOf, queryOf, type Call } from "./call";
import { declare, type TicketPurpose, type Walk } from "./declared";
import { readExport, type Exported, type ExportRequest } from "./exported";
import { readIdempotencyKey, Replay, type Idempotency } from "./idempotency";
import {
  fieldsFor,
  parseFilters,
  parseList,
  type Fields,
  type Filter,
  type ListOptions,
  type ListRequest,
} from "../list";
import { readParameters } from "./parameters";
import { isUnchanged, readIfMatch } from "./preconditions";

/** What the shared parts of a route need from the server. */
export interface KitOptions {
  idempotency: Idempotency;
  /** Bytes that a JSON body may have. */
  bodyLimit: number;
  /** Whether a change without `If-Match` is refused. */
  requireIfMatch: () => boolean;
  /** ISO 3166 code of phone numbers without a country code, in filters. */
  defaultCountry: () => string | null;
  /** Whether a feature is switched on. */
  isOn: (feature: Feature) => boolean;
}

/** What Elysia is told instead of `undefined` for an empty body, which it would try to read again. */
const nothing = Symbol("no body");

/** The part of Elysia's context that a route's checks work on. */
interface Incoming {
  request: Request;
  params?: Record<string, string>;
  body?: unknown;
}

/** What is known of an answer before it is written. */
interface Outgoing {
  request: Request;
  responseValue: unknown;
  set: ResponseSet;
}

/** Bytes that a body may have from somebody who is not signed in: nothing they may send needs more. */
const strangersLimit = 16 * 1024;

/**
 * What a route gets by declaring it. Hooks name what they use of the context: for one that passes it on as a whole, Elysia
 * reads the query, the headers and the cookies of every request.
 *
 * - `permission`: who may call it; `actor` in the handler. Checked before the body is even read.
 * - `list`: the resource's fields; the parsed query as `list`.
 * - `exported`: the fields of a list and what is shown of a record; the parsed query of an export as `wanted`.
 * - `filters`: the same fields, for a query of filters alone; as `filters`.
 * - `parameters`: what its query may have, most often ids; those that were given as `parameters`.
 * - `ticket`: for what a ticket in the query lets its bearer in here, instead of an access token (see `edge.ts`).
 * - `feature`: what an admin may switch off, and the route with it. Declared behind `permission`.
 * - `form`: its body is a form with files, which the handler reads (`multipart.ts`). Declared before `permission`.
 * - `webForm`: its body may also be what a page's form sends. Declared before `permission`.
 * - `longBody`: so many bytes its JSON may have from somebody signed in, where that is more than elsewhere. Declared before `permission`.
 * - `orText`: it takes a text of this media type as well, which the handler reads.
 * - `answer`: status and headers of the result (`created`, `versioned`, `noContent`); `Idempotency-Key` on POST.
 * - `conditional`: `If-Match` as `ifMatch`.
 * - for the documents alone: `returns`, `problems`, `example`, `walk`.
 */
export function httpKit({ idempotency, bodyLimit, requireIfMatch, defaultCountry, isOn }: KitOptions) {
  const optionsOf = ({ actor }: Call): ListOptions => ({
    timeZone: actor?.timeZone ?? "UTC",
    country: defaultCountry(),
  });
  const visible = ({ actor }: Call, fields: Fields) => fieldsFor(fields, actor?.grants ?? {});
  return new Elysia({ name: "http-kit" }).macro({
    permission: (permission: Permission) => {
      const guard = (request: Request) => admit(callOf(request), permission);
      return {
        ...declare("permission", permission),
        parse: async ({ request }: Incoming) => {
          guard(request);
          const { actor, longBody } = callOf(request);
          const most = actor ? Math.max(bodyLimit, longBody) : Math.min(bodyLimit, strangersLimit);
          const body = await readJson(request, most);
          return body === undefined ? nothing : anObject(body);
        },
        transform: (incoming: Incoming) => {
          guard(incoming.request);
          if (incoming.body === nothing) incoming.body = undefined;
          lowerIds(incoming.params);
        },
        resolve: ({ request }: { request: Request }) => {
          const call = callOf(request);
          if (!call.queryRead) refuseQuery(request.url);
          // Public routes may be called by nobody; they do not use `actor`, or ask for it as what it then is.
          return { actor: call.actor as Actor };
        },
      };
    },

    form: (schema: TObject) => ({
      ...declare("form", schema),
      // Elysia asks the next parser only when this one gives `undefined`.
      parse: () => nothing,
    }),

    webForm: (_: true) => ({
      parse: ({ request }: Incoming) => readWebForm(request, Math.min(bodyLimit, strangersLimit)),
    }),

    longBody: (bytes: number) => ({
      // Gives nothing, so that Elysia asks the next parser.
      parse: ({ request }: Incoming) => {
        callOf(request).longBody = bytes;
      },
    }),

    orText: (mediaType: string) => declare("orText", mediaType),

    list: (fields: Fields) => ({
      ...declare("list", fields),
      transform: ({ request, params }: Pick<Incoming, "request" | "params">) => {
        const call = callOf(request);
        call.queryRead = true;
        const options = { ...optionsOf(call), ...scopeOf(call, params) };
        call.list = parseList(visible(call, fields), queryOf(request.url), options);
      },
      resolve: ({ request }: { request: Request }) => ({ list: callOf(request).list as ListRequest }),
      afterHandle: ({ responseValue, set }: Pick<Outgoing, "responseValue" | "set">) =>
        writtenPage(set, responseValue),
    }),

    exported: (exported: Exported) => ({
      ...declare("exported", exported),
      transform: ({ request }: { request: Request }) => {
        const call = callOf(request);
        call.queryRead = true;
        const { view, fields } = exported;
        call.exported = readExport(view, visible(call, fields), queryOf(request.url), optionsOf(call));
      },
      resolve: ({ request }: { request: Request }) => ({
        wanted: callOf(request).exported as ExportRequest,
      }),
    }),

    filters: (fields: Fields) => ({
      ...declare("filters", fields),
      transform: ({ request }: { request: Request }) => {
        const call = callOf(request);
        call.queryRead = true;
        call.filters = parseFilters(visible(call, fields), queryOf(request.url), optionsOf(call));
      },
      resolve: ({ request }: { request: Request }) => ({
        filters: callOf(request).filters as readonly Filter[],
      }),
    }),

    parameters: (schema: TObject<Record<string, TString>>) => ({
      ...declare("parameters", schema),
      transform: ({ request }: { request: Request }) => {
        const call = callOf(request);
        call.queryRead = true;
        call.parameters = readParameters(schema, queryOf(request.url));
      },
      resolve: ({ request }: { request: Request }) => ({ parameters: callOf(request).parameters }),
    }),

    ticket: (purpose: TicketPurpose) => declare("ticket", purpose),

    feature: (feature: Feature) => ({
      ...declare("feature", feature),
      transform: () => {
        if (!isOn(feature)) throw switchedOff(feature);
      },
    }),

    conditional: (isConditional: true) => ({
      ...declare("conditional", isConditional),
      resolve: ({ request }: { request: Request }) => ({
        ifMatch: readIfMatch(request.headers.get("if-match"), requireIfMatch()),
      }),
    }),

    answer: (answerOf: AnswerOf) => ({
      ...declare("answer", answerOf),
      transform: async ({ request, body }: { request: Request; body: unknown }) => {
        if (request.method === "POST") await beginAttempt(idempotency, answerOf, { request, body });
      },
      afterHandle: ({ request, responseValue, set }: Outgoing) => {
        idempotency.release(callOf(request));
        return sendAnswer(answerOf, { request, responseValue, set });
      },
    }),

    returns: (schema: TSchema) => declare("returns", schema),
    problems: (codes: readonly ProblemCode[]) => declare("problems", codes),
    example: (body: unknown) => declare("example", body),
    walk: (walk: Walk) => declare("walk", walk),
  });
}

/** Every body is an object. Where it may be left out, the schema would take anything else for no body at all. */
function anObject(body: unknown): object {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new Invalid([{ field: "body", code: "invalid_type", message: "must be an object" }]);
}

/** The plugin that feature routes build on. */
export type HttpKit = ReturnType<typeof httpKit>;

const notSignedIn = {
  code: "unauthenticated",
  detail: "Sign in first: send Authorization: Bearer <access token>.",
} as const;

/**
 * Lets the caller in, or says why not.
 * @throws Unauthenticated when nobody is signed in, Forbidden when their role lacks the grant
 */
function admit(call: Call, permission: Permission): void {
  if (permission === "public") return;
  if (!call.actor) {
    const { code, detail } = call.credentialsRefused ?? notSignedIn;
    throw new Unauthenticated(detail, code);
  }
  if (permission === "signed-in" || call.actor.grants[permission] !== undefined) return;
  throw new Forbidden(`Your role does not allow ${permission}.`);
}

const switchedOff = (feature: Feature) => {
  const name = feature.replaceAll("_", " ");
  return new Forbidden(`The admins of this server have switched ${name} off.`, "feature_disabled", {
    feature,
  });
};

/** What stands in the path narrows the list: a cursor belongs to that too. */
const scopeOf = ({ path }: Call, params: Record<string, string> = {}) =>
  Object.keys(params).length > 0 && { scope: path.toLowerCase().replace(/\/$/, "") };

/** RFC 9562 reads UUIDs in either case and writes them in lower case, in which SQLite compares them. */
function lowerIds(params: Record<string, string> = {}): void {
  for (const [name, value] of Object.entries(params)) if (isId(value)) params[name] = value.toLowerCase();
}

/** A route that takes no query refuses one by name, so that a misspelt parameter is not dropped in silence. */
function refuseQuery(url: string): void {
  const query = queryOf(url);
  if (query === "") return;
  const field = new URLSearchParams(query).keys().next().value ?? query;
  throw new Refusal("malformed", "unknown_parameter", `${field}: this endpoint takes no such parameter.`, {
    errors: [{ field, code: "unknown_parameter", message: "is not a parameter of this endpoint" }],
  });
}

async function beginAttempt(
  idempotency: Idempotency,
  answerOf: AnswerOf,
  { request, body }: { request: Request; body: unknown },
): Promise<void> {
  const header = request.headers.get("idempotency-key");
  const call = callOf(request);
  if (header === null) return;
  // Before anything is kept under the key, which does not tell one query from another.
  if (!call.queryRead) refuseQuery(request.url);
  if (answerOf.unrepeatable) {
    throw new Refusal("invalid", "idempotency_unsupported", "This endpoint takes no Idempotency-Key.", {
      errors: [{ field: "Idempotency-Key", code: "unsupported", message: "is not taken here" }],
    });
  }
  if (call.actor?.userId == null) return;
  const attempt = {
    userId: call.actor.userId,
    method: request.method,
    path: call.path.replace(/\/$/, ""),
    key: readIdempotencyKey(header),
    body: JSON.stringify(body) ?? "",
  };
  const kept = await idempotency.begin(attempt);
  if (kept) throw new Replay(kept.status, kept.headers, kept.body);
  call.attempt = attempt;
  call.actor = {
    ...call.actor,
    async keepAnswer(session, result) {
      const answer = answerOf(result);
      const text = result === undefined ? null : JSON.stringify(result);
      await idempotency.keep(session, attempt, { ...answer, body: text }, answerOf.secret ?? false);
    },
  };
}

function sendAnswer(answerOf: AnswerOf, { request, responseValue, set }: Outgoing) {
  const { status, headers } = answerOf(responseValue);
  set.status = status;
  Object.assign(set.headers, headers);
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (!isRead) return undefined;
  if (isUnchanged(request.headers.get("if-none-match"), headers["etag"])) {
    set.status = 304;
    return "";
  }
  return writtenJson(set, responseValue);
}
