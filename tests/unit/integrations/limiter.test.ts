import { describe, expect, test } from "bun:test";
import { memoryLimiter } from "../../../src/integrations/limiter";
import { day, minute } from "../../../src/clock";
import { randomNumbers } from "./random";

/** A limiter whose clock the test moves. */
function limiterAt(start = 0) {
  const clock = { time: start };
  return { clock, limiter: memoryLimiter({ maxKeys: 1_000, clock: () => clock.time }) };
}

describe("memoryLimiter", () => {
  test("lets the whole limit pass at once, then one for each interval", () => {
    const { clock, limiter } = limiterAt();
    const seen = Array.from({ length: 4 }, () => limiter.hit("a", 3, 3_000));
    expect(seen).toEqual([
      { ok: true, remaining: 2, retryMs: 0, resetMs: 1_000 },
      { ok: true, remaining: 1, retryMs: 0, resetMs: 2_000 },
      { ok: true, remaining: 0, retryMs: 0, resetMs: 3_000 },
      { ok: false, remaining: 0, retryMs: 1_000, resetMs: 3_000 },
    ]);
    clock.time += 999;
    expect(limiter.hit("a", 3, 3_000)).toMatchObject({ ok: false, retryMs: 1 });
    clock.time += 1;
    expect(limiter.hit("a", 3, 3_000).ok).toBe(true);
    expect(limiter.hit("a", 3, 3_000).ok).toBe(false);
  });

  test("a limit of 0 is none", () => {
    const { limiter } = limiterAt();
    for (let i = 0; i < 100; i++) expect(limiter.hit("a", 0, 1_000).ok).toBe(true);
    expect(limiter.size).toBe(0);
  });

  test("keys do not touch each other", () => {
    const { limiter } = limiterAt();
    while (limiter.hit("a", 5, minute).ok);
    expect(limiter.hit("b", 5, minute)).toMatchObject({ ok: true, remaining: 4 });
  });

  test("exactly the limit passes at one instant, whatever the fractions", () => {
    for (const limit of [1, 3, 7, 11, 97, 333, 1_000, 9_999]) {
      for (const windowMs of [1_000, 7_777, minute]) {
        const { clock, limiter } = limiterAt();
        clock.time += 400 * day;
        let passed = 0;
        for (let i = 0; i < limit + 5; i++) if (limiter.hit("a", limit, windowMs).ok) passed++;
        expect({ limit, windowMs, passed }).toEqual({ limit, windowMs, passed: limit });
      }
    }
  });

  test("a clock set back makes nobody wait longer than the window", () => {
    const { clock, limiter } = limiterAt();
    while (limiter.hit("a", 5, minute).ok);
    clock.time -= 3_600_000;
    const { retryMs, resetMs } = limiter.hit("a", 5, minute);
    expect(retryMs).toBeLessThanOrEqual(minute / 5);
    expect(resetMs).toBeLessThanOrEqual(minute);
  });

  test("property: a span of t ms lets at most limit × (1 + t / window) pass; retryMs is enough", () => {
    const random = randomNumbers(20_260_101);
    for (let round = 0; round < 50; round++) {
      const { clock, limiter } = limiterAt();
      const limit = 1 + Math.floor(random() * 50);
      const windowMs = 100 + Math.floor(random() * minute);
      const passedAt: number[] = [];
      for (let i = 0; i < 300; i++) {
        clock.time += Math.floor(random() ** 4 * windowMs * 0.3);
        const hit = limiter.hit("a", limit, windowMs);
        if (hit.ok) passedAt.push(clock.time);
        else if (random() < 0.2) {
          clock.time += hit.retryMs;
          expect(limiter.hit("a", limit, windowMs).ok).toBe(true);
          passedAt.push(clock.time);
        }
      }
      for (let from = 0; from < passedAt.length; from++)
        for (let to = from; to < passedAt.length; to++) {
          const most = limit * (1 + (passedAt[to]! - passedAt[from]!) / windowMs);
          if (to - from + 1 > most + 0.01)
            throw new Error(`${to - from + 1} of ${most} passed in round ${round}`);
        }
    }
  });

  test("keys are bounded, and made-up ones do not free a key in use", () => {
    const limiter = memoryLimiter({ maxKeys: 100, clock: () => 0 });
    while (limiter.hit("busy", 3, minute).ok);
    for (let i = 0; i < 10_000; i++) {
      limiter.hit(`made up ${i}`, 3, minute);
      expect(limiter.size).toBeLessThanOrEqual(100);
      if (i % 20 === 0) expect(limiter.hit("busy", 3, minute).ok).toBe(false);
    }
  });
});
