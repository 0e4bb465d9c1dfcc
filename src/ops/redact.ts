/**
 * What may stand in a log: values by the names of their keys, text by what looks like a secret in it.
 * Everything else about a value is made fit for JSON here too, so that a log line never throws.
 */

const hidden = "***";

/** Also with a word before it, as in `new_password`, `refresh_token`, `Set-Cookie`. */
const secretKey =
  /(?:password|passwd|secret|token|ticket|cookie|authorization|api[-_]?key)$|password[-_]?hash$|^code$/i;

const deepest = 8;
const longestText = 32_768;

/** Whether the value under this key must not be seen. */
export const isSecretKey = (key: string) => secretKey.test(key);

/**
 * The fields of a log line, ready for `JSON.stringify`, without secrets. Neither the object nor its parts are
 * changed.
 */
export function redact(fields: Record<string, unknown>): Record<string, unknown> {
  return redactObject(fields, new Set(), 0);
}

/**
 * Masks secrets inside text: values of secret query parameters, bearer tokens, passwords in URLs, share
 * links.
 */
export function redactText(text: string): string {
  const bounded = text.length > longestText ? `${text.slice(0, longestText)}…` : text;
  // Most texts have none of these characters, and two scans are cheaper than five expressions.
  if (!mayHoldSecret.test(bounded)) return bounded;
  return bounded
    .replace(parameter, maskParameter)
    .replace(credentials, `$1 ${hidden}`)
    .replace(userInfo, `$1:${hidden}@`)
    .replace(shareLink, `$1${hidden}`);
}

const mayHoldSecret = /=|\/s\/|:\/\/|bearer|basic/i;
const parameter = /([?&;#\s]|^)([^\s=?&;#"'<>]{1,80})=([^\s&;#"'<>]+)/g;
const credentials = /\b(bearer|basic)\s+[\w.~+/=-]+/gi;
const userInfo = /(\/\/[^\s/:@]*):[^\s/]*@/g;
const shareLink = /((?:^|[\s"'\d]|\/\/[^\s/]{1,255})\/s\/)[^\s/?#"']+/gi;

function maskParameter(whole: string, before: string, key: string) {
  return isSecretKey(decoded(key)) ? `${before}${key}=${hidden}` : whole;
}

/** `?t%69cket=` is a ticket to the server as well. */
function decoded(key: string) {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function redactObject(value: object, path: Set<object>, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  path.add(value);
  for (const [key, item] of Object.entries(value))
    result[key] = isSecretKey(key) && item != null ? hidden : redactValue(item, path, depth + 1);
  path.delete(value);
  return result;
}

function redactValue(value: unknown, path: Set<object>, depth: number): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  if (typeof value !== "object" || value === null) return value;
  if (path.has(value)) return "[circular]";
  if (depth > deepest) return "[too deep]";
  return redactReference(value, path, depth);
}

function redactReference(value: object, path: Set<object>, depth: number): unknown {
  if (value instanceof Error) return redactError(value, path, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof URL) return redactText(value.href);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return redactObject(Object.fromEntries(value), path, depth);
  // Headers and URLSearchParams have entries without being maps.
  if (value instanceof Headers || value instanceof URLSearchParams)
    return redactObject(Object.fromEntries(value as Iterable<[string, string]>), path, depth);
  if (Array.isArray(value) || value instanceof Set) return redactList([...value], value, path, depth);
  return redactObject(value, path, depth);
}

function redactList(items: unknown[], owner: object, path: Set<object>, depth: number) {
  path.add(owner);
  const result = items.map((item) => redactValue(item, path, depth + 1));
  path.delete(owner);
  return result;
}

/**
 * An error with its stack and causes. Its `code` names a kind of failure and is no secret, hence the other
 * key.
 */
function redactError(error: Error & { code?: unknown }, path: Set<object>, depth: number) {
  const fields: Record<string, unknown> = { name: error.name, message: String(error.message) };
  if (error.code !== undefined) fields.error_code = error.code;
  for (const [key, value] of Object.entries(error))
    if (!(key in fields) && key !== "code") fields[key] = value;
  if (error.stack) fields.stack = error.stack;
  if (error.cause !== undefined) fields.cause = error.cause;
  path.add(error);
  const result = redactObject(fields, path, depth);
  path.delete(error);
  return result;
}
