import { Type, type Static } from "@sinclair/typebox";
import type { Refusal } from "../errors";
import type { ProblemCode, ProblemKind } from "../problems";

/** A problem document, RFC 9457, with the members that this API adds; some codes have more. */
export const ProblemView = Type.Object(
  {
    type: Type.String({ pattern: "^urn:neocrm:problem:[a-z_]+$", description: "The code, as a URI." }),
    title: Type.String({ minLength: 1, description: "The status in words." }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ minLength: 1, description: "What is wrong, for people." }),
    instance: Type.String({ pattern: "^/", description: "The path that was asked for." }),
    code: Type.String({ pattern: "^[a-z_]+$", description: "What is wrong, for programs." }),
    request_id: Type.String({ minLength: 8, description: "Find it in the log by this." }),
    error: Type.String({ description: "The same as `detail`: what the existing web client reads." }),
    errors: Type.Optional(
      Type.Array(
        Type.Object(
          {
            field: Type.String({ description: "As it was sent; `body` for the body itself." }),
            code: Type.String({ description: "What is wrong with it, for programs." }),
            message: Type.String({ description: "What is wrong with it, for people." }),
          },
          { title: "FieldError" },
        ),
        { minItems: 1, description: "Every field that does not fit." },
      ),
    ),
  },
  { title: "Problem" },
);
/** A problem document with whatever further members its code has. */
export interface Problem extends Static<typeof ProblemView> {
  code: ProblemCode;
  [member: string]: unknown;
}

const statuses: Record<ProblemKind, [status: number, title: string]> = {
  malformed: [400, "Bad Request"],
  unauthenticated: [401, "Unauthorized"],
  forbidden: [403, "Forbidden"],
  not_found: [404, "Not Found"],
  method_not_allowed: [405, "Method Not Allowed"],
  conflict: [409, "Conflict"],
  gone: [410, "Gone"],
  stale: [412, "Precondition Failed"],
  too_large: [413, "Content Too Large"],
  unsupported_media: [415, "Unsupported Media Type"],
  range_not_satisfiable: [416, "Range Not Satisfiable"],
  invalid: [422, "Unprocessable Content"],
  precondition_required: [428, "Precondition Required"],
  too_many: [429, "Too Many Requests"],
  fault: [500, "Internal Server Error"],
  busy: [503, "Service Unavailable"],
  no_space: [507, "Insufficient Storage"],
};

/** The status that a problem of this kind answers with. */
export const statusOf = (kind: ProblemKind) => statuses[kind][0];

/** The members that every problem document has. */
export function problemDocument(
  { kind, code, detail }: { kind: ProblemKind; code: ProblemCode; detail: string },
  path: string,
  requestId: string,
): Problem {
  const [status, title] = statuses[kind];
  return {
    ...{ type: `urn:neocrm:problem:${code}`, title, status, detail, instance: path, code },
    ...{ request_id: requestId, error: detail },
  };
}

/** The document for a refusal. `path` is without its query, which may hold a ticket. */
export function problemOf(refusal: Refusal, path: string, requestId: string): Problem {
  const { kind, code, message, details } = refusal;
  return {
    ...problemDocument({ kind, code, detail: message }, path, requestId),
    ...(details.errors && { errors: details.errors }),
    ...details.members,
  };
}

/** The document for a fault of ours: it says nothing of what went wrong, the log does. */
export function faultOf(path: string, requestId: string): Problem {
  const detail = "Something went wrong on the server. Its log has the details under this request_id.";
  return problemDocument({ kind: "fault", code: "internal_error", detail }, path, requestId);
}
