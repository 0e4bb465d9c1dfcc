import { describe, expect, test } from "bun:test";
import { minute, second } from "../../../src/clock";
import { loginThrottle, type LoginThrottleOptions } from "../../../src/integrations/login-throttle";

function throttleAt(options: LoginThrottleOptions = {}) {
  const clock = { time: Date.UTC(2026, 0, 1) };
  return { clock, throttle: loginThrottle({ ...options, clock: () => clock.time }) };
}

const home = "203.0.113.7";
const lair = "198.51.100.66";

describe("loginThrottle", () => {
  test("after five failures each attempt waits 1, 2, 4 … up to 60 seconds", () => {
    const { clock, throttle } = throttleAt();
    for (let i = 0; i < 5; i++) expect(throttle.begin(home, "lan")).toBe(0);
    for (const wait of [1, 2, 4, 8, 16, 32, 60, 60, 60]) {
      expect(throttle.begin(home, "lan")).toBe(wait * second);
      clock.time += wait * second - 1;
      expect(throttle.begin(home, "lan")).toBe(1);
      clock.time += 1;
      expect(throttle.begin(home, "lan")).toBe(0);
    }
  });

  test("attempts sent at once do not slip past the count", () => {
    const { throttle } = throttleAt();
    const passed = Array.from({ length: 1_000 }, () => throttle.begin(home, "lan")).filter(
      (wait) => wait === 0,
    );
    expect(passed).toHaveLength(5);
  });

  test("someone at another address never delays the owner", () => {
    const { throttle } = throttleAt();
    for (let i = 0; i < 500; i++) throttle.begin(lair, "lan");
    expect(throttle.begin(lair, "lan")).toBeGreaterThan(0);
    expect(throttle.begin(home, "lan")).toBe(0);
  });

  test("a success starts anew", () => {
    const { throttle } = throttleAt();
    for (let i = 0; i < 4; i++) throttle.begin(home, "lan");
    expect(throttle.begin(home, "lan")).toBe(0);
    throttle.succeeded(home, "lan");
    for (let i = 0; i < 5; i++) expect(throttle.begin(home, "lan")).toBe(0);
    expect(throttle.begin(home, "lan")).toBe(second);
  });

  test("an attempt that compared nothing does not count", () => {
    const { throttle } = throttleAt();
    for (let i = 0; i < 200; i++) {
      expect(throttle.begin(home, "lan")).toBe(0);
      throttle.abandoned(home, "lan");
    }
  });

  test("forgets after 15 minutes", () => {
    const { clock, throttle } = throttleAt();
    for (let i = 0; i < 5; i++) throttle.begin(home, "lan");
    expect(throttle.begin(home, "lan")).toBe(second);
    clock.time += 15 * minute;
    for (let i = 0; i < 5; i++) expect(throttle.begin(home, "lan")).toBe(0);
  });

  test("one password on many accounts: fifty failures, then that address waits, and no other", () => {
    const { clock, throttle } = throttleAt();
    for (let i = 0; i < 50; i++) expect(throttle.begin(lair, `account ${i}`)).toBe(0);
    expect(throttle.begin(lair, "account 50")).toBe(second);
    expect(throttle.begin(home, "account 50")).toBe(0);
    clock.time += second;
    expect(throttle.begin(lair, "account 50")).toBe(0);
    expect(throttle.begin(lair, "account 51")).toBe(2 * second);
  });

  test("an own account does not refill the budget of the address", () => {
    const { throttle } = throttleAt();
    for (let i = 0; i < 49; i++) {
      throttle.begin(lair, `account ${i}`);
      expect(throttle.begin(lair, "own")).toBe(0);
      throttle.succeeded(lair, "own");
    }
    throttle.begin(lair, "last");
    expect(throttle.begin(lair, "own")).toBe(second);
  });

  test("sign-ins that succeed use up nothing", () => {
    const { throttle } = throttleAt();
    for (let i = 0; i < 1_000; i++) {
      expect(throttle.begin(home, `colleague ${i}`)).toBe(0);
      throttle.succeeded(home, `colleague ${i}`);
    }
  });

  test("the typing errors of an office do not add up over a day", () => {
    const { clock, throttle } = throttleAt();
    for (let i = 0; i < 480; i++) {
      expect(throttle.begin(home, `colleague ${i}`)).toBe(0);
      clock.time += minute;
    }
  });

  test("a clock set back prolongs no wait", () => {
    const { clock, throttle } = throttleAt();
    for (let i = 0; i < 5; i++) throttle.begin(home, "lan");
    clock.time -= 60 * minute;
    expect(throttle.begin(home, "lan")).toBe(second);
  });
});
