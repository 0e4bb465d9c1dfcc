import { monotonic, now, second } from "../../clock";
import type { Store } from "../../db/store";
import { RecentMap } from "../../recent-map";
import type { Identity } from "../../policy";
import { account, grantsOf } from "../users/accounts";
import { sessionById } from "./store";
import type { AccessTokens, Claims } from "./tokens";

/** How long an identity is believed without asking the tables again, should a doorbell ever be lost. */
const believedMs = 30 * second;
/** The same while no doorbell can be heard. */
const believedDeafMs = second;
const mostTokens = 20_000;

interface Known {
  identity: Identity;
  /** In `monotonic` time: a clock set back makes nobody believed for longer. */
  until: number;
  /** Likewise. */
  asked: number;
  /** The generation in which the tables were asked. */
  since: number;
}

/**
 * Who a token belongs to. A token is verified once and looked up in the tables once; then it is known until it
 * expires or its user is forgotten. Whatever ends a token changes the tables first and forgets the user after.
 */
export class Identities {
  readonly #known = new RecentMap<Known>(mostTokens);
  /** Raised by every `forget`: what the tables said before it is not believed after. */
  #generation = 0;
  readonly #forgottenIn = new Map<string, number>();
  #allForgottenIn = 0;

  constructor(
    private readonly store: Store,
    private readonly tokens: AccessTokens,
    /** Whether what ends tokens elsewhere cannot be heard here. */
    private readonly isDeaf: () => boolean = () => false,
  ) {}

  /** The bearer of this token, at once when it is known; a text says why it is refused. */
  identify = (token: string): Identity | string | Promise<Identity | string> => {
    const known = this.#known.get(token);
    if (known && this.#isBelieved(known)) return known.identity;
    return this.#lookUp(token);
  };

  /** Drops what is known of a user's tokens; the tables decide anew. */
  forget(userId: string): void {
    this.#forgottenIn.set(userId, ++this.#generation);
  }

  /** Drops everything, after a time in which doorbells may have been missed. */
  forgetAll(): void {
    this.#allForgottenIn = ++this.#generation;
    this.#forgottenIn.clear();
  }

  #isBelieved(known: Known): boolean {
    const time = monotonic();
    if (known.until <= time || this.#isForgotten(known)) return false;
    return !this.isDeaf() || time - known.asked < believedDeafMs;
  }

  #isForgotten({ identity, since }: Known): boolean {
    return since < Math.max(this.#allForgottenIn, this.#forgottenIn.get(identity.userId!) ?? 0);
  }

  async #lookUp(token: string): Promise<Identity | string> {
    const since = this.#generation;
    const claims = await this.tokens.verify(token);
    if (typeof claims === "string") return claims;
    const identity = await this.bearer(claims);
    if (typeof identity === "string") return identity;
    this.#known.set(token, {
      identity,
      ...{ since, asked: monotonic() },
      until: monotonic() + Math.min(claims.expiresAt - now(), believedMs),
    });
    return identity;
  }

  /** Whom these claims belong to, by the tables as they are now; a text says why nobody. */
  async bearer(claims: Omit<Claims, "expiresAt">): Promise<Identity | string> {
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
      authVersion: user.auth_version,
      grants: await grantsOf(read, user.role_id),
      timeZone: user.time_zone,
    };
  }
}
