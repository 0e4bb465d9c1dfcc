import { now } from "../../clock";
import { DbError } from "../../db/errors";
import { withDerived } from "../../db/rows";
import type { Session } from "../../db/store";
import { Conflict, Forbidden, Invalid, NotFound } from "../../errors";
import { record } from "../../events/record";
import { newId } from "../../ids";
import type { Actor } from "../../policy";
import { normalEmail } from "../../text";
import { covers } from "./policy";
import { presentUser } from "./schema";
import { removeAvatar } from "./avatar-store";
import {
  activeAdmins,
  activeAmong,
  allRoles,
  allUsers,
  countActiveAdmins,
  grantsOf,
  insertUser,
  passwordHashOf,
  roleById,
  roleBySlug,
  updatePasswordHash,
  updateUser,
  userByEmail,
  userById,
  type Role,
  type UserRow,
} from "./store";

/** What other features may ask about accounts and do with them, within their own transaction. */
export { grantsOf, type Role, type UserRow } from "./store";

/** What a new account is made from. The password is hashed before, outside the transaction. */
export interface NewUser {
  email: string;
  full_name: string;
  password_hash: string;
  /** A role's slug. */
  role: string;
  /** IANA name; UTC unless given. */
  time_zone?: string;
  /** BCP 47 tag; English unless given. */
  locale?: string;
}

/** Stands in the place of a hash: no password goes with it, until its owner chooses one. */
export const noPassword = "";

/** Another account has the address. */
export class EmailTaken extends Conflict {
  /** @param holder whose it is, for those who may know */
  constructor(
    readonly email: string,
    holder?: { id: string },
  ) {
    const members = holder && { field: "email", conflicting_id: holder.id };
    super("email_taken", "Another account has this e-mail address.", members);
  }
}

/** @throws NotFound when there is no such user */
export async function existingUser(session: Session, id: string | null): Promise<UserRow> {
  const row = id === null ? undefined : await userById.first(session, { id });
  if (!row) throw new NotFound("user");
  return row;
}

/** Work goes to nobody, or to somebody who is there to do it. @throws Invalid naming `assigned_to` */
export async function assertAssignable(session: Session, userId: string | null | undefined): Promise<void> {
  if (userId == null || (await userById.first(session, { id: userId }))?.is_active) return;
  throw new Invalid([{ field: "assigned_to", code: "unknown_user", message: "is not an active user" }]);
}

/** Adds an account within a transaction. @throws Conflict when the address is taken */
export async function addUser(session: Session, actor: Actor, user: NewUser): Promise<UserRow> {
  const { id: role_id } = await existingRole(session, user.role);
  const id = newId();
  const createdAt = now();
  const email = user.email.trim();
  const begun = {
    ...{ id, email, full_name: user.full_name.trim(), role_id, password_hash: user.password_hash },
    ...{ time_zone: user.time_zone ?? "UTC", locale: user.locale ?? "en" },
    ...{ avatar_url: null, is_active: true, auth_version: 1, version: 1 },
    ...{ created_at: createdAt, updated_at: createdAt },
  };
  const whole = withDerived("users", begun, { email_normal: normalEmail(email) });
  await namingTaken(email, () => insertUser.all(session, whole));
  const row = await existingUser(session, id);
  // Who registers acts for the first time: the event's actor is the new account itself.
  const self = actor.userId === null && actor.kind === "user" ? { ...actor, userId: id } : actor;
  await record(session, self, "user.created", null, presentUser(row), createdAt);
  return row;
}

/** Changes an account within a transaction and records it. @throws EmailTaken when the new address is taken */
export async function changeUser(
  session: Session,
  actor: Actor,
  event:
    "user.updated" | "user.role_changed" | "user.password_changed" | "user.deactivated" | "user.activated",
  before: UserRow,
  change: Partial<UserRow>,
): Promise<UserRow> {
  const after = { ...before, ...change, version: before.version + 1, updated_at: now() };
  const whole = withDerived("users", after, { email_normal: normalEmail(after.email) });
  await namingTaken(after.email, () => updateUser.all(session, whole));
  if (after.avatar_url !== before.avatar_url) await removeAvatar(session, before.id);
  await record(session, actor, event, presentUser(before), presentUser(after), after.updated_at);
  return after;
}

/**
 * Changes what a profile says, within a transaction; what changes nothing leaves no trace. Another address ends the
 * access tokens.
 */
export async function reviseUser(
  session: Session,
  actor: Actor,
  before: UserRow,
  profile: Partial<UserRow>,
): Promise<UserRow> {
  if (Bun.deepEquals(before, { ...before, ...profile })) return before;
  const isMoved = profile.email !== undefined && profile.email !== before.email;
  const change = isMoved ? { ...profile, auth_version: before.auth_version + 1 } : profile;
  return changeUser(session, actor, "user.updated", before, change);
}

async function namingTaken(email: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof DbError && error.kind === "unique" ? new EmailTaken(email) : error;
  }
}

/**
 * Lets the actor give a role away, or look after an account that has it. Asked within the transaction, because the
 * actor may have lost their own role since the request came in.
 * @throws Forbidden when the role allows more than the actor's own
 */
export async function assertMayGrant(session: Session, actor: Actor, roleId: string): Promise<void> {
  if (actor.kind === "system") return;
  const self = await existingUser(session, actor.userId);
  const held = self.is_active ? await grantsOf(session, self.role_id) : {};
  if (held["users.manage"] !== "all") throw new Forbidden("Your role does not allow users.manage.");
  if (covers(held, await grantsOf(session, roleId))) return;
  throw new Forbidden(
    "This role allows more than yours does: ask somebody who holds it.",
    "exceeds_own_role",
  );
}

/** Whether anybody can run the system yet. */
export async function hasAdmin(session: Session): Promise<boolean> {
  return ((await countActiveAdmins.first(session, {}))?.admins ?? 0) > 0;
}

/** Ids of those who run the system and whose accounts are open. */
export const adminsOf = async (session: Session): Promise<string[]> =>
  (await activeAdmins.all(session, {})).map(({ id }) => id);

/** @throws Conflict when a change has left nobody who could run the system */
export async function assertAdminLeft(session: Session): Promise<void> {
  if (await hasAdmin(session)) return;
  throw new Conflict("last_admin", "This is the last active admin: make another one first.");
}

/** The account with this e-mail address and the hash of its password, if there is one. */
export const accountWith = (session: Session, email: string) =>
  userByEmail.first(session, { email_normal: normalEmail(email) });

/** The account with this id, if there is one. */
export const account = (session: Session, id: string): Promise<UserRow | undefined> =>
  userById.first(session, { id });

/** Everybody whose account is open, by name. */
export const openAccountList = async (session: Session): Promise<UserRow[]> =>
  (await allUsers.all(session, {})).filter(({ is_active }) => is_active);

/** Those of some accounts that are open. */
export async function openAccounts(session: Session, ids: readonly string[]): Promise<Set<string>> {
  const open = await activeAmong.all(session, { ids: JSON.stringify(ids) });
  return new Set(open.map(({ id }) => id));
}

/** Somebody as the one who acts, with what their role allows right now. */
export const actorOf = async (session: Session, user: UserRow, requestId: string): Promise<Actor> => ({
  kind: "user",
  userId: user.id,
  sessionId: null,
  grants: await grantsOf(session, user.role_id),
  timeZone: user.time_zone,
  requestId,
});

/** The hash of an account's password, or `null` without an account. */
export async function passwordHash(session: Session, id: string): Promise<string | null> {
  return (await passwordHashOf.first(session, { id }))?.password_hash ?? null;
}

/** Replaces the hash of an account's password, and nothing else. */
export async function replacePasswordHash(
  session: Session,
  id: string,
  password_hash: string,
): Promise<void> {
  await updatePasswordHash.all(session, { id, password_hash });
}

/** The role of an account. */
export async function roleOf(session: Session, { role_id }: Pick<UserRow, "role_id">): Promise<Role> {
  return (await roleById.first(session, { id: role_id }))!;
}

/** @throws Invalid with the roles there are, when this is none of them */
export async function existingRole(session: Session, slug: string) {
  const role = await roleBySlug.first(session, { slug });
  if (role) return role;
  const roles = (await allRoles.all(session, {})).map(({ slug }) => slug).join(", ");
  throw new Invalid([{ field: "role", code: "invalid_choice", message: `must be one of ${roles}` }]);
}
