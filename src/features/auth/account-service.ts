import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Conflict, Refusal } from "../../errors";
import { assertCurrent, type IfMatch } from "../../events/current";
import type { Assignments } from "../../hand-over";
import { isUser, type Actor } from "../../policy";
import {
  account,
  accountWith,
  addUser,
  assertAdminLeft,
  assertMayGrant,
  changeUser,
  EmailTaken,
  existingRole,
  existingUser,
  hasAdmin,
  noPassword,
  reviseUser,
  type UserRow,
} from "../users/accounts";
import { checkedProfile } from "../users/profile";
import { presentUser, type AccountInput, type AccountPatch, type UserView } from "../users/schema";
import { normalEmail } from "../../text";
import type { PasswordChecks } from "./password-checks";
import type { ResetService } from "./reset-service";
import { endSessionsOf } from "./sessions";
import { deleteResetsOf } from "./store";
import type { VerificationService } from "./verification-service";

/** What looking after accounts depends on. */
export interface AccountOptions {
  store: Store;
  checks: PasswordChecks;
  resets: ResetService;
  verifications: VerificationService;
  /** What is handed over when somebody leaves. */
  assignments: readonly Assignments[];
  /** Called after the commit: what is known of the user's tokens is no longer true. */
  forget: (userId: string) => void;
}

/** How somebody leaves. */
export interface Leaving {
  /** Who gets their work; without it, it stays with the closed account. */
  reassignTo?: string;
  ifMatch?: IfMatch;
}

/** Looking after accounts: making, changing and closing them, never of somebody who may do more than the actor. */
export class AccountService {
  constructor(private readonly options: AccountOptions) {}

  /**
   * Adds an account. Without a password, its owner gets a mail to choose one.
   * @throws Forbidden when the role allows more than the actor's
   * @throws Conflict with the other account's id when the address is taken
   * @throws Invalid for an unknown role, time zone or language, or a password that may not be chosen
   */
  async create(actor: Actor, { password, ...given }: AccountInput): Promise<UserView> {
    const { checks, resets } = this.options;
    const person = checkedProfile(given);
    const password_hash = password === undefined ? noPassword : await checks.hashNew(password, "password");
    const view = await this.#write(actor, async (session) => {
      await assertMayGrant(session, actor, (await existingRole(session, person.role)).id);
      const user = await addUser(session, actor, { ...person, password_hash });
      if (password === undefined) await resets.send(session, user.id, "account_created");
      return presentUser(user);
    });
    return view;
  }

  /**
   * Changes an account, and closes or opens it. Another address ends the access tokens and open links of its owner.
   * @throws NotFound without such a user, Forbidden when their role allows more than the actor's
   * @throws Stale when `ifMatch` names an older version, Invalid for an unknown time zone or language
   * @throws Conflict when the address is taken, for one's own account, and when it would leave no active admin
   */
  async change(actor: Actor, userId: string, patch: AccountPatch, ifMatch: IfMatch): Promise<UserView> {
    const { is_active, ...profile } = checkedProfile(patch);
    const { verifications, forget } = this.options;
    const view = await this.#write(actor, async (session) => {
      const before = await this.#lookedAfter(session, actor, userId, ifMatch);
      const revised = await reviseUser(session, actor, before, profile);
      const isMoved = normalEmail(revised.email) !== normalEmail(before.email);
      if (revised.email !== before.email) await deleteResetsOf.all(session, { user_id: userId });
      if (isMoved) await verifications.ask(session, revised);
      if (is_active === undefined) return presentUser(revised);
      return presentUser(await (is_active ? open : close)(session, actor, revised));
    });
    forget(userId);
    return view;
  }

  /**
   * Closes an account: everything that is signed in with it ends at once. One that is closed stays as it is, and may
   * still hand over what is left.
   * @throws NotFound without such a user, Forbidden when their role allows more than the actor's
   * @throws Stale when `ifMatch` names an older version
   * @throws Conflict for one's own account, when it would leave no active admin, and when too much is to hand over
   * @throws Refusal when `reassignTo` is nobody who could go on with the work
   */
  async deactivate(
    actor: Actor,
    userId: string,
    { reassignTo, ifMatch = "any" }: Leaving = {},
  ): Promise<UserView> {
    const view = await this.#write(actor, async (session) => {
      const before = await this.#lookedAfter(session, actor, userId, ifMatch);
      const after = await close(session, actor, before);
      if (reassignTo !== undefined) await this.#handOver(session, actor, userId, reassignTo);
      return presentUser(after);
    });
    this.options.forget(userId);
    return view;
  }

  /** Opens a closed account again; its owner signs in anew. @throws NotFound without such a user */
  activate(actor: Actor, userId: string): Promise<UserView> {
    return this.change(actor, userId, { is_active: true }, "any");
  }

  async #lookedAfter(session: Session, actor: Actor, userId: string, ifMatch: IfMatch): Promise<UserRow> {
    const row = await existingUser(session, userId);
    await assertMayGrant(session, actor, row.role_id);
    await assertCurrent(session, "user", row, ifMatch);
    return row;
  }

  async #handOver(session: Session, actor: Actor, from: string, to: string): Promise<void> {
    if (from === to || !(await account(session, to))?.is_active) throw noSuccessor();
    for (const assigned of this.options.assignments) await assigned.handOver(session, actor, from, to);
  }

  async #write<T>(actor: Actor, work: (session: Session) => Promise<T>): Promise<T> {
    const { store } = this.options;
    try {
      return await write(store, actor, work);
    } catch (error) {
      if (!(error instanceof EmailTaken)) throw error;
      // Asked after the rollback, because PostgreSQL's transaction is over with the first error.
      throw new EmailTaken(error.email, await accountWith(store.read, error.email));
    }
  }
}

/** @throws Conflict for one's own account, and when it would leave no active admin */
async function close(session: Session, actor: Actor, before: UserRow): Promise<UserRow> {
  if (!before.is_active) return before;
  if (isUser(actor, before.id)) throw ownAccount();
  const hadAdmin = await hasAdmin(session);
  const change = { is_active: false, auth_version: before.auth_version + 1 };
  const after = await changeUser(session, actor, "user.deactivated", before, change);
  if (hadAdmin) await assertAdminLeft(session);
  await endSessionsOf(session, actor, before.id);
  await deleteResetsOf.all(session, { user_id: before.id });
  return after;
}

async function open(session: Session, actor: Actor, before: UserRow): Promise<UserRow> {
  if (before.is_active) return before;
  return changeUser(session, actor, "user.activated", before, { is_active: true });
}

const ownAccount = () =>
  new Conflict("own_account", "This is your own account: another admin has to close it.");

function noSuccessor(): Refusal {
  const message = "is not an active user who could go on with the work";
  return new Refusal("malformed", "unknown_user", `reassign_to: ${message}`, {
    errors: [{ field: "reassign_to", code: "unknown_user", message }],
  });
}
