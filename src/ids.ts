/** The only place that makes identifiers. */

/** A UUIDv7 (RFC 9562): sorts by the time it was made. */
export const newId = () => Bun.randomUUIDv7();

/** The smallest id that can have been made at an instant, in milliseconds since 1970. */
export function firstIdAt(milliseconds: number): string {
  const time = milliseconds.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` can be an identifier at all. PostgreSQL fails on a malformed one, so it is asked first. */
export const isId = (text: string) => uuid.test(text);

/** `bytes` random bytes, base64url: a secret that nobody guesses. */
export const newSecret = (bytes = 32) =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("base64url");
