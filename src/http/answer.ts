/** How a result goes out: its status and headers, known before the commit so that the answer can be kept. */

import type { Page } from "../list";
import { Written, WrittenPage } from "../written";

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
  /** The status that it always has. */
  readonly status: number;
  /** It says where the new record is. */
  readonly locates?: true;
  /** A record with a version comes with its ETag. */
  readonly versions?: true;
  /** The answer holds a secret: what is kept of it for an `Idempotency-Key` is sealed. */
  readonly secret?: true;
  /** The route takes no `Idempotency-Key`. */
  readonly unrepeatable?: true;
}

/** What a client reads of a record, whether its JSON is written already or yet to be: the types of a route need not tell. */
export const shown = <View>(record: Promise<View | Written<View>>): Promise<View> => record as Promise<View>;

/** The same for a page. */
export const shownPage = <View>(page: Promise<Page<View> | WrittenPage<View>>): Promise<Page<View>> =>
  page as Promise<Page<View>>;

/** The JSON of a result, where it is written already. */
export function writtenJson(set: ResponseSet, result: unknown): Uint8Array | undefined {
  const bytes = result instanceof Written ? result.toBytes() : undefined;
  return bytes && sendJson(set, bytes);
}

/** The same for a page. */
export function writtenPage(set: ResponseSet, result: unknown): Uint8Array | undefined {
  return result instanceof WrittenPage ? sendJson(set, result.bytes) : undefined;
}

function sendJson(set: ResponseSet, bytes: Uint8Array): Uint8Array {
  // As `Response.json` says it.
  set.headers["content-type"] = "application/json;charset=utf-8";
  return bytes;
}

/** What is known of an answer before there is a result. */
type Traits = Pick<AnswerOf, "status" | "locates" | "versions">;

/** The headers of a result, besides those of every answer. */
type HeadersOf = (result: unknown) => Record<string, string>;

const answering = ({ status, ...traits }: Traits, headersOf: HeadersOf = () => ({})): AnswerOf =>
  Object.assign((result: unknown) => ({ status, headers: headersOf(result) }), { status, ...traits });

/** The bare object, or a list: 200, and nothing a browser or proxy may keep. */
export const plain = answering({ status: 200 });

/** Work that goes on: 202, and where the job is. */
export const accepted = answering({ status: 202, locates: true }, (job) => ({
  location: `/api/jobs/${(job as { id: string }).id}`,
}));

/** A picture that is being made, which most often takes less than a second: 202, and when to ask again. */
export function notYet(set: ResponseSet): Response {
  set.status = 202;
  return Response.json({ state: "pending" }, { status: 202, headers: { "retry-after": "1" } });
}

/** A file that is read, or was: 202 or 200, and where it is said what stands in it. */
export const fileReading: AnswerOf = Object.assign(
  (file: unknown) => {
    const { id, state } = file as { id: string; state: string };
    return { status: state === "pending" ? 202 : 200, headers: { location: `/api/files/${id}/metadata` } };
  },
  { status: 202, locates: true } as const,
);

/** Work that is done at once or goes on: 200 or 202, and where the job is. */
export const jobAnswer: AnswerOf = Object.assign(
  (job: unknown) => {
    const { id, finished_at } = job as { id: string; finished_at: string | null };
    return { status: finished_at === null ? 202 : 200, headers: { location: `/api/jobs/${id}` } };
  },
  { status: 200, locates: true } as const,
);

/** Nothing to say: 204. */
export const noContent = answering({ status: 204 });

/** A record with a version: 200 and its ETag. */
export const versioned = answering({ status: 200, versions: true }, versionHeaders);

/** A new record: 201, where it is, and its ETag if it has a version. */
export const created = (path: string): AnswerOf =>
  answering({ status: 201, locates: true, versions: true }, (record) => ({
    location: `${path}/${(record as { id: string }).id}`,
    ...versionHeaders(record),
  }));

/** An activity that was logged: 201, and where it is found again. It never changes, so it has no ETag. */
export const activityLogged = answering({ status: 201, locates: true }, (record) => ({
  location: `/api/activities?filter%5Bid%5D=${(record as { id: string }).id}`,
}));

/** A new link to a file: 201, and where it is found among the file's links. */
export const shareCreated = answering({ status: 201, locates: true }, (record) => {
  const { id, file_id } = record as { id: string; file_id: string };
  return { location: `/api/files/${file_id}/share?filter%5Bid%5D=${id}` };
});

/** Nothing here, but where the handler says: 303. */
export const seeOther = answering({ status: 303 });

/** A new account and its tokens: 201, and where the account is for whoever holds them. */
export const accountCreated = answering({ status: 201, locates: true }, () => ({
  location: "/api/users/me",
}));

/** The same answer, sealed when it is kept. */
export const secret = (answerOf: AnswerOf): AnswerOf => marked(answerOf, { secret: true });

/** The same answer, from a route that takes no `Idempotency-Key`. */
export const unrepeatable = (answerOf: AnswerOf): AnswerOf => marked(answerOf, { unrepeatable: true });

const marked = (
  answerOf: AnswerOf,
  mark: Pick<AnswerOf, "secret"> | Pick<AnswerOf, "unrepeatable">,
): AnswerOf => Object.assign((result: unknown) => answerOf(result), answerOf, mark);

function versionHeaders(record: unknown): Record<string, string> {
  const { version } = record as { version?: number };
  if (version === undefined) return {};
  return { etag: `"v${version}"`, "cache-control": "private, no-cache" };
}
