import { now, second } from "../../clock";
import type { Store } from "../../db/store";
import type { Identity } from "../../policy";
import { account, grantsOf } from "../users/accounts";
import { sessionById } from "./store";
import type { AccessTokens, Claims } from "./tokens";

/** How long an identity is believed without asking the tables again, should a doorbell ever be lost. */
const believedMs = 30 * second;
const mostTokens = 20_000;

interface Known {
  identity: Identity;
  until: number;
}

/**
 * Who a token belongs to. A token is verified once and looked up in the tables once; then it is known until it
 * expires or its user is forgotten. Whatever ends a token changes the tables first and forgets the user after.
 */
export class Identities {
  readonly #known = new Map<string, Known>();
  readonly #tokensOf = new Map<string, Set<string>>();
  /** Raised by every `forget`: what was read before must not be kept after. */
  #generation = 0;

  constructor(
    private readonly store: Store,
    private readonly tokens: AccessTokens,
  ) {}

  /** The bearer of this token, at once when it is known; a text says why it is refused. */
  identify = (token: string): Identity | string | Promise<Identity | string> => {
    const known = this.#known.get(token);
    if (known && known.until > now()) return known.identity;
    return this.#lookUp(token);
  };

  /** Drops what is known of a user's tokens; the tables decide anew. */
  forget(userId: string): void {
    this.#generation++;
    for (const token of this.#tokensOf.get(userId) ?? []) this.#known.delete(token);
    this.#tokensOf.delete(userId);
  }

  /** Drops everything, after a time in which doorbells may have been missed. */
  forgetAll(): void {
    this.#generation++;
    this.#known.clear();
    this.#tokensOf.clear();
  }

  async #lookUp(token: string): Promise<Identity | string> {
    const generation = this.#generation;
    const claims = await this.tokens.verify(token);
    if (typeof claims === "string") return claims;
    const identity = await this.#bearer(claims);
    if (typeof identity !== "string" && generation === this.#generation) this.#keep(token, identity, claims);
    return identity;
  }

  async #bearer(claims: Claims): Promise<Identity | string> {
    const { read } = this.store;
    const session = await sessionById.first(read, { id: claims.sessionId });
    const isOver = !session || session.ended_at !== null || session.expires_at <= now();
    if (isOver || session.user_id !== claims.userId) return "The session has ended. Sign in again.";
    const user = await account(read, claims.userId);
    if (!user?.is_active) return "The account is not active.";
    if (user.auth_version !== claims.authVersion) {
      return "The access token was ended by a change to the account. Use your refresh token or sign in again.";
    }
    return {
      kind: "user",
      userId: user.id,
      sessionId: claims.sessionId,
      grants: await grantsOf(read, user.role_id),
      timeZone: user.time_zone,
    };
  }

  #keep(token: string, identity: Identity, claims: Claims): void {
    if (this.#known.size >= mostTokens) this.forgetAll();
    this.#known.set(token, { identity, until: Math.min(claims.expiresAt, now() + believedMs) });
    const tokens = this.#tokensOf.get(claims.userId) ?? new Set();
    this.#tokensOf.set(claims.userId, tokens.add(token));
  }
}
