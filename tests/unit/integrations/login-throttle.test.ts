import { describe, expect, test } from "bun:test";
import { hour, minute, second } from "../../../src/clock";
import { TooMany } from "../../../src/errors";
import { loginThrottle, type LoginThrottle } from "../../../src/integrations/login-throttle";

const home = "203.0.113.7";
const lair = "198.51.100.66";

/** What comes of one attempt: the verdict, or the seconds to wait. */
type Outcome = "right" | "wrong" | number;

function throttled() {
  const clock = { time: 0 };
  return { clock, throttle: loginThrottle({ clock: () => clock.time }) };
}

/** One attempt; `meanwhile` is awaited while the password is compared. */
async function attempt(
  throttle: LoginThrottle,
  from: string,
  account: string,
  ok: boolean,
  meanwhile?: Promise<unknown>,
): Promise<Outcome> {
  try {
    await throttle.attempt(from, account, async () => (await meanwhile, { ok }));
    return ok ? "right" : "wrong";
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    return Number(error.details.headers!["retry-after"]);
  }
}

/** So many attempts, after so long, and what comes of each. Each account `n` of `accounts` is `colleague <n>`. */
interface Step {
  after?: number;
  from?: string;
  account?: string;
  accounts?: number;
  right?: boolean;
  times?: number;
  /** Milliseconds before each further one. */
  every?: number;
  give: Outcome;
}

const right = { right: true, give: "right" } as const;
const wrong = { give: "wrong" } as const;

const stories: [name: string, steps: Step[]][] = [
  [
    "five failures are free, then one every half minute",
    [
      { ...wrong, times: 5 },
      { times: 3, give: 30 },
      { after: 30 * second - 1, give: 1 },
      { ...wrong, after: 1 },
      { give: 30 },
      { ...wrong, after: hour, times: 5 },
      { give: 30 },
    ],
  ],
  [
    "those who only wait are not counted",
    [
      { ...wrong, times: 5 },
      { times: 100, give: 30 },
      { ...wrong, after: 30 * second },
    ],
  ],
  [
    "a right password waits like a wrong one",
    [
      { ...wrong, times: 5 },
      { right: true, give: 30 },
    ],
  ],
  ["a right password starts anew", [{ ...wrong, times: 4 }, right, { ...wrong, times: 5 }, { give: 30 }]],
  [
    "right passwords never use up anything",
    [
      { ...right, times: 1_000 },
      { ...right, accounts: 1_000, times: 1_000 },
    ],
  ],
  [
    "somebody at another address never delays the owner",
    [{ ...wrong, from: lair, times: 5 }, { from: lair, times: 500, give: 30 }, right],
  ],
  [
    "one password on many accounts: fifty failures of an address are free, then three a minute",
    [
      { ...wrong, from: lair, accounts: 50, times: 50 },
      { from: lair, account: "one more", give: 20 },
      { ...wrong, account: "one more" },
      { ...wrong, from: lair, account: "one more", after: 20 * second },
      { from: lair, account: "and another", give: 20 },
    ],
  ],
  [
    "an own account does not refill the budget of the address",
    [
      { ...right, from: lair, account: "own" },
      { ...wrong, from: lair, accounts: 50, times: 50 },
      { ...right, from: lair, account: "own", times: 50 },
      { from: lair, account: "one more", give: 20 },
    ],
  ],
  [
    "whoever signed in from an address before is not kept out by others behind it",
    [
      { ...right, account: "lan" },
      { ...wrong, accounts: 50, times: 50 },
      { ...right, account: "lan", times: 10 },
      { ...wrong, account: "lan", times: 5 },
      { account: "lan", give: 30 },
    ],
  ],
  [
    "an address recovers while colleagues sign in",
    [
      { ...wrong, accounts: 50, times: 50 },
      { ...right, after: 20 * second, accounts: 20, times: 500, every: 20 * second },
    ],
  ],
  [
    "the typing errors of an office do not add up over a day",
    [{ ...wrong, accounts: 480, times: 480, every: minute }],
  ],
];

test.each(stories)("%s", async (_, steps) => {
  const { clock, throttle } = throttled();
  for (const {
    after = 0,
    from = home,
    account = "lan",
    accounts,
    right: ok = false,
    times = 1,
    every = 0,
    give,
  } of steps) {
    clock.time += after;
    for (let i = 0; i < times; i++) {
      if (i > 0) clock.time += every;
      const name = accounts ? `colleague ${i % accounts}` : account;
      expect([name, await attempt(throttle, from, name, ok)]).toEqual([name, give]);
    }
  }
});

describe("attempts sent at once", () => {
  const counted = (outcomes: Outcome[]) => (wanted: Outcome) =>
    outcomes.filter((outcome) => outcome === wanted).length;

  test.each<[name: string, account: (i: number) => string, free: number, wait: number]>([
    ["of one account", () => "lan", 5, 30],
    ["of many accounts", (i) => `account ${i}`, 50, 20],
  ])("%s get no more tries than one after the other", async (_, account, free, wait) => {
    const { throttle } = throttled();
    const begin = Promise.withResolvers<void>();
    const all = Array.from({ length: 1_000 }, (_, i) =>
      attempt(throttle, lair, account(i), false, begin.promise),
    );
    begin.resolve();
    const outcomes = counted(await Promise.all(all));
    expect([outcomes("wrong"), outcomes(wait)]).toEqual([free, 1_000 - free]);
  });

  test.each<[name: string, account: (i: number) => string]>([
    ["of one account", () => "lan"],
    ["of a whole office", (i) => `colleague ${i}`],
  ])("%s all get in with right passwords", async (_, account) => {
    const { throttle } = throttled();
    const all = Array.from({ length: 200 }, (_, i) =>
      attempt(throttle, home, account(i), true, Bun.sleep(0)),
    );
    expect(counted(await Promise.all(all))("right")).toBe(200);
  });

  test("that compare nothing count as no failure", async () => {
    const { throttle } = throttled();
    const busy = () => throttle.attempt(home, "lan", () => Promise.reject(new Error("busy")));
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, busy));
    expect(new Set(outcomes.map((each) => String((each as PromiseRejectedResult).reason)))).toEqual(
      new Set(["Error: busy"]),
    );
    expect(await attempt(throttle, home, "lan", true)).toBe("right");
  });
});
