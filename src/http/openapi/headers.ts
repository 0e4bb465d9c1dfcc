import { Type, type TObject, type TSchema } from "@sinclair/typebox";
import type { DeclaredRoute } from "../declared";
import { isFree } from "../free";

/** The headers of answers, which the operations name. */
export const sharedHeaders = {
  "X-Request-Id": header("The request's id, also in the log.", "01a2b3c4-d5e6-7f70-8123-456789abcdef"),
  RateLimit: header(
    "What is left of the limit, and the seconds until it is whole again.",
    '"user";r=999;t=1',
  ),
  "RateLimit-Policy": header("The limit: requests for each so many seconds.", '"user";q=1000;w=60'),
  "Retry-After": header("Seconds after which to come back.", "1"),
  "WWW-Authenticate": header("How to sign in.", 'Bearer realm="neocrm"'),
  Location: header("Where the new record is.", "/api/clients/01a2b3c4-d5e6-7f70-8123-456789abcdef"),
  ETag: header("The record's version, to send back as `If-Match`.", '"v1"'),
  "Content-Disposition": header(
    "The name to save it under.",
    'attachment; filename="clients-2026-05-04.csv"',
  ),
  "Idempotency-Replayed": header("`true` when this is the first answer to the same key again.", "true"),
};

function header(description: string, example: string) {
  return { description, schema: { type: "string" }, example };
}

type HeaderName = keyof typeof sharedHeaders;

const named = (names: HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** The headers of every answer of a route, and of those with this status. */
export const problemHeaders = ({ path }: DeclaredRoute, status: number) =>
  named([
    ...ofEveryAnswer(path),
    ...(status === 401 ? ["WWW-Authenticate" as const] : []),
    ...(status === 429 || status === 503 ? ["Retry-After" as const] : []),
    ...(status === 410 || status === 412 ? ["ETag" as const] : []),
  ]);

/** The headers of a route's success. */
export const successHeaders = (route: DeclaredRoute) =>
  named([
    ...ofEveryAnswer(route.path),
    ...(route.answer?.locates ? ["Location" as const] : []),
    ...(isVersioned(route) ? ["ETag" as const] : []),
    ...(route.exported ? ["Content-Disposition" as const] : []),
    ...(takesIdempotencyKey(route) ? ["Idempotency-Replayed" as const] : []),
  ]);

const ofEveryAnswer = (path: string): HeaderName[] =>
  isFree(path) ? ["X-Request-Id"] : ["X-Request-Id", "RateLimit", "RateLimit-Policy"];

/** Whether a success of this route has an ETag. */
export const isVersioned = ({ answer, returns }: DeclaredRoute) =>
  answer?.versions === true && (returns?.properties as Record<string, unknown>)?.version !== undefined;

/** Whether this route does a POST once that is sent twice. */
export const takesIdempotencyKey = ({ method, permission, answer }: DeclaredRoute) =>
  method === "POST" && permission !== "public" && answer !== undefined && !answer.unrepeatable;

/** The headers that a route reads. */
export function requestHeaders(route: DeclaredRoute): TObject {
  const headers: Record<string, TSchema> = {};
  if (route.conditional) {
    headers["If-Match"] = text('The version that you change, as its `ETag` had it, such as `"v1"`.');
  }
  if (route.method === "GET" && isVersioned(route)) {
    headers["If-None-Match"] = text(
      'The version that you have, such as `"v1"`: then 304 says that it is the present one.',
    );
  }
  if (takesIdempotencyKey(route)) {
    const description = "A text of your own: the same POST with the same key is done once.";
    headers["Idempotency-Key"] = Type.Optional(Type.String({ description, minLength: 1, maxLength: 255 }));
  }
  return Type.Object(headers);
}

const text = (description: string) => Type.Optional(Type.String({ description }));
