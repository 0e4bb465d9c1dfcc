import { now } from "../../clock";
import type { Session, Store } from "../../db/store";
import { DbError } from "../../db/errors";
import { write } from "../../db/write";
import { Conflict, Invalid, NotFound } from "../../errors";
import { assertCurrent } from "../../events/current";
import { record } from "../../events/record";
import type { IfMatch } from "../../http/preconditions";
import { newId } from "../../ids";
import type { Actor } from "../../policy";
import { fold } from "../../text";
import { presentUser, type ProfilePatch, type UserView } from "./schema";
import {
  allUsers,
  countActiveAdmins,
  insertUser,
  roleById,
  roleBySlug,
  roleSlugs,
  updateUser,
  userByEmail,
  userById,
  type Role,
  type UserRow,
} from "./store";

/** What a new account is made from. The password is hashed before, outside the transaction. */
export interface NewUser {
  email: string;
  full_name: string;
  password_hash: string;
  /** A role's slug. */
  role: string;
}

/** E-mail addresses are the same without case, and however their accents were typed. */
export const normalEmail = (email: string) => email.trim().normalize("NFC").toLowerCase();

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
    const { role_id } = await existingUser(this.store.read, actor.userId);
    return (await roleById.first(this.store.read, { id: role_id }))!;
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

  /** @throws NotFound when nobody has this address */
  async byEmail(email: string): Promise<UserView> {
    const row = await userByEmail.first(this.store.read, { email_normal: normalEmail(email) });
    if (!row) throw new NotFound("user");
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

/** @throws NotFound when there is no such user */
export async function existingUser(session: Session, id: string | null): Promise<UserRow> {
  const row = id === null ? undefined : await userById.first(session, { id });
  if (!row) throw new NotFound("user");
  return row;
}

/** Whether somebody with this id can be given work. */
export async function isActiveUser(session: Session, id: string): Promise<boolean> {
  return (await userById.first(session, { id }))?.is_active ?? false;
}

/** Adds an account within a transaction. @throws Conflict when the address is taken */
export async function addUser(session: Session, actor: Actor, user: NewUser): Promise<UserRow> {
  const { id: role_id } = await existingRole(session, user.role);
  const id = newId();
  const createdAt = now();
  const full_name = user.full_name.trim();
  const email = user.email.trim();
  try {
    await insertUser.all(session, {
      ...{ id, email, full_name, role_id, password_hash: user.password_hash },
      ...{ email_normal: normalEmail(email), full_name_key: fold(full_name), avatar_url: null },
      ...{ time_zone: "UTC", locale: "en", created_at: createdAt, updated_at: createdAt },
    });
  } catch (error) {
    if (error instanceof DbError && error.kind === "unique") throw emailTaken();
    throw error;
  }
  const row = await existingUser(session, id);
  // Who registers acts for the first time: the event's actor is the new account itself.
  const self = actor.userId === null && actor.kind === "user" ? { ...actor, userId: id } : actor;
  await record(session, self, "user.created", null, presentUser(row), createdAt);
  return row;
}

/** Changes an account within a transaction and records it. */
export async function changeUser(
  session: Session,
  actor: Actor,
  event: "user.updated" | "user.role_changed" | "user.password_changed",
  before: UserRow,
  change: Partial<UserRow>,
): Promise<UserRow> {
  const after = { ...before, ...change, version: before.version + 1, updated_at: now() };
  await updateUser.all(session, {
    ...after,
    email_normal: normalEmail(after.email),
    full_name_key: fold(after.full_name),
  });
  await record(session, actor, event, presentUser(before), presentUser(after), after.updated_at);
  return after;
}

/** Whether anybody can run the system yet. */
export async function hasAdmin(session: Session): Promise<boolean> {
  return ((await countActiveAdmins.first(session, {}))?.admins ?? 0) > 0;
}

async function assertAdminLeft(session: Session): Promise<void> {
  if (await hasAdmin(session)) return;
  throw new Conflict("last_admin", "This is the last active admin: make another one first.");
}

async function existingRole(session: Session, slug: string) {
  const role = await roleBySlug.first(session, { slug });
  if (role) return role;
  const roles = (await roleSlugs(session)).join(", ");
  throw new Invalid([{ field: "role", code: "invalid_choice", message: `must be one of ${roles}` }]);
}

const emailTaken = () => new Conflict("email_taken", "Another account has this e-mail address.");

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
