import { minute, monotonic } from "../../clock";
import type { Background } from "../../background";
import type { Store } from "../../db/store";
import { remark } from "../../events/record";
import { RecentMap } from "../../recent-map";
import type { Actor } from "../../policy";
import { existingUser } from "../users/accounts";
import type { Origin } from "./sessions";

/** Why somebody did not come in: a wrong password, a closed account, or too many wrong passwords before. */
export type Refused = "wrong_password" | "account_inactive" | "too_many_failures";

/** What the log of sign-ins depends on. */
export interface SignInLogOptions {
  store: Store;
  /** Where events are written after the answer: an address that has an account answers no later than others. */
  background: Background;
  /** Tests bring their own. */
  clock?: () => number;
}

/** So many attempts of an account stand in the log by themselves in a minute; later ones are counted. */
const mostPerMinute = 5;
const mostAccounts = 10_000;

interface Recent {
  since: number;
  recorded: number;
  /** Since the last one that was recorded. */
  unrecorded: number;
}

/**
 * Records attempts to sign in to an account that failed. Whoever tries all day long fills no disk: beyond a few a minute they
 * are counted, and the next one that is recorded says how many there were (`attempts`). Of an address that nobody has,
 * nothing is recorded.
 */
export class SignInLog {
  readonly #recent = new RecentMap<Recent>(mostAccounts);

  constructor(private readonly options: SignInLogOptions) {}

  /** Somebody did not come in to this account. */
  refused(actor: Actor, userId: string, reason: Refused, origin: Origin): void {
    const attempts = this.#count(userId);
    if (attempts === 0) return;
    const type = reason === "wrong_password" ? "user.sign_in_failed" : "user.sign_in_refused";
    const { store, background } = this.options;
    background.start("A failed sign-in could not be recorded", () =>
      store.tx(async (session) => {
        const user = await existingUser(session, userId);
        const user_agent = origin.userAgent?.slice(0, 500) ?? null;
        await remark(session, actor, type, user, { reason, attempts, ip: origin.address, user_agent });
      }),
    );
  }

  /** How many attempts the next event stands for; 0 when this one is only counted. */
  #count(userId: string): number {
    const { clock = monotonic } = this.options;
    const found = this.#recent.get(userId);
    const recent = found ?? { since: clock(), recorded: 0, unrecorded: 0 };
    if (clock() - recent.since >= minute) Object.assign(recent, { since: clock(), recorded: 0 });
    if (!found) this.#recent.set(userId, recent);
    recent.unrecorded++;
    if (recent.recorded === mostPerMinute) return 0;
    recent.recorded++;
    const attempts = recent.unrecorded;
    recent.unrecorded = 0;
    return attempts;
  }
}
