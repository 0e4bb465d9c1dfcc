import { minute, now, second } from "../clock";
import { RecentMap } from "./recent-map";

/**
 * Slows guessing of passwords without locking anyone out. Failures count for a pair of client address and
 * account, so an attacker elsewhere never delays the owner; and for an address over all accounts, against one
 * password tried on many (password spraying). Addresses are the keys that `limitKey` gives, accounts the
 * e-mail as it is stored.
 */
export interface LoginThrottle {
  /**
   * Asks for one attempt: 0, or the milliseconds to wait first. An attempt counts as failed from here on, so
   * that a thousand sent at once do not all pass before the first has failed. Whoever must wait is not
   * counted.
   */
  begin(address: string, account: string): number;
  /** The password was right: the pair starts anew, and the address gets this attempt back. */
  succeeded(address: string, account: string): void;
  /** No password was compared, for instance because the server was busy: the attempt is taken back. */
  abandoned(address: string, account: string): void;
}

/** How patient the throttle is; the defaults suit a server. */
export interface LoginThrottleOptions {
  /** Failures of a pair before the waiting begins. */
  freePerAccount?: number;
  /** Failures of an address within the memory, over all accounts, before the waiting begins. */
  freePerAddress?: number;
  /** The longest wait, in milliseconds. */
  longestMs?: number;
  /** How long failures are remembered, in milliseconds. */
  memoryMs?: number;
  /** The most pairs, and the most addresses, remembered. */
  maxKeys?: number;
  /** Milliseconds; tests bring their own. */
  clock?: () => number;
}

/** A throttle of this process, which forgets with it. */
export function loginThrottle(options: LoginThrottleOptions = {}): LoginThrottle {
  const { freePerAccount = 5, freePerAddress = 50, longestMs = minute, clock = now } = options;
  const { memoryMs = 15 * minute, maxKeys = 100_000 } = options;
  const shared = { longestMs, memoryMs, maxKeys };
  const pairs = new Failures({ ...shared, free: freePerAccount, resetEvery: Infinity });
  // A whole office may sit behind one address, and its typing errors must not add up over days.
  const addresses = new Failures({ ...shared, free: freePerAddress, resetEvery: memoryMs });
  return {
    begin(address, account) {
      const time = clock();
      const pair = pairKey(address, account);
      const wait = Math.max(pairs.waitMs(pair, time), addresses.waitMs(address, time));
      if (wait > 0) return wait;
      pairs.add(pair, time);
      addresses.add(address, time);
      return 0;
    },
    succeeded(address, account) {
      pairs.forget(pairKey(address, account));
      addresses.takeBack(address);
    },
    abandoned(address, account) {
      pairs.takeBack(pairKey(address, account));
      addresses.takeBack(address);
    },
  };
}

/** No address contains a space. */
const pairKey = (address: string, account: string) => `${address} ${account}`;

interface Entry {
  failures: number;
  firstAt: number;
  lastAt: number;
}

interface FailureOptions {
  free: number;
  longestMs: number;
  memoryMs: number;
  /** Milliseconds after its first failure at which a key that still had attempts left starts anew. */
  resetEvery: number;
  maxKeys: number;
}

/** Failures by key, and the waiting that follows from them: 1, 2, 4 … seconds after the last one. */
class Failures {
  readonly #entries: RecentMap<Entry>;

  constructor(private readonly options: FailureOptions) {
    this.#entries = new RecentMap(options.maxKeys);
  }

  waitMs(key: string, time: number) {
    const entry = this.#live(key, time);
    if (!entry || entry.failures < this.options.free) return 0;
    const wait = this.#backOff(entry.failures);
    // The clock of a machine may be set back: nobody waits longer than the rule says.
    return Math.min(Math.max(entry.lastAt + wait - time, 0), wait);
  }

  add(key: string, time: number) {
    const entry = this.#live(key, time);
    if (!entry) return this.#entries.set(key, { failures: 1, firstAt: time, lastAt: time });
    entry.failures++;
    entry.lastAt = time;
  }

  takeBack(key: string) {
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.failures--;
    if (entry.failures <= 0) this.#entries.delete(key);
  }

  forget(key: string) {
    this.#entries.delete(key);
  }

  #backOff(failures: number) {
    return Math.min(second * 2 ** (failures - this.options.free), this.options.longestMs);
  }

  #live(key: string, time: number) {
    const entry = this.#entries.get(key);
    if (!entry || !this.#isOver(entry, time)) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  #isOver(entry: Entry, time: number) {
    const { free, memoryMs, resetEvery } = this.options;
    if (time - entry.lastAt >= memoryMs) return true;
    return entry.failures < free && time - entry.firstAt >= resetEvery;
  }
}
