/** What the load tests send: alike in the generator and in the scripts for k6. */
import { expect, test } from "bun:test";
import { callOf, kindOf, mix, profiles, rateAt } from "../../../bench/traffic";

const records = { clients: ["c1", "c2"], tasks: ["t1", "t2"] };

test("the shares are those of the mix, and whole", () => {
  expect(Object.values<number>(mix).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
  const counts = { read: 0, search: 0, write: 0, realtime: 0 };
  for (let i = 0; i < 1_000; i++) counts[kindOf(i / 1_000)]++;
  expect(counts).toEqual({ read: 700, search: 150, write: 100, realtime: 50 });
});

test("no search comes twice", () => {
  const some = { ...records, count: 1_000 };
  const paths = Array.from({ length: 20_000 }, (_, i) => callOf("search", i, some, Math.random).path);
  const terms = paths.map((path) => new URL(path, "http://x").searchParams.get("q"));
  expect(new Set(terms).size).toBe(terms.length);
});

test("writes have bodies, reads have none", () => {
  for (let i = 0; i < 200; i++) {
    const write = callOf("write", i, records, Math.random);
    expect(["POST", "PATCH"]).toContain(write.method);
    expect(JSON.parse(write.body!)).toBeObject();
    expect(callOf("read", i, records, Math.random)).toMatchObject({ method: "GET" });
  }
});

test("a course goes from rate to rate in straight lines, and ends", () => {
  const stages = [
    { seconds: 10, rate: 100 },
    { seconds: 5, rate: 100 },
  ];
  expect([0, 5, 10, 14].map((second) => rateAt(stages, second))).toEqual([0, 50, 100, 100]);
  expect(rateAt(stages, 15)).toBeUndefined();
  expect(rateAt(profiles.spike(1_500), 31)).toBe(4_500);
  expect(rateAt(profiles.ramp(1_000, 100), 90)).toBe(2_000);
});
