import { Refusal } from "../errors";

/** Nothing here is nested as deep; whatever walks the body must not overflow the stack. */
const deepest = 64;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a JSON body of at most `limit` bytes. A request without a body gives `undefined`.
 * @throws Refusal 415 for another media type, 413 when it is too large, 400 when it is not UTF-8 or not JSON
 */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  if (request.body === null) return undefined;
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > limit) throw tooLarge(limit);
  const type = request.headers.get("content-type");
  if (type === null && declared === 0 && !request.headers.has("transfer-encoding")) return undefined;
  if (!isJson(type)) throw unsupported(type);
  const bytes = request.headers.has("content-length")
    ? await request.arrayBuffer()
    : await readAtMost(request.body, limit);
  if (bytes.byteLength === 0) return undefined;
  return parseJson(decode(bytes));
}

/** `application/json`, with or without parameters, and the `+json` family; nothing else. */
function isJson(type: string | null) {
  if (type === "application/json") return true;
  const [name, ...parameters] = (type ?? "").toLowerCase().split(";");
  const charset = parameters.map((p) => p.trim()).find((p) => p.startsWith("charset="));
  if (charset && !/^charset="?utf-?8"?$/.test(charset)) return false;
  return /^application\/(json|[a-z0-9.-]+\+json)$/.test(name!.trim());
}

/** A body without a declared length is counted while it comes in, so that it cannot fill the memory. */
async function readAtMost(body: ReadableStream<Uint8Array>, limit: number) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: ArrayBuffer | Uint8Array) {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new Refusal("malformed", "malformed_json", "The body is not UTF-8.", { cause });
  }
}

function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refusal("malformed", "malformed_json", "The body is not JSON.", { cause });
  }
  refuseDeep(value, 0);
  // A raw NUL is not JSON, and raw text cannot hold half a surrogate pair: both come only as escapes.
  if (/\\u(0000|d[89a-f])/i.test(text)) refuseUnstorable(value, "");
  return value;
}

function refuseDeep(value: unknown, depth: number): void {
  if (value === null || typeof value !== "object") return;
  if (depth === deepest) {
    throw new Refusal("malformed", "malformed_json", `The body nests deeper than ${deepest} levels.`);
  }
  for (const entry of Object.values(value)) refuseDeep(entry, depth + 1);
}

/** PostgreSQL stores neither NUL nor lone surrogates; SQLite would give back something else than it took. */
function refuseUnstorable(value: unknown, path: string): void {
  if (typeof value === "string") {
    if (value.includes("\0") || !value.isWellFormed()) throw unstorable(path);
  } else if (value !== null && typeof value === "object") {
    for (const [key, entry] of Object.entries(value)) {
      const field = path === "" ? key : `${path}.${key}`;
      refuseUnstorable(key, field);
      refuseUnstorable(entry, field);
    }
  }
}

function unstorable(path: string) {
  const field = path.toWellFormed().replaceAll("\0", "�").slice(0, 200) || "body";
  const message = "must not contain NUL or half a surrogate pair";
  return new Refusal("invalid", "validation_failed", `${field}: ${message}`, {
    errors: [{ field, code: "invalid_characters", message }],
  });
}

const tooLarge = (limit: number) =>
  new Refusal("too_large", "body_too_large", `The body may have at most ${limit} bytes.`);

const unsupported = (type: string | null) =>
  new Refusal(
    "unsupported_media",
    "unsupported_media_type",
    type === null
      ? "Say what the body is: Content-Type: application/json."
      : "The body must be JSON in UTF-8: Content-Type: application/json.",
    { headers: { accept: "application/json" } },
  );
