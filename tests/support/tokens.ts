import { createHmac } from "node:crypto";
import { accessTokens } from "../../src/features/auth/tokens";
import { now, second } from "../../src/clock";

/** What a token claims; a claim that is `undefined` is missing. */
export interface TokenClaims {
  iss?: unknown;
  sub?: unknown;
  sid?: unknown;
  av?: unknown;
  exp?: unknown;
  [claim: string]: unknown;
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Reads a part of a token without checking anything. */
export const partOf = (token: string, part: 0 | 1): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[part]!, "base64url").toString());

/** Makes any token, signed with `secret` by HMAC, or not at all. */
export function forge(
  header: Record<string, unknown>,
  claims: TokenClaims,
  secret: string | null,
  hash = "sha256",
): string {
  const body = `${encoded(header)}.${encoded(claims)}`;
  const signature = secret === null ? "" : createHmac(hash, secret).update(body).digest("base64url");
  return `${body}.${signature}`;
}

/** A token that the server would have made an hour ago. */
export async function expiredToken(secret: string, userId: string, sessionId: string): Promise<string> {
  const good = await accessTokens(secret, null, 15).sign({ userId, sessionId, authVersion: 1 });
  const exp = Math.floor(now() / second) - 1;
  return forge(partOf(good, 0), { ...partOf(good, 1), exp }, secret);
}
