import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Invalid } from "../../errors";
import type { Actor } from "../../policy";
import { normalEmail } from "../../text";
import { changeUser, existingUser, passwordHash, replacePasswordHash, type UserRow } from "../users/accounts";
import { presentUser, type UserView } from "../users/schema";
import { isUnchanged, type PasswordChecks } from "./password-checks";
import type { PasswordChange, TokensView } from "./schema";
import { endSessionsOf, type Origin } from "./sessions";
import { deleteResetsOf } from "./store";
import type { TokenIssuer } from "./token-issuer";

/** What changing passwords depends on. */
export interface PasswordOptions {
  store: Store;
  checks: PasswordChecks;
  issuer: TokenIssuer;
  /** Called after the commit: what is known of the user's tokens is no longer true. */
  forget: (userId: string) => void;
}

/** New passwords. Everything that was signed in with the old one ends. */
export class PasswordService {
  constructor(private readonly options: PasswordOptions) {}

  /**
   * Changes the caller's password and gives them a new pair of tokens.
   * @throws Invalid when the present password is wrong or the new one is not good enough
   */
  async change(actor: Actor, change: PasswordChange, origin: Origin): Promise<TokensView> {
    const { store, checks, issuer, forget } = this.options;
    const user = await existingUser(store.read, actor.userId);
    const password_hash = (await passwordHash(store.read, user.id)) ?? "";
    const account = normalEmail(user.email);
    const find = async () => password_hash;
    const { ok } = await checks.compare(origin.address, account, change.current_password, find);
    if (!ok) throw wrongPassword();
    const hash = await checks.hashNew(change.new_password, "new_password");
    const answer = await write(store, actor, async (session) => {
      if (!(await isUnchanged(session, { id: user.id, password_hash }))) throw wrongPassword();
      return issuer.open(session, actor, await replacePassword(session, actor, user.id, hash), origin);
    });
    forget(user.id);
    return answer;
  }

  /**
   * Sets somebody's password, as `neocrm user password` does.
   * @throws Invalid naming `password` when it may not be chosen, NotFound without such a user
   */
  async set(actor: Actor, userId: string, password: string): Promise<UserView> {
    const hash = await this.hashNew(password);
    const user = await write(this.options.store, actor, (session) =>
      replacePassword(session, actor, userId, hash),
    );
    this.options.forget(userId);
    return presentUser(user);
  }

  /** The hash of a password that may be chosen. @throws Invalid naming `password` when it may not */
  hashNew(password: string): Promise<string> {
    return this.options.checks.hashNew(password, "password");
  }
}

const wrongPassword = () =>
  new Invalid([
    { field: "current_password", code: "wrong_password", message: "is not your present password" },
  ]);

/** Sets a password within a transaction and ends what the old one began: sessions, tokens, links to choose another. */
export async function replacePassword(
  session: Session,
  actor: Actor,
  userId: string,
  hash: string,
): Promise<UserRow> {
  const before = await existingUser(session, userId);
  await replacePasswordHash(session, userId, hash);
  await endSessionsOf(session, actor, userId);
  await deleteResetsOf.all(session, { user_id: userId });
  return changeUser(session, actor, "user.password_changed", before, {
    auth_version: before.auth_version + 1,
  });
}
