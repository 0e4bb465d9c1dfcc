import { listPage, pageOf, type ListScope } from "../../db/list";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Forbidden, Refusal } from "../../errors";
import { assertCurrent, type IfMatch } from "../../events/current";
import type { ListRequest, Page } from "../../list";
import { isUser, type Actor } from "../../policy";
import {
  accountWith,
  actorOf,
  addUser,
  assertAdminLeft,
  assertMayGrant,
  changeUser,
  existingRole,
  existingUser,
  hasAdmin,
  openAccountList,
  reviseUser,
  roleOf,
  type NewUser,
  type Role,
  type UserRow,
} from "./accounts";
import { userFields } from "./fields";
import { accountsListed, mayManage, peopleListed, seesEmail, seesWhole } from "./policy";
import { checkedProfile } from "./profile";
import {
  presentRef,
  presentRoleWithGrants,
  presentUser,
  type ProfilePatch,
  type RoleWithGrants,
  type UserRef,
  type UserView,
} from "./schema";
import { allRoles, allUsers, grantsOf, listedColumns } from "./store";

/** People: who there is, what they say about themselves, and which role they have. */
export class UserService {
  constructor(
    private readonly store: Store,
    /** Called after the commit: what is known of the user's tokens is no longer true. */
    private readonly forget: (userId: string) => void,
  ) {}

  /** People to choose from, as far as the actor sees them. */
  async list(actor: Actor, request: ListRequest): Promise<Page<UserRef>> {
    const withEmail = seesEmail(actor);
    return this.#page(request, peopleListed(actor, request.filters), (row) => presentRef(row, withEmail));
  }

  /** Every account, open or closed, whole. */
  async listAccounts(actor: Actor, request: ListRequest): Promise<Page<UserView>> {
    return this.#page(request, accountsListed(actor), presentUser);
  }

  /** One person, open or closed, as far as the actor sees them. @throws NotFound without such a user */
  async get(actor: Actor, id: string): Promise<UserView | UserRef> {
    const row = await existingUser(this.store.read, id);
    return seesWhole(actor, id) ? presentUser(row) : presentRef(row, seesEmail(actor));
  }

  /** One account, whole. @throws NotFound without such a user */
  async account(id: string): Promise<UserView> {
    return presentUser(await existingUser(this.store.read, id));
  }

  /** The caller's role. */
  async roleOf(actor: Actor): Promise<Role> {
    return roleOf(this.store.read, await existingUser(this.store.read, actor.userId));
  }

  /** Every role and what it allows, by slug. */
  async roles(): Promise<RoleWithGrants[]> {
    const { read } = this.store;
    const roles = await allRoles.all(read, {});
    return Promise.all(roles.map(async (role) => presentRoleWithGrants(role, await grantsOf(read, role.id))));
  }

  /**
   * Changes a profile: one's own, or that of an account one looks after. What changes nothing leaves no trace.
   * @throws NotFound without such a user, Forbidden for somebody else's profile
   * @throws Stale when `ifMatch` names an older version, Invalid for an unknown time zone or language
   */
  async change(actor: Actor, id: string, patch: ProfilePatch, ifMatch: IfMatch): Promise<UserView> {
    const profile = checkedProfile(patch);
    const view = await write(this.store, actor, async (session) => {
      const before = await existingUser(session, id);
      if (!isUser(actor, id)) {
        if (!mayManage(actor)) throw new Forbidden("You may change your own profile only.");
        await assertMayGrant(session, actor, before.role_id);
      }
      await assertCurrent(session, "user", before, ifMatch);
      return presentUser(await reviseUser(session, actor, before, profile));
    });
    this.forget(id);
    return view;
  }

  /** Every user, by name. */
  async all(): Promise<UserView[]> {
    return (await allUsers.all(this.store.read, {})).map(presentUser);
  }

  /** For the command line. @throws Refusal that names the address when nobody has it */
  async byEmail(email: string): Promise<UserView> {
    const row = await accountWith(this.store.read, email);
    if (!row) throw new Refusal("not_found", "not_found", `Nobody has the address ${email}.`);
    return presentUser(row);
  }

  /**
   * Somebody as the one who acts, for the command line: whoever has this address, or else the admin who was there first.
   * @throws Refusal when nobody has it, or has it and an account that is open
   */
  async actor(email: string | undefined, requestId: string): Promise<Actor> {
    const { read } = this.store;
    const row = email === undefined ? await firstAdmin(read) : await accountWith(read, email);
    if (!row?.is_active) {
      const whose = email === undefined ? "No admin" : `Nobody with the address ${email}`;
      throw new Refusal("not_found", "not_found", `${whose} has an account that is open.`);
    }
    return actorOf(read, row, requestId);
  }

  /** Adds an account, as `neocrm user create` does. @throws Conflict when the address is taken */
  create(actor: Actor, user: NewUser): Promise<UserView> {
    return write(this.store, actor, async (session) => presentUser(await addUser(session, actor, user)));
  }

  /**
   * Gives a user another role; their access tokens end at once.
   * @throws NotFound without such a user, Invalid without such a role
   * @throws Forbidden when either role allows more than the actor's
   * @throws Stale when `ifMatch` names an older version, Conflict when it would leave no active admin
   */
  async setRole(actor: Actor, userId: string, role: string, ifMatch: IfMatch = "any"): Promise<UserView> {
    const view = await write(this.store, actor, async (session) => {
      const before = await existingUser(session, userId);
      const { id: role_id, slug } = await existingRole(session, role);
      for (const id of [before.role_id, role_id]) await assertMayGrant(session, actor, id);
      await assertCurrent(session, "user", before, ifMatch);
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

  async #page<View>(
    request: ListRequest,
    scope: ListScope,
    present: (row: UserRow) => View,
  ): Promise<Page<View>> {
    const result = await listPage<UserRow>(this.store, userResource, request, [scope]);
    return { data: result.rows.map(present), pagination: pageOf(result, request) };
  }
}

async function firstAdmin(session: Session): Promise<UserRow | undefined> {
  const admins = (await openAccountList(session)).filter(({ role }) => role === "admin");
  return admins.toSorted((a, b) => a.created_at - b.created_at)[0];
}

const userResource = { fields: userFields, columns: listedColumns };
