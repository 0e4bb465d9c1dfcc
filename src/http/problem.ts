import type { FieldError, Refusal, RefusalKind } from "../errors";

/** A problem document, RFC 9457, with the members that this API adds. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: string;
  request_id: string;
  /** The same as `detail`: what the existing web client reads. */
  error: string;
  errors?: FieldError[];
  [member: string]: unknown;
}

const statuses: Record<RefusalKind, [status: number, title: string]> = {
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
  invalid: [422, "Unprocessable Content"],
  precondition_required: [428, "Precondition Required"],
  too_many: [429, "Too Many Requests"],
  busy: [503, "Service Unavailable"],
  no_space: [507, "Insufficient Storage"],
};

/** The status that a refusal of this kind answers with. */
export const statusOf = (kind: RefusalKind) => statuses[kind][0];

/** The document for a refusal. `path` is without its query, which may hold a ticket. */
export function problemOf(refusal: Refusal, path: string, requestId: string): Problem {
  const [status, title] = statuses[refusal.kind];
  return {
    type: `urn:neocrm:problem:${refusal.code}`,
    title,
    status,
    detail: refusal.message,
    instance: path,
    code: refusal.code,
    request_id: requestId,
    error: refusal.message,
    ...(refusal.details.errors && { errors: refusal.details.errors }),
    ...refusal.details.members,
  };
}

/** The document for a fault of ours: it says nothing of what went wrong, the log does. */
export function faultOf(path: string, requestId: string): Problem {
  const detail = "Something went wrong on the server. Its log has the details under this request_id.";
  return {
    type: "urn:neocrm:problem:internal_error",
    title: "Internal Server Error",
    status: 500,
    detail,
    instance: path,
    code: "internal_error",
    request_id: requestId,
    error: detail,
  };
}
