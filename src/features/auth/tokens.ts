import { jwt } from "@elysiajs/jwt";
import { minute, now, second } from "../../clock";
import { isId } from "../../ids";

/** What an access token says. */
export interface Claims {
  userId: string;
  sessionId: string;
  /** The user's `auth_version` when it was given out. */
  authVersion: number;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** Signs and checks access tokens: JWT (RFC 7519), HS256, each with the id of its key. */
export interface AccessTokens {
  /** Seconds that a new token is good for. */
  readonly expiresIn: number;
  sign(claims: Omit<Claims, "expiresAt">): Promise<string>;
  /** The claims of a token that we signed and that has not expired; a text says what is wrong with any other. */
  verify(token: string): Promise<Claims | string>;
}

const issuer = "neocrm";

/**
 * Signs with `secret`; still takes what `previous` signed, so that the secret can be changed while people work.
 * @param minutes how long a token is good for
 */
export function accessTokens(secret: string, previous: string | null, minutes: number): AccessTokens {
  const keys = new Map(
    [secret, ...(previous === null ? [] : [previous])].map((text) => [keyId(text), signer(text)]),
  );
  const current = keys.get(keyId(secret))!;
  const expiresIn = (minutes * minute) / second;
  return {
    expiresIn,
    sign: ({ userId, sessionId, authVersion }) =>
      current.sign({
        sub: userId,
        sid: sessionId,
        av: authVersion,
        exp: Math.floor(now() / second) + expiresIn,
      }),
    async verify(token) {
      const key = keys.get(keyIdOf(token) ?? "");
      if (!key) return "The access token was not made by this server.";
      const claims = await key.verify(token, { issuer, algorithms: ["HS256"] });
      if (!claims) return "The access token has expired or was changed. Use your refresh token.";
      const { sub, sid, av, exp } = claims as Record<string, unknown>;
      if (!isIdClaim(sub) || !isIdClaim(sid) || typeof av !== "number" || typeof exp !== "number")
        return "The access token lacks a claim.";
      return { userId: sub, sessionId: sid, authVersion: av, expiresAt: exp * second };
    },
  };
}

const isIdClaim = (claim: unknown): claim is string => typeof claim === "string" && isId(claim);

const signer = (secret: string) =>
  jwt({ name: "jwt", secret, kid: keyId(secret), iss: issuer }).decorator.jwt;

/** Names a secret without telling anything of it. */
const keyId = (secret: string) =>
  new Bun.CryptoHasher("sha256").update(`neocrm key id ${secret}`).digest("base64url").slice(0, 12);

function keyIdOf(token: string): string | undefined {
  try {
    const header = JSON.parse(Buffer.from(token.slice(0, token.indexOf(".")), "base64url").toString());
    return typeof header?.kid === "string" ? header.kid : undefined;
  } catch {
    return undefined;
  }
}
