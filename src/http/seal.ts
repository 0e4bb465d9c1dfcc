import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";

/** Keeps what is stored for a while and must not be read from a copy of the database. */
export interface Seal {
  close(text: string): string;
  /** @throws Error when it was closed with another secret, or changed since */
  open(sealed: string): string;
  /** A keyed hash of a text, by which it is recognised and not guessed. It names its key. */
  digest(text: string): string;
  /** Whether a digest is that of this text; `undefined` when it was made with a secret that is no longer known. */
  recognises(digest: string, text: string): boolean | undefined;
}

const ivBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM (NIST SP 800-38D) under a key derived from the server's secret (HKDF, RFC 5869). What `previous` closed
 * can still be opened.
 */
export function sealWith(secret: string, previous: string | null = null): Seal {
  const older = previous === null ? undefined : sealWith(previous);
  const derive = (purpose: string) => Buffer.from(hkdfSync("sha256", secret, "", purpose, 32));
  const key = derive("neocrm kept answers");
  const digestKey = derive("neocrm kept requests");
  const digestName = derive("neocrm kept requests, name of the key").toString("base64url", 0, 6);
  const current: Seal = {
    close(text) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64url");
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, "base64url");
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, ivBytes));
      decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, "utf8") + decipher.final("utf8");
    },
    digest: (text) => `${digestName}.${createHmac("sha256", digestKey).update(text).digest("hex")}`,
    recognises(digest, text) {
      return digest.startsWith(`${digestName}.`) ? digest === current.digest(text) : undefined;
    },
  };
  if (!older) return current;
  return {
    close: (text) => current.close(text),
    open(sealed) {
      try {
        return current.open(sealed);
      } catch {
        return older.open(sealed);
      }
    },
    digest: (text) => current.digest(text),
    recognises: (digest, text) => current.recognises(digest, text) ?? older.recognises(digest, text),
  };
}
