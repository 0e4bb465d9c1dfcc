/**
 * Refusals: what the rules say no to, in words of the business. `http/problem.ts` gives each its status, the
 * command line its exit code. Anything else that is thrown is a fault of ours.
 */
import { second } from "./clock";
import type { CodeOf, ProblemKind } from "./problems";

/** What is wrong with one field: `field` as the caller wrote it, `code` for programs, `message` for people. */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

/** The reasons to refuse. A fault of ours is none. */
export type RefusalKind = Exclude<ProblemKind, "fault">;

/** What a refusal may carry besides its words. */
export interface RefusalDetails {
  errors?: FieldError[];
  /** Further members of the problem document, such as `changed` or `allowed`. */
  members?: Record<string, unknown>;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** A reason to refuse, with one of the codes that it has. */
type Reason = { [Kind in RefusalKind]: [kind: Kind, code: CodeOf<Kind>] }[RefusalKind];

/** A request that is refused; `code` never changes, `message` is for people. */
export class Refusal extends Error {
  override name = "Refusal";
  readonly kind: RefusalKind;
  readonly code: CodeOf<RefusalKind>;
  readonly details: RefusalDetails;

  constructor(
    ...[kind, code, message, details = {}]: [...Reason, message: string, details?: RefusalDetails]
  ) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.code = code;
    this.details = details;
  }
}

/** The record does not exist, or the actor may not know that it does: both answer the same. */
export class NotFound extends Refusal {
  constructor(what: string) {
    super("not_found", "not_found", `There is no such ${what}, or you may not see it.`);
  }
}

/** The record is deleted, and the actor may restore it. */
export class Gone extends Refusal {
  /** @param version of the deleted record, which restoring it may have to name */
  constructor(what: string, version: number) {
    super("gone", "deleted", `This ${what} is deleted. You can restore it.`, {
      members: { version },
      headers: { etag: `"v${version}"` },
    });
  }
}

/** The record is there, and what it was at an instant is not to be had. */
export class GoneThen extends Refusal {
  constructor(code: "deleted_then" | "history_gone", what: string, members: { version?: number } = {}) {
    const message =
      code === "deleted_then"
        ? `This ${what} was deleted at that instant.`
        : `What this ${what} was at that instant is no longer kept.`;
    super("gone", code, message, { members });
  }
}

/** The actor is known and may not do this. */
export class Forbidden extends Refusal {
  constructor(message: string, code: CodeOf<"forbidden"> = "forbidden", members?: RefusalDetails["members"]) {
    super("forbidden", code, message, { ...(members && { members }) });
  }
}

/** Nobody is signed in, or what they showed is no longer good. */
export class Unauthenticated extends Refusal {
  constructor(message: string, code: CodeOf<"unauthenticated"> = "unauthenticated") {
    super("unauthenticated", code, message, { headers: { "www-authenticate": 'Bearer realm="neocrm"' } });
  }
}

/** The request contradicts the present state, most often a value that another record holds. */
export class Conflict extends Refusal {
  constructor(code: CodeOf<"conflict">, message: string, members?: Record<string, unknown>) {
    super("conflict", code, message, { members });
  }
}

/** The record changed since the version that the caller named; `changed` are the fields that did. */
export class Stale extends Refusal {
  constructor(version: number, changed: string[]) {
    const message =
      changed.length > 0
        ? "The record was changed since you read it. Read it again, then repeat your change."
        : `If-Match names no earlier version of this record; it is at v${version}. Read it again.`;
    super("stale", "stale", message, {
      members: { changed, version },
      headers: { etag: `"v${version}"` },
    });
  }
}

/** The body is well formed and still not acceptable. */
export class Invalid extends Refusal {
  constructor(errors: FieldError[]) {
    const [first, ...others] = errors;
    const more = others.length > 0 ? ` (and ${others.length} more)` : "";
    super("invalid", "validation_failed", `${first?.field}: ${first?.message}${more}`, { errors });
  }
}

/** Too many requests; the caller may come back after `retryMs`. */
export class TooMany extends Refusal {
  /** @param policy the name of the limit, for the metrics */
  constructor(
    code: CodeOf<"too_many">,
    message: string,
    retryMs: number,
    readonly policy: string = code,
  ) {
    super("too_many", code, message, { headers: retryAfter(retryMs) });
  }
}

/** The server sheds load or is not ready. */
export class Busy extends Refusal {
  constructor(message: string, retryMs = second, cause?: unknown) {
    super("busy", "busy", message, { headers: retryAfter(retryMs), cause });
  }
}

const retryAfter = (milliseconds: number) => ({
  "retry-after": String(Math.max(1, Math.ceil(milliseconds / second))),
});
