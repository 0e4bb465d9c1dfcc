import type { Session } from "../../db/store";
import type { Actor } from "../../policy";
import { grantsOf, roleOf, type UserRow } from "../users/accounts";
import { presentRole, presentUser } from "../users/schema";
import type { TokensView } from "./schema";
import { continueSession, openSession, type OpenedSession, type Origin } from "./sessions";
import type { SessionRow } from "./store";
import type { AccessTokens } from "./tokens";

/** Gives out tokens, within the transaction that opens or continues their session. */
export class TokenIssuer {
  /** @param refreshTokenDays how long a session may lie unused */
  constructor(
    private readonly tokens: AccessTokens,
    private readonly refreshTokenDays: number,
  ) {}

  /** Signs a user in: a new session and its first tokens. */
  async open(session: Session, actor: Actor, user: UserRow, origin: Origin): Promise<TokensView> {
    const self = { ...actor, userId: user.id };
    const opened = await openSession(session, self, user.id, origin, this.refreshTokenDays);
    return this.#answer(session, user, opened);
  }

  /** The next tokens of a session. */
  async continue(
    session: Session,
    actor: Actor,
    user: UserRow,
    before: SessionRow,
    origin: Origin,
  ): Promise<TokensView> {
    const self = { ...actor, userId: user.id };
    const opened = await continueSession(session, self, before, origin, this.refreshTokenDays);
    return this.#answer(session, user, opened);
  }

  async #answer(
    session: Session,
    user: UserRow,
    { session: opened, refreshToken }: OpenedSession,
  ): Promise<TokensView> {
    const access_token = await this.tokens.sign({
      userId: user.id,
      sessionId: opened.id,
      authVersion: user.auth_version,
    });
    return {
      access_token,
      refresh_token: refreshToken,
      token_type: "Bearer",
      expires_in: this.tokens.expiresIn,
      token: access_token,
      user: presentUser(user),
      roles: [presentRole(await roleOf(session, user))],
      permissions: Object.keys(await grantsOf(session, user.role_id)),
    };
  }
}
