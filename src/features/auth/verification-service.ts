import { day, now } from "../../clock";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Refusal } from "../../errors";
import { record } from "../../events/record";
import { newSecret } from "../../ids";
import type { Seal } from "../../http/seal";
import type { Actor } from "../../policy";
import { normalEmail } from "../../text";
import { account, type UserRow } from "../users/accounts";
import { addLinkMail } from "./link-mail";
import type { EmailVerification } from "./schema";
import { hashToken } from "./sessions";
import { deleteVerificationsOf, insertVerification, markVerified, verificationByHash } from "./store";

/** What proving an address depends on. */
export interface VerificationOptions {
  store: Store;
  /** Closes what stands in the queue of mails. */
  seal: Seal;
  /** The address of the page that takes this token. */
  link: (token: string) => string;
}

const days = 3;

/** Proving that an address belongs to whoever gave it, with a link that is sent there. */
export class VerificationService {
  constructor(private readonly options: VerificationOptions) {}

  /** Asks the owner of an account for proof of the address that it has now, once the transaction has committed. */
  async ask(session: Session, user: UserRow): Promise<void> {
    const { seal, link } = this.options;
    const token = newSecret();
    const asked = verification(token, user, null);
    await deleteVerificationsOf.all(session, { user_id: user.id });
    await insertVerification.all(session, asked);
    await addLinkMail(session, seal, {
      ...{ template: "verify_email", to: { name: user.full_name, address: user.email }, values: { days } },
      ...{ token, link: link(token), until: asked.expires_at },
    });
  }

  /**
   * Takes an address as proven; once more changes nothing.
   * @throws Refusal `invalid_verification_token` when the token is unknown, replaced or too old, or the address changed
   */
  async verify(actor: Actor, { token }: EmailVerification): Promise<void> {
    await write(this.options.store, actor, async (session) => {
      const hash = hashToken(token);
      const found = await verificationByHash.first(session, { hash });
      const user = found && (await account(session, found.user_id));
      if (!user?.is_active || normalEmail(user.email) !== found!.email_normal) throw notGood();
      if (found!.verified_at !== null) return;
      if (found!.expires_at <= now()) throw notGood();
      await markVerified.all(session, { hash, verified_at: now() });
      const { id, version, email } = user;
      const proven = { id, version, email_verified: email };
      await record(session, { ...actor, userId: id }, "user.email_verified", { id, version }, proven);
    });
  }
}

/** Takes an address as proven by a link that was sent there for another reason, within a transaction. */
export const provenBy = (session: Session, token: string, user: UserRow): Promise<unknown> =>
  insertVerification.all(session, verification(token, user, now()));

const verification = (token: string, user: UserRow, verified_at: number | null) => ({
  ...{ hash: hashToken(token), user_id: user.id, email_normal: normalEmail(user.email) },
  ...{ created_at: now(), expires_at: now() + days * day, verified_at },
});

function notGood(): Refusal {
  const message = "is not good any more: the link was replaced or is too old, or the address changed";
  return new Refusal("invalid", "invalid_verification_token", `token: ${message}`, {
    errors: [{ field: "token", code: "invalid_verification_token", message }],
  });
}
