/** How a result goes out: its status and headers, known before the commit so that the answer can be kept. */

/** Status and headers of an answer; its body is the result itself. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
}

/** Elysia's `set`, as far as answers are written to it. */
export interface ResponseSet {
  status?: number | string;
  headers: Record<string, unknown>;
}

/** What a route declares: the answer to a result. */
export interface AnswerOf {
  (result: unknown): Answer;
  /** The answer holds a secret: what is kept of it for an `Idempotency-Key` is sealed. */
  secret?: true;
  /** The route takes no `Idempotency-Key`. */
  unrepeatable?: true;
}

/** The bare object, or a list: 200, and nothing a browser or proxy may keep. */
export const plain: AnswerOf = () => ({ status: 200, headers: {} });

/** Nothing to say: 204. */
export const noContent: AnswerOf = () => ({ status: 204, headers: {} });

/** A record with a version: 200 and its ETag. */
export const versioned: AnswerOf = (record) => ({ status: 200, headers: versionHeaders(record) });

/** A new record: 201, where it is, and its ETag if it has a version. */
export const created =
  (path: string): AnswerOf =>
  (record) => ({
    status: 201,
    headers: { location: `${path}/${(record as { id: string }).id}`, ...versionHeaders(record) },
  });

/** A new account and its tokens: 201, and where the account is for whoever holds them. */
export const accountCreated: AnswerOf = () => ({ status: 201, headers: { location: "/api/users/me" } });

/** The same answer, sealed when it is kept. */
export const secret = (answerOf: AnswerOf): AnswerOf =>
  Object.assign((result: unknown) => answerOf(result), { secret: true as const });

/** The same answer, from a route that takes no `Idempotency-Key`. */
export const unrepeatable = (answerOf: AnswerOf): AnswerOf =>
  Object.assign((result: unknown) => answerOf(result), { unrepeatable: true as const });

function versionHeaders(record: unknown): Record<string, string> {
  const { version } = record as { version?: number };
  if (version === undefined) return {};
  return { etag: `"v${version}"`, "cache-control": "private, no-cache" };
}
