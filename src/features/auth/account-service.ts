import type { Store } from "../../db/store";
import { write } from "../../db/write";
import type { Actor } from "../../policy";
import { assertAdminLeft, changeUser, existingUser, hasAdmin } from "../users/accounts";
import { presentUser, type UserView } from "../users/schema";
import { endSessionsOf } from "./sessions";

/** Closing accounts and opening them again. What a closed one owns stays where it is. */
export class AccountService {
  constructor(
    private readonly store: Store,
    /** Called after the commit: what is known of the user's tokens is no longer true. */
    private readonly forget: (userId: string) => void,
  ) {}

  /**
   * Closes an account: everything that is signed in with it ends at once. One that is closed stays as it is.
   * @throws Conflict when it would leave no active admin, NotFound without such a user
   */
  async deactivate(actor: Actor, userId: string): Promise<UserView> {
    const view = await write(this.store, actor, async (session) => {
      const before = await existingUser(session, userId);
      if (!before.is_active) return presentUser(before);
      const hadAdmin = await hasAdmin(session);
      const change = { is_active: false, auth_version: before.auth_version + 1 };
      const after = await changeUser(session, actor, "user.deactivated", before, change);
      if (hadAdmin) await assertAdminLeft(session);
      await endSessionsOf(session, actor, userId);
      return presentUser(after);
    });
    this.forget(userId);
    return view;
  }

  /** Opens a closed account again; its owner signs in anew. @throws NotFound without such a user */
  activate(actor: Actor, userId: string): Promise<UserView> {
    return write(this.store, actor, async (session) => {
      const before = await existingUser(session, userId);
      if (before.is_active) return presentUser(before);
      return presentUser(await changeUser(session, actor, "user.activated", before, { is_active: true }));
    });
  }
}
