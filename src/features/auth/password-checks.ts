import type { Session } from "../../db/store";
import { Invalid, TooMany } from "../../errors";
import { limitKey } from "../../integrations/limiter";
import type { LoginThrottle } from "../../integrations/login-throttle";
import { existingUser, passwordHash } from "../users/accounts";
import { passwordProblem, type PasswordHasher, type Verdict } from "./passwords";

/** What was compared with a password: an account, and the hash it had then. */
export interface CheckedAccount {
  id: string;
  password_hash: string;
}

/** Compares passwords and hashes new ones: slowed down after failures, and as many at once as the server bears. */
export class PasswordChecks {
  constructor(
    private readonly hasher: PasswordHasher,
    private readonly throttle: LoginThrottle,
  ) {}

  /** @throws Invalid naming `field` when the password may not be chosen */
  assertAcceptable(password: string, field: string): void {
    const problem = passwordProblem(password);
    if (problem) throw new Invalid([{ field, ...problem }]);
  }

  /**
   * The hash of a password that may be chosen.
   * @throws Invalid naming `field` when it may not
   */
  async hashNew(password: string, field: string): Promise<string> {
    this.assertAcceptable(password, field);
    return this.hasher.hash(password);
  }

  /** The hash of a password that is known to be right, with the parameters of today. */
  rehash(password: string): Promise<string> {
    return this.hasher.hash(password);
  }

  /**
   * One try with a password. `find` gives the hash to compare with; `null`, for an unknown account, takes as long.
   * @param account what failures are counted under, together with the address
   * @throws TooMany after repeated failures from this address
   */
  async compare(
    address: string,
    account: string,
    password: string,
    find: () => Promise<string | null>,
  ): Promise<Verdict> {
    const from = limitKey(address);
    const waitMs = this.throttle.begin(from, account);
    if (waitMs > 0) {
      throw new TooMany(
        "too_many_failures",
        "Too many wrong passwords. Wait a little.",
        waitMs,
        "wrong-passwords",
      );
    }
    try {
      const verdict = await this.hasher.verify(password, await find());
      if (verdict.ok) this.throttle.succeeded(from, account);
      return verdict;
    } catch (error) {
      this.throttle.abandoned(from, account);
      throw error;
    }
  }
}

/** Comparing takes a while: whoever changed the password, or closed the account, in that time has the last word. */
export async function isUnchanged(session: Session, checked: CheckedAccount): Promise<boolean> {
  const { is_active } = await existingUser(session, checked.id);
  return is_active && (await passwordHash(session, checked.id)) === checked.password_hash;
}
