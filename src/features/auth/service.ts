import { now } from "../../clock";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthenticated } from "../../errors";
import { limitKey } from "../../integrations/limiter";
import type { LoginThrottle } from "../../integrations/login-throttle";
import type { Actor } from "../../policy";
import {
  accountWith,
  addUser,
  changeUser,
  existingUser,
  grantsOf,
  hasAdmin,
  passwordHash,
  replacePasswordHash,
  roleOf,
  type UserRow,
} from "../users/accounts";
import { normalEmail } from "../../text";
import { presentUser, type UserView } from "../users/schema";
import { passwordProblem, type PasswordHasher } from "./passwords";
import {
  presentRole,
  presentSession,
  type Credentials,
  type PasswordChange,
  type Registration,
  type SessionView,
  type Setup,
  type TokensView,
} from "./schema";
import {
  continueSession,
  endSession,
  endSessionsOf,
  hashToken,
  openSession,
  type OpenedSession,
  type Origin,
} from "./sessions";
import { isSetupCode } from "./setup-code";
import { openSessionsOf, refreshTokenByHash, sessionById, useRefreshToken, type SessionRow } from "./store";
import type { AccessTokens } from "./tokens";

/** What signing in depends on. */
export interface AuthOptions {
  store: Store;
  passwords: PasswordHasher;
  throttle: LoginThrottle;
  tokens: AccessTokens;
  /** The server's secret, from which the setup code follows. */
  secret: string;
  refreshTokenDays: number;
  /** Whether anybody may register. */
  registration: () => "open" | "closed";
  /** Whether the first admin may be made with the setup code. */
  setupEnabled: boolean;
  /** Called after the commit: what is known of the user's tokens is no longer true. */
  forget: (userId: string) => void;
}

/** Whom the configuration names. */
export interface FirstAdmin {
  email: string;
  full_name: string;
  password: string;
}

/** How people come in, stay in and leave. */
export class AuthService {
  constructor(private readonly options: AuthOptions) {}

  /** Whether there is an admin; until then, the setup code makes one. */
  isSetUp(): Promise<boolean> {
    return hasAdmin(this.options.store.read);
  }

  /**
   * Makes the first admin.
   * @throws Forbidden for a wrong code, Conflict when there is an admin already
   */
  async setup(actor: Actor, { code, ...person }: Setup, origin: Origin): Promise<TokensView> {
    if (!this.options.setupEnabled)
      throw new Forbidden("Setting up over HTTP is switched off.", "setup_disabled");
    if (await this.isSetUp()) throw alreadySetUp();
    if (!isSetupCode(code, this.options.secret)) {
      throw new Forbidden("This is not the setup code that the server printed.", "wrong_setup_code");
    }
    const password_hash = await this.#newHash(person.password, "password");
    return write(this.options.store, actor, async (session) => {
      if (await hasAdmin(session)) throw alreadySetUp();
      const user = await addUser(session, actor, { ...person, password_hash, role: "admin" });
      return this.#signIn(session, actor, user, origin);
    });
  }

  /**
   * Makes the first admin from what the operator configured. `false` when there is an admin already, such as one
   * that another server made in the same moment.
   * @throws Invalid naming `password` when it may not be chosen
   */
  async makeFirstAdmin(actor: Actor, { password, ...person }: FirstAdmin): Promise<boolean> {
    const password_hash = await this.#newHash(password, "password");
    try {
      return await write(this.options.store, actor, async (session) => {
        if (await hasAdmin(session)) return false;
        await addUser(session, actor, { ...person, password_hash, role: "admin" });
        return true;
      });
    } catch (error) {
      // Of two transactions that find no admin, PostgreSQL may end one for the address that both insert.
      if (error instanceof Conflict && (await this.isSetUp())) return false;
      throw error;
    }
  }

  /** @throws Forbidden when registration is closed, Conflict when the address is taken */
  async register(actor: Actor, person: Registration, origin: Origin): Promise<TokensView> {
    if (this.options.registration() === "closed") {
      throw new Forbidden("Nobody can register here: ask an admin for an account.", "registration_closed");
    }
    const password_hash = await this.#newHash(person.password, "password");
    return write(this.options.store, actor, async (session) => {
      const user = await addUser(session, actor, { ...person, password_hash, role: "user" });
      return this.#signIn(session, actor, user, origin);
    });
  }

  /** @throws Unauthenticated for a wrong address or password alike, TooMany after repeated failures */
  async login(actor: Actor, { email, password }: Credentials, origin: Origin): Promise<TokensView> {
    const { store, passwords } = this.options;
    const email_normal = normalEmail(email);
    const known = await this.#attempt(origin.address, email_normal, async () => {
      const row = await accountWith(store.read, email);
      const verdict = await passwords.verify(password, row?.password_hash ?? null);
      return verdict.ok && row ? { row, verdict } : undefined;
    });
    if (!known) throw wrongCredentials();
    const { row, verdict } = known;
    if (!row.is_active) throw new Forbidden("This account is not active: ask an admin.", "account_inactive");
    const rehashed = verdict.outdated ? await passwords.hash(password) : undefined;
    const answer = await write(store, actor, async (session) => {
      if (!(await isUnchanged(session, row))) return undefined;
      if (rehashed) await replacePasswordHash(session, row.id, rehashed);
      return this.#signIn(session, actor, await existingUser(session, row.id), origin);
    });
    // What was compared is no longer true. It may be the same password, hashed anew by a sign-in elsewhere.
    return answer ?? this.login(actor, { email, password }, origin);
  }

  /**
   * Gives the next pair of tokens. A refresh token that was used before has been copied: its whole family ends.
   * @throws Unauthenticated when the token is unknown, used, or its session is over
   */
  async refresh(actor: Actor, refreshToken: string, origin: Origin): Promise<TokensView> {
    const hash = hashToken(refreshToken);
    const outcome = await write(this.options.store, actor, async (session) => {
      const found = await sessionOf(session, hash);
      if (!found || isOver(found)) return undefined;
      const user = await existingUser(session, found.user_id);
      const self = { ...actor, userId: user.id };
      const isFirstUse = (await useRefreshToken.all(session, { hash, used_at: now() })).length === 1;
      if (!isFirstUse || !user.is_active) {
        await endSession(session, self, found);
        return { ended: user.id };
      }
      const opened = await continueSession(session, self, found, origin, this.options.refreshTokenDays);
      return this.#answer(session, user, opened);
    });
    if (outcome && "ended" in outcome) this.options.forget(outcome.ended);
    if (!outcome || "ended" in outcome) {
      throw new Unauthenticated(
        "The refresh token is no longer good. Sign in again.",
        "invalid_refresh_token",
      );
    }
    return outcome;
  }

  /** The session that a refresh token belongs to, for counting. */
  async sessionIdOf(refreshToken: string): Promise<string | undefined> {
    const row = await refreshTokenByHash.first(this.options.store.read, { hash: hashToken(refreshToken) });
    return row?.session_id;
  }

  /**
   * Ends the caller's session: that of their access token, of the refresh token they send, or both.
   * @throws Unauthenticated when neither is good
   */
  async logout(actor: Actor, refreshToken: string | undefined): Promise<void> {
    const users = await write(this.options.store, actor, async (session) => {
      const ended = new Set<string>();
      for (const id of await sessionsToEnd(session, actor, refreshToken)) {
        const found = await sessionById.first(session, { id });
        if (!found || isOver(found)) continue;
        await endSession(session, { ...actor, userId: found.user_id }, found);
        ended.add(found.user_id);
      }
      return ended;
    });
    if (users.size === 0) throw new Unauthenticated("You are not signed in.");
    for (const userId of users) this.options.forget(userId);
  }

  /** Ends all of the caller's sessions. */
  async logoutAll(actor: Actor): Promise<void> {
    const userId = actor.userId!;
    await write(this.options.store, actor, (session) => endSessionsOf(session, actor, userId));
    this.options.forget(userId);
  }

  /** The caller's open sessions, the newest first. */
  async sessions(actor: Actor): Promise<SessionView[]> {
    const rows = await openSessionsOf.all(this.options.store.read, { user_id: actor.userId!, now: now() });
    return rows.map((row) => presentSession(row, actor.sessionId));
  }

  /** @throws NotFound when it is not an open session of the caller */
  async endSession(actor: Actor, id: string): Promise<void> {
    await write(this.options.store, actor, async (session) => {
      const found = await sessionById.first(session, { id });
      if (!found || found.user_id !== actor.userId || isOver(found)) throw new NotFound("session");
      await endSession(session, actor, found);
    });
    this.options.forget(actor.userId!);
  }

  /**
   * Changes the caller's password. Everything signed in with the old one ends; the caller gets a new pair.
   * @throws Invalid when the present password is wrong or the new one is not good enough
   */
  async changePassword(actor: Actor, change: PasswordChange, origin: Origin): Promise<TokensView> {
    const { store, passwords, forget } = this.options;
    const user = await existingUser(store.read, actor.userId);
    const checked = await this.#attempt(origin.address, normalEmail(user.email), async () => {
      const hash = await passwordHash(store.read, user.id);
      const { ok } = await passwords.verify(change.current_password, hash);
      return ok && hash !== null ? { id: user.id, password_hash: hash } : undefined;
    });
    if (!checked) throw wrongPassword();
    const password_hash = await this.#newHash(change.new_password, "new_password");
    const answer = await write(store, actor, async (session) => {
      if (!(await isUnchanged(session, checked))) throw wrongPassword();
      const after = await this.#replacePassword(session, actor, user.id, password_hash);
      return this.#signIn(session, actor, after, origin);
    });
    forget(user.id);
    return answer;
  }

  /** Sets somebody's password, as `neocrm user password` does. Everything signed in with the old one ends. */
  async setPassword(actor: Actor, userId: string, password: string): Promise<UserView> {
    const password_hash = await this.#newHash(password, "password");
    const user = await write(this.options.store, actor, (session) =>
      this.#replacePassword(session, actor, userId, password_hash),
    );
    this.options.forget(userId);
    return presentUser(user);
  }

  /** The hash of a password that may be chosen. @throws Invalid naming `password` when it may not */
  hashNew(password: string): Promise<string> {
    return this.#newHash(password, "password");
  }

  async #newHash(password: string, field: string): Promise<string> {
    const problem = passwordProblem(password);
    if (problem) throw invalidField(field, problem.code, problem.message);
    return this.options.passwords.hash(password);
  }

  async #replacePassword(
    session: Session,
    actor: Actor,
    userId: string,
    password_hash: string,
  ): Promise<UserRow> {
    const before = await existingUser(session, userId);
    await replacePasswordHash(session, userId, password_hash);
    await endSessionsOf(session, actor, userId);
    const change = { auth_version: before.auth_version + 1 };
    return changeUser(session, actor, "user.password_changed", before, change);
  }

  /** One try with a password, slowed down after failures; `check` gives `undefined` for a wrong one. */
  async #attempt<T>(
    address: string,
    account: string,
    check: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { throttle } = this.options;
    const from = limitKey(address);
    const waitMs = throttle.begin(from, account);
    if (waitMs > 0)
      throw new TooMany("too_many_failures", "Too many wrong passwords. Wait a little.", waitMs);
    try {
      const result = await check();
      if (result !== undefined) throttle.succeeded(from, account);
      return result;
    } catch (error) {
      throttle.abandoned(from, account);
      throw error;
    }
  }

  async #signIn(session: Session, actor: Actor, user: UserRow, origin: Origin): Promise<TokensView> {
    const self = { ...actor, userId: user.id };
    const opened = await openSession(session, self, user.id, origin, this.options.refreshTokenDays);
    return this.#answer(session, user, opened);
  }

  async #answer(
    session: Session,
    user: UserRow,
    { session: opened, refreshToken }: OpenedSession,
  ): Promise<TokensView> {
    const { tokens } = this.options;
    const access_token = await tokens.sign({
      userId: user.id,
      sessionId: opened.id,
      authVersion: user.auth_version,
    });
    const role = await roleOf(session, user);
    return {
      access_token,
      refresh_token: refreshToken,
      token_type: "Bearer",
      expires_in: tokens.expiresIn,
      token: access_token,
      user: presentUser(user),
      roles: [presentRole(role)],
      permissions: Object.keys(await grantsOf(session, user.role_id)),
    };
  }
}

const alreadySetUp = () => new Conflict("already_set_up", "There is an admin already.");

const invalidField = (field: string, code: string, message: string) =>
  new Invalid([{ field, code, message }]);

const wrongCredentials = () =>
  new Unauthenticated("The e-mail address or the password is wrong.", "wrong_credentials");

const wrongPassword = () =>
  invalidField("current_password", "wrong_password", "is not your present password");

const isOver = (session: SessionRow) => session.ended_at !== null || session.expires_at <= now();

async function sessionOf(session: Session, hash: string): Promise<SessionRow | undefined> {
  const token = await refreshTokenByHash.first(session, { hash });
  return token && sessionById.first(session, { id: token.session_id });
}

/** Checking a password takes a while: whoever changed it, or closed the account, in that time has the last word. */
async function isUnchanged(
  session: Session,
  checked: Pick<UserRow, "id"> & { password_hash: string },
): Promise<boolean> {
  const { is_active } = await existingUser(session, checked.id);
  const hash = await passwordHash(session, checked.id);
  return is_active && hash === checked.password_hash;
}

async function sessionsToEnd(
  session: Session,
  actor: Actor,
  refreshToken: string | undefined,
): Promise<Set<string>> {
  const ids = new Set<string>();
  if (actor.sessionId !== null) ids.add(actor.sessionId);
  if (refreshToken !== undefined) {
    const token = await refreshTokenByHash.first(session, { hash: hashToken(refreshToken) });
    if (token) ids.add(token.session_id);
  }
  return ids;
}
