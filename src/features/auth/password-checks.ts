import type { Session } from "../../db/store";
import { Invalid } from "../../errors";
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
  compare(
    address: string,
    account: string,
    password: string,
    find: () => Promise<string | null>,
  ): Promise<Verdict> {
    return this.throttle.attempt(limitKey(address), account, async () =>
      this.hasher.verify(password, await find()),
    );
  }
}

/** Comparing takes a while: whoever changed the password, or closed the account, in that time has the last word. */
export async function isUnchanged(session: Session, checked: CheckedAccount): Promise<boolean> {
  const { is_active } = await existingUser(session, checked.id);
  return is_active && (await passwordHash(session, checked.id)) === checked.password_hash;
}
