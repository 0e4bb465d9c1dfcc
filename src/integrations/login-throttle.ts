import { minute, monotonic, second } from "../clock";
import { TooMany } from "../errors";
import { RecentMap } from "../recent-map";

/**
 * Slows guessing of passwords without locking anyone out. Failures count for a pair of client address and
 * account, so an attacker elsewhere never delays the owner; and for an address over all accounts, against one
 * password tried on many (password spraying). Addresses are the keys that `limitKey` gives, accounts the
 * e-mail as it is stored.
 */
export interface LoginThrottle {
  /**
   * Makes one attempt. `compare` says whether the password was right; what it throws counts as no failure. Where those
   * under way could use up what is left, it waits for them: a thousand sent at once get no more tries than one after
   * the other, and a thousand with right passwords all get in.
   * @throws TooMany after too many failures, with the time until the next attempt
   */
  attempt<Verdict extends { ok: boolean }>(
    address: string,
    account: string,
    compare: () => Promise<Verdict>,
  ): Promise<Verdict>;
}

/** How patient the throttle is; the defaults suit a server. Times in milliseconds. */
export interface LoginThrottleOptions {
  /** Failures of a pair that are free; one more after each `pairMs`. */
  freePerPair?: number;
  pairMs?: number;
  /** Failures of an address that are free, over all accounts; one more after each `addressMs`. */
  freePerAddress?: number;
  addressMs?: number;
  /** The most pairs, and the most addresses, remembered. */
  maxKeys?: number;
  /** Tests bring their own. */
  clock?: () => number;
}

/** A throttle of this process, which forgets with it. */
export function loginThrottle(options: LoginThrottleOptions = {}): LoginThrottle {
  const { freePerPair = 5, pairMs = 30 * second, freePerAddress = 50, addressMs = minute / 3 } = options;
  const { maxKeys = 100_000, clock = monotonic } = options;
  const pairs = new RecentMap<Tries>(maxKeys);
  const addresses = new RecentMap<Tries>(maxKeys);
  /** Pairs that signed in: whoever else fails behind the same address does not keep them out. */
  const known = new RecentMap<true>(maxKeys);
  return {
    async attempt(address, account, compare) {
      // No address contains a space.
      const name = `${address} ${account}`;
      const pair = triesOf(pairs, name, { free: freePerPair, forgivenMs: pairMs, clock });
      const all = triesOf(addresses, address, { free: freePerAddress, forgivenMs: addressMs, clock });
      const counted = known.get(name) ? [pair] : [pair, all];
      await begin(counted);
      try {
        const verdict = await compare();
        if (verdict.ok) known.set(name, true);
        if (verdict.ok) pair.forget();
        else for (const tries of [pair, all]) tries.fail();
        return verdict;
      } finally {
        for (const tries of counted) tries.end();
      }
    },
  };
}

/** Begins an attempt as soon as there is room for it. @throws TooMany when what is free is used up */
async function begin(counted: readonly Tries[]): Promise<void> {
  for (;;) {
    const waitMs = Math.max(...counted.map((tries) => tries.waitMs));
    if (waitMs > 0)
      throw new TooMany(
        "too_many_failures",
        "Too many wrong passwords. Wait a little.",
        waitMs,
        "wrong-passwords",
      );
    const taken = counted.find((tries) => tries.isTaken);
    // In the same breath as the look at what is free, or all that wait would begin.
    if (!taken) return counted.forEach((tries) => tries.begin());
    await taken.nextEnd();
  }
}

function triesOf(map: RecentMap<Tries>, key: string, rule: Rule): Tries {
  const tries = map.get(key) ?? new Tries(rule);
  map.set(key, tries);
  return tries;
}

interface Rule {
  free: number;
  /** Milliseconds after which one failure is forgiven. */
  forgivenMs: number;
  clock: () => number;
}

/** Failures of one key, forgiven one by one (a leaky bucket), and the attempts under way. */
class Tries {
  #failures = 0;
  #failedAt = 0;
  #running = 0;
  #end: PromiseWithResolvers<void> | undefined;

  constructor(private readonly rule: Rule) {}

  /** Milliseconds until one more failure is free; 0 when it is. */
  get waitMs(): number {
    return Math.max(0, Math.ceil((this.#left() + 1 - this.rule.free) * this.rule.forgivenMs));
  }

  /** Whether the attempts under way, should they all fail, use up what is free. */
  get isTaken(): boolean {
    return this.#left() + this.#running + 1 > this.rule.free;
  }

  begin(): void {
    this.#running++;
  }

  end(): void {
    this.#running--;
    this.#end?.resolve();
    this.#end = undefined;
  }

  /** Resolves when the next of the attempts under way is over. */
  nextEnd(): Promise<void> {
    return (this.#end ??= Promise.withResolvers<void>()).promise;
  }

  fail(): void {
    this.#failures = Math.min(this.#left() + 1, this.rule.free);
    this.#failedAt = this.rule.clock();
  }

  forget(): void {
    this.#failures = 0;
  }

  /** Failures that are not forgiven yet. */
  #left(): number {
    const forgiven = (this.rule.clock() - this.#failedAt) / this.rule.forgivenMs;
    return Math.max(0, this.#failures - forgiven);
  }
}
