/** The only place that makes identifiers. */

/** A UUIDv7 (RFC 9562): sorts by the time it was made. */
export const newId = () => Bun.randomUUIDv7();

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` can be an identifier at all. PostgreSQL fails on a malformed one, so it is asked first. */
export const isId = (text: string) => uuid.test(text);

/** `bytes` random bytes, base64url: a secret that nobody guesses. */
export const newSecret = (bytes = 32) =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("base64url");
