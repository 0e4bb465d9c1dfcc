import { hour, minute, now } from "../../clock";
import type { Background } from "../../background";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Refusal } from "../../errors";
import { newSecret } from "../../ids";
import type { Seal } from "../../http/seal";
import type { Limiter } from "../../integrations/limiter";
import type { Actor } from "../../policy";
import { account, accountWith } from "../users/accounts";
import { addLinkMail } from "./link-mail";
import type { PasswordChecks } from "./password-checks";
import { replacePassword } from "./password-service";
import type { PasswordReset } from "./schema";
import { hashToken } from "./sessions";
import { deleteResetsOf, insertReset, resetByHash, type ResetRow } from "./store";

/** What choosing a password by mail depends on. */
export interface ResetOptions {
  store: Store;
  checks: PasswordChecks;
  /** Closes what stands in the queue of mails. */
  seal: Seal;
  limiter: Limiter;
  /** Who asks is not told whether there is an account: what depends on that is done here, after the answer. */
  background: Background;
  /** How long a link is good for. */
  minutes: number;
  /** The address of the page that takes this token. */
  link: (token: string) => string;
  /** Called after the commit: what is known of the user's tokens is no longer true. */
  forget: (userId: string) => void;
}

/** Why somebody gets a link, by the mail that says so: they forgot their password, or have none yet. */
type Reason = "password_reset" | "account_created";

/** Mails that one account gets in an hour: whoever asks from many addresses at once still floods nobody. */
const mailsPerHour = 5;

/** Choosing a password with a link that was sent by mail. */
export class ResetService {
  constructor(private readonly options: ResetOptions) {}

  /**
   * Sends a link to whoever has this address, if somebody has. All of it happens after this returns: neither the
   * answer nor its time tells whether there is such an account.
   */
  forgot(email: string): void {
    this.options.background.start("A link for a new password could not be sent", async () => {
      const { store, limiter } = this.options;
      const found = await accountWith(store.read, email);
      if (!found?.is_active) return;
      if (!(await limiter.hit(`reset mails ${found.id}`, mailsPerHour, hour)).ok) return;
      await store.tx((session) => this.send(session, found.id, "password_reset"));
    });
  }

  /** Sends a user a link to choose their password, in the place of any before, once the transaction has committed. */
  async send(session: Session, userId: string, reason: Reason): Promise<void> {
    const { seal, minutes, link } = this.options;
    const token = newSecret();
    const created_at = now();
    const expires_at = created_at + minutes * minute;
    await deleteResetsOf.all(session, { user_id: userId });
    await insertReset.all(session, { hash: hashToken(token), user_id: userId, created_at, expires_at });
    await addLinkMail(session, seal, {
      ...{ template: reason, to: { userId }, values: { minutes } },
      ...{ token, link: link(token), until: expires_at },
    });
  }

  /**
   * Replaces a password by the token of a link. All that was signed in with the old one ends.
   * @throws Invalid naming `password` when it may not be chosen; the token is still good then
   * @throws Refusal `invalid_reset_token` when the token is unknown, used, replaced or too old
   */
  async reset(actor: Actor, { token, password }: PasswordReset): Promise<void> {
    const { store, checks, forget } = this.options;
    checks.assertAcceptable(password, "password");
    // Hashing takes a core for a while: not for whoever only guesses.
    if (!(await this.ownerOf(token))) throw notGood();
    const hash = await checks.hashNew(password, "password");
    const userId = await write(store, actor, async (session) => {
      const user_id = await ownerIn(session, token);
      if (!user_id) throw notGood();
      await replacePassword(session, { ...actor, userId: user_id }, user_id, hash);
      return user_id;
    });
    forget(userId);
  }

  /** Whose password this token is good for. */
  ownerOf(token: string): Promise<string | undefined> {
    return ownerIn(this.options.store.read, token);
  }
}

async function ownerIn(session: Session, token: string): Promise<string | undefined> {
  const row = await resetByHash.first(session, { hash: hashToken(token) });
  if (!row || isOver(row)) return undefined;
  return (await account(session, row.user_id))?.is_active ? row.user_id : undefined;
}

const isOver = ({ expires_at }: ResetRow) => expires_at <= now();

function notGood(): Refusal {
  const message = "is not good any more: ask for a new link";
  return new Refusal("invalid", "invalid_reset_token", `token: ${message}`, {
    errors: [{ field: "token", code: "invalid_reset_token", message }],
  });
}
