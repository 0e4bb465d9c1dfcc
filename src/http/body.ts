import { Refusal } from "../errors";

/** Nothing here is nested as deep; whatever walks the body must not overflow the stack. */
const deepest = 64;
/** Lists and objects in a body; that of the most records at once has half as many. */
const mostComposites = 200_000;
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
  refuseCoding(request);
  const bytes = request.headers.has("content-length")
    ? await request.arrayBuffer()
    : await readAtMost(request.body, limit);
  if (bytes.byteLength === 0) return undefined;
  return parseJson(decode(bytes));
}

/**
 * Reads what a page's form sends (`application/x-www-form-urlencoded`), of at most `limit` bytes: texts by their names. A body
 * of another type gives `undefined`, and is not read.
 * @throws Refusal 413 when it is too large, 400 when it is not UTF-8 or names a field twice
 */
export async function readWebForm(
  request: Request,
  limit: number,
): Promise<Record<string, string> | undefined> {
  const [type = ""] = (request.headers.get("content-type") ?? "").split(";");
  if (request.body === null || type.trim().toLowerCase() !== webForm) return undefined;
  refuseCoding(request);
  const text = decodeForm(await readAtMost(request.body, limit));
  const fields = new URLSearchParams(text);
  if (new Set(fields.keys()).size < fields.size) throw malformedForm("It names a field twice.");
  const read = Object.fromEntries(fields);
  refuseUnstorable(read);
  return read;
}

const webForm = "application/x-www-form-urlencoded";

function decodeForm(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformedForm("It is not UTF-8.");
  }
}

const malformedForm = (why: string) =>
  new Refusal("malformed", "malformed_form", `The body is not a whole form. ${why}`);

/** RFC 9110, section 8.4: what is compressed is refused, not taken for broken. @throws Refusal 415 */
export function refuseCoding(request: Request): void {
  const coding = request.headers.get("content-encoding");
  if (coding !== null && coding.toLowerCase() !== "identity") throw coded();
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
  refuseTangled(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refusal("malformed", "malformed_json", "The body is not JSON.", { cause });
  }
  // A raw NUL is not JSON, and raw text cannot hold half a surrogate pair: both come only as escapes.
  if (/\\u(0000|d[89a-f])/i.test(text)) refuseUnstorable(value);
  return value;
}

/**
 * Looks at the brackets before anything is parsed: for each of them the parser takes many times the byte that stands for it, so that
 * eight megabytes of them would fill a small machine.
 */
function refuseTangled(text: string): void {
  let [depth, composites] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const sign = text[i];
    if (sign === '"') i = endOfText(text, i);
    else if (sign === "]" || sign === "}") depth--;
    else if (sign === "[" || sign === "{") {
      if (++depth > deepest) throw tangled(`nests deeper than ${deepest} levels`);
      if (++composites > mostComposites) throw tangled(`has more than ${mostComposites} lists and objects`);
    }
  }
}

/** Where the text ends that begins at a quote; past the end when it does not. */
function endOfText(json: string, start: number): number {
  let end = start;
  do end = json.indexOf('"', end + 1);
  while (end > 0 && isEscaped(json, end));
  return end < 0 ? json.length : end;
}

/** Whether the backslashes before a sign take its meaning, and not each other's. */
function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json[first - 1] === "\\") first--;
  return (at - first) % 2 === 1;
}

const tangled = (how: string) => new Refusal("malformed", "malformed_json", `The body ${how}.`);

const isComposite = (value: unknown): value is object => value !== null && typeof value === "object";

/** PostgreSQL stores neither NUL nor lone surrogates; SQLite would give back something else than it took. */
function refuseUnstorable(value: unknown): void {
  const way = wayToUnstorable(value);
  if (!way) return;
  const field = way.join(".").toWellFormed().replaceAll("\0", "\ufffd").slice(0, 200) || "body";
  const message = "must not contain NUL or half a surrogate pair";
  throw new Refusal("invalid", "validation_failed", `${field}: ${message}`, {
    errors: [{ field, code: "invalid_characters", message }],
  });
}

/** The keys that lead to the first text that cannot be stored; `undefined` when there is none. */
function wayToUnstorable(value: unknown): (string | number)[] | undefined {
  if (typeof value === "string") return isStorable(value) ? undefined : [];
  if (!isComposite(value)) return undefined;
  for (const [key, entry] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    const rest = typeof key === "string" && !isStorable(key) ? [] : wayToUnstorable(entry);
    if (rest) return [key, ...rest];
  }
  return undefined;
}

const isStorable = (text: string) => !text.includes("\0") && text.isWellFormed();

const tooLarge = (limit: number) =>
  new Refusal("too_large", "body_too_large", `The body may have at most ${limit} bytes.`);

const coded = () =>
  new Refusal(
    "unsupported_media",
    "unsupported_encoding",
    "Send the body as it is, without Content-Encoding.",
    {
      headers: { "accept-encoding": "identity" },
    },
  );

const unsupported = (type: string | null) =>
  new Refusal(
    "unsupported_media",
    "unsupported_media_type",
    type === null
      ? "Say what the body is: Content-Type: application/json."
      : "The body must be JSON in UTF-8: Content-Type: application/json.",
    { headers: { accept: "application/json" } },
  );
