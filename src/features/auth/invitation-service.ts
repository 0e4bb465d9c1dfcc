import { day, isoTime, now } from "../../clock";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Forbidden, Invalid, NotFound, Refusal } from "../../errors";
import { record } from "../../events/record";
import { newId, newSecret } from "../../ids";
import type { Seal } from "../../http/seal";
import type { Actor } from "../../policy";
import { normalEmail } from "../../text";
import {
  account,
  accountWith,
  addUser,
  assertMayGrant,
  EmailTaken,
  existingRole,
  roleOf,
  type Role,
} from "../users/accounts";
import { addLinkMail } from "./link-mail";
import type { PasswordChecks } from "./password-checks";
import type { InvitationAcceptance, InvitationInput, InvitationView, TokensView } from "./schema";
import { hashToken, type Origin } from "./sessions";
import {
  acceptInvitation,
  deleteInvitationsTo,
  insertInvitation,
  invitationByHash,
  invitationById,
  type InvitationRow,
} from "./store";
import type { TokenIssuer } from "./token-issuer";
import { provenBy } from "./verification-service";

/** What inviting people depends on. */
export interface InvitationOptions {
  store: Store;
  checks: PasswordChecks;
  issuer: TokenIssuer;
  /** Closes what stands in the queue of mails. */
  seal: Seal;
  /** The address of the page that takes this token. */
  link: (token: string) => string;
}

const days = 7;

/** Inviting people: whoever accepts makes their own account, with the role that they were invited to. */
export class InvitationService {
  constructor(private readonly options: InvitationOptions) {}

  /**
   * Sends an invitation, in the place of any before to the same address.
   * @throws Forbidden when the role allows more than the actor's
   * @throws Conflict with the account's id when the address has one
   * @throws Invalid for an unknown role
   */
  async invite(actor: Actor, { email, role: slug, full_name }: InvitationInput): Promise<InvitationView> {
    return write(this.options.store, actor, async (session) => {
      const token = newSecret();
      const role = await existingRole(session, slug);
      await assertMayGrant(session, actor, role.id);
      const holder = await accountWith(session, email);
      if (holder) throw new EmailTaken(email, holder);
      const row = invitation(
        actor,
        { email: email.trim(), role, full_name: full_name?.trim() ?? null },
        token,
      );
      await deleteInvitationsTo.all(session, { email_normal: row.email_normal });
      await insertInvitation.all(session, row);
      const view = presentInvitation(row, role);
      await record(session, actor, "user.invited", null, view, row.created_at);
      await this.#send(session, row, token);
      return view;
    });
  }

  /** @throws NotFound when there is none, or a newer one has taken its place */
  async get(id: string): Promise<InvitationView> {
    const { read } = this.options.store;
    const row = await invitationById.first(read, { id });
    if (!row) throw new NotFound("invitation");
    return presentInvitation(row, await roleOf(read, row));
  }

  /**
   * Makes the account of whoever was invited, and signs them in. Their address is proven by the link.
   * @throws Invalid naming `password` or `full_name`; the invitation is still good then
   * @throws Refusal `invalid_invitation` when it is unknown, accepted, replaced or too old, or its sender may no longer
   * @throws Conflict when the address has an account by now
   */
  async accept(
    actor: Actor,
    { token, password, full_name }: InvitationAcceptance,
    origin: Origin,
  ): Promise<TokensView> {
    const { store, checks, issuer } = this.options;
    checks.assertAcceptable(password, "password");
    // Hashing takes a core for a while: not for whoever only guesses.
    await openInvitation(store.read, token);
    const password_hash = await checks.hashNew(password, "password");
    return write(store, actor, async (session) => {
      const invited = await openInvitation(session, token);
      const name = full_name ?? invited.full_name;
      if (name === null) throw nameMissing();
      const role = await grantedRole(session, actor, invited);
      const { email } = invited;
      const user = await addUser(session, actor, { email, full_name: name, password_hash, role: role.slug });
      if ((await acceptInvitation.all(session, { id: invited.id, accepted_at: now() })).length === 0)
        throw notGood();
      await provenBy(session, token, user);
      return issuer.open(session, actor, user, origin);
    });
  }

  /** What this token's guesses are counted under: the invitation, if there is one. */
  async idOf(token: string): Promise<string | undefined> {
    return (await invitationByHash.first(this.options.store.read, { hash: hashToken(token) }))?.id;
  }

  async #send(session: Session, row: InvitationRow, token: string): Promise<void> {
    const { seal, link } = this.options;
    const inviter = (await account(session, row.invited_by))?.full_name ?? "An administrator";
    await addLinkMail(session, seal, {
      ...{ template: "invitation", to: { name: row.full_name ?? "", address: row.email } },
      ...{ values: { inviter, days }, token, link: link(token), until: row.expires_at },
    });
  }
}

function invitation(
  actor: Actor,
  { email, role, full_name }: { email: string; role: Role; full_name: string | null },
  token: string,
): InvitationRow {
  const created_at = now();
  return {
    ...{ id: newId(), hash: hashToken(token), email, email_normal: normalEmail(email), full_name },
    ...{ role_id: role.id, invited_by: actor.userId!, version: 1 },
    ...{ created_at, expires_at: created_at + days * day, accepted_at: null },
  };
}

/** @throws Refusal when the invitation is not good any more */
async function openInvitation(session: Session, token: string): Promise<InvitationRow> {
  const row = await invitationByHash.first(session, { hash: hashToken(token) });
  if (!row || row.accepted_at !== null || row.expires_at <= now()) throw notGood();
  return row;
}

/** The role of an invitation, as long as its sender could still give it away. @throws Refusal when they could not */
async function grantedRole(session: Session, actor: Actor, invited: InvitationRow): Promise<Role> {
  const sender = { ...actor, kind: "user" as const, userId: invited.invited_by };
  try {
    await assertMayGrant(session, sender, invited.role_id);
  } catch (error) {
    throw error instanceof Forbidden ? notGood() : error;
  }
  return roleOf(session, invited);
}

const presentInvitation = (row: InvitationRow, role: Role): InvitationView => ({
  id: row.id,
  email: row.email,
  full_name: row.full_name,
  role: role.slug,
  invited_by: row.invited_by,
  created_at: isoTime(row.created_at),
  expires_at: isoTime(row.expires_at),
  version: row.version,
});

const nameMissing = () =>
  new Invalid([{ field: "full_name", code: "required", message: "is needed: the invitation names nobody" }]);

function notGood(): Refusal {
  const message = "is not good any more: ask for another invitation";
  return new Refusal("invalid", "invalid_invitation", `token: ${message}`, {
    errors: [{ field: "token", code: "invalid_invitation", message }],
  });
}
