import type { Store } from "../../db/store";
import { write } from "../../db/write";
import { Invalid, Refusal } from "../../errors";
import { assertCurrent, type IfMatch } from "../../events/current";
import type { Actor } from "../../policy";
import { presentUser, type ProfilePatch, type UserView } from "./schema";
import {
  accountWith,
  addUser,
  assertAdminLeft,
  changeUser,
  existingRole,
  existingUser,
  hasAdmin,
  roleOf,
  type NewUser,
  type Role,
} from "./accounts";
import { allUsers } from "./store";

/** People and what they may change about themselves. */
export class UserService {
  constructor(
    private readonly store: Store,
    /** Called after the commit: what is known of the user's tokens is no longer true. */
    private readonly forget: (userId: string) => void,
  ) {}

  /** @throws NotFound when the account is gone */
  async profile(actor: Actor): Promise<UserView> {
    return presentUser(await existingUser(this.store.read, actor.userId));
  }

  /** The caller's role. */
  async roleOf(actor: Actor): Promise<Role> {
    return roleOf(this.store.read, await existingUser(this.store.read, actor.userId));
  }

  /**
   * Changes the caller's own profile; a patch that changes nothing leaves no trace.
   * @throws Stale when `ifMatch` names an older version, Invalid for an unknown time zone or language
   */
  async changeProfile(actor: Actor, patch: ProfilePatch, ifMatch: IfMatch): Promise<UserView> {
    assertProfile(patch);
    const view = await write(this.store, actor, async (session) => {
      const before = await existingUser(session, actor.userId);
      await assertCurrent(session, "user", before, ifMatch);
      const wanted = trimmed(patch);
      if (Bun.deepEquals(before, { ...before, ...wanted })) return presentUser(before);
      return presentUser(await changeUser(session, actor, "user.updated", before, wanted));
    });
    this.forget(view.id);
    return view;
  }

  /** Every user, by name. */
  async list(): Promise<UserView[]> {
    return (await allUsers.all(this.store.read, {})).map(presentUser);
  }

  /** For the command line. @throws Refusal that names the address when nobody has it */
  async byEmail(email: string): Promise<UserView> {
    const row = await accountWith(this.store.read, email);
    if (!row) throw new Refusal("not_found", "not_found", `Nobody has the address ${email}.`);
    return presentUser(row);
  }

  /** Adds an account, as `neocrm user create` does. @throws Conflict when the address is taken */
  create(actor: Actor, user: NewUser): Promise<UserView> {
    return write(this.store, actor, async (session) => presentUser(await addUser(session, actor, user)));
  }

  /**
   * Gives a user another role; their access tokens end at once.
   * @throws Conflict when it would leave no active admin
   */
  async setRole(actor: Actor, userId: string, role: string): Promise<UserView> {
    const view = await write(this.store, actor, async (session) => {
      const before = await existingUser(session, userId);
      const { id: role_id, slug } = await existingRole(session, role);
      if (slug === before.role) return presentUser(before);
      const change = { role: slug, role_id, auth_version: before.auth_version + 1 };
      const hadAdmin = await hasAdmin(session);
      const after = await changeUser(session, actor, "user.role_changed", before, change);
      if (hadAdmin) await assertAdminLeft(session);
      return presentUser(after);
    });
    this.forget(userId);
    return view;
  }
}

function trimmed(patch: ProfilePatch): ProfilePatch {
  return patch.full_name === undefined ? patch : { ...patch, full_name: patch.full_name.trim() };
}

function assertProfile({ time_zone, locale }: ProfilePatch): void {
  const errors = [];
  if (time_zone !== undefined && !isTimeZone(time_zone)) {
    errors.push({
      field: "time_zone",
      code: "invalid_format",
      message: "must be an IANA time zone, such as Asia/Ho_Chi_Minh",
    });
  }
  if (locale !== undefined && !isLocale(locale)) {
    errors.push({
      field: "locale",
      code: "invalid_format",
      message: "must be a language tag, such as vi-VN",
    });
  }
  if (errors.length > 0) throw new Invalid(errors);
}

/** Offsets such as `+07:00` are refused: they know no summer time. */
function isTimeZone(name: string) {
  try {
    return /^[A-Za-z]/.test(name) && Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

function isLocale(tag: string) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
