import { createHmac, timingSafeEqual } from "node:crypto";

/** Crockford's base 32: no letter that looks like another. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * The one-time code that makes the first admin: `XXXX-XXXX-XXXX-XXXX`, 80 bits. It follows from the server's
 * secret, so every process of an installation prints the same one, also after a restart, and none is stored.
 */
export function setupCode(secret: string): string {
  const digest = createHmac("sha256", secret).update("neocrm setup code").digest();
  const letters = [...digest.subarray(0, 16)].map((byte) => alphabet[byte % 32]).join("");
  return letters.match(/.{4}/g)!.join("-");
}

/** Whether `given` is the code, however it was spaced and cased; takes the same time for every wrong one. */
export function isSetupCode(given: string, secret: string): boolean {
  const normal = (code: string) =>
    Buffer.from(
      code
        .toUpperCase()
        .replaceAll(/[^0-9A-Z]/g, "")
        .padEnd(64)
        .slice(0, 64),
    );
  return timingSafeEqual(normal(given), normal(setupCode(secret)));
}
