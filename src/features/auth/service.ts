import { now } from "../../clock";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Conflict, Forbidden, TooMany, Unauthenticated } from "../../errors";
import type { Actor } from "../../policy";
import { normalEmail } from "../../text";
import { accountWith, addUser, existingUser, hasAdmin, replacePasswordHash } from "../users/accounts";
import { isUnchanged, type PasswordChecks } from "./password-checks";
import type { Credentials, Registration, Setup, TokensView } from "./schema";
import { endSessions, hashToken, isOver, type Origin } from "./sessions";
import type { Refused, SignInLog } from "./sign-in-log";
import { isSetupCode } from "./setup-code";
import { refreshTokenByHash, sessionById, useRefreshToken, type SessionRow } from "./store";
import type { TokenIssuer } from "./token-issuer";
import type { VerificationService } from "./verification-service";

/** What coming in depends on. */
export interface AuthOptions {
  store: Store;
  checks: PasswordChecks;
  issuer: TokenIssuer;
  verifications: VerificationService;
  signIns: SignInLog;
  /** The server's secret, from which the setup code follows. */
  secret: () => string;
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

/** How people come in and stay in. */
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
    if (!isSetupCode(code, this.options.secret())) {
      throw new Forbidden("This is not the setup code that the server printed.", "wrong_setup_code");
    }
    const password_hash = await this.options.checks.hashNew(person.password, "password");
    return write(this.options.store, actor, async (session) => {
      if (await hasAdmin(session)) throw alreadySetUp();
      const user = await addUser(session, actor, { ...person, password_hash, role: "admin" });
      return this.options.issuer.open(session, actor, user, origin);
    });
  }

  /**
   * Makes the first admin from what the operator configured. `false` when there is an admin already, such as one
   * that another server made in the same moment.
   * @throws Invalid naming `password` when it may not be chosen
   */
  async makeFirstAdmin(actor: Actor, { password, ...person }: FirstAdmin): Promise<boolean> {
    const password_hash = await this.options.checks.hashNew(password, "password");
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
    const password_hash = await this.options.checks.hashNew(person.password, "password");
    const { store, issuer, verifications } = this.options;
    return write(store, actor, async (session) => {
      const user = await addUser(session, actor, { ...person, password_hash, role: "user" });
      await verifications.ask(session, user);
      return issuer.open(session, actor, user, origin);
    });
  }

  /** @throws Unauthenticated for a wrong address or password alike, TooMany after repeated failures */
  async login(actor: Actor, { email, password }: Credentials, origin: Origin): Promise<TokensView> {
    const { store, checks, issuer, signIns } = this.options;
    const row = await accountWith(store.read, email);
    const find = async () => row?.password_hash ?? null;
    const refuse = (reason: Refused) => row && signIns.refused(actor, row.id, reason, origin);
    const verdict = await checks
      .compare(origin.address, normalEmail(email), password, find)
      .catch((error: unknown) => {
        if (error instanceof TooMany) refuse("too_many_failures");
        throw error;
      });
    if (!verdict.ok || !row) {
      refuse("wrong_password");
      throw wrongCredentials();
    }
    if (!row.is_active) {
      refuse("account_inactive");
      throw new Forbidden("This account is not active: ask an admin.", "account_inactive");
    }
    const rehashed = verdict.outdated ? await checks.rehash(password) : undefined;
    const answer = await write(store, actor, async (session) => {
      if (!(await isUnchanged(session, row))) return undefined;
      if (rehashed) await replacePasswordHash(session, row.id, rehashed);
      return issuer.open(session, actor, await existingUser(session, row.id), origin);
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
        await endSessions(session, self, [found]);
        return { ended: user.id };
      }
      return this.options.issuer.continue(session, actor, user, found, origin);
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
}

const alreadySetUp = () => new Conflict("already_set_up", "There is an admin already.");

const wrongCredentials = () =>
  new Unauthenticated("The e-mail address or the password is wrong.", "wrong_credentials");

async function sessionOf(session: Session, hash: string): Promise<SessionRow | undefined> {
  const token = await refreshTokenByHash.first(session, { hash });
  return token && sessionById.first(session, { id: token.session_id });
}
