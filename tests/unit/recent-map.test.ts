import { expect, test } from "bun:test";
import { randomNumbers } from "./integrations/random";
import { RecentMap } from "../../src/recent-map";

test("what is asked for now and then stays, what is idle goes, and it is never larger than it may be", () => {
  const map = new RecentMap<number>(8);
  map.set("kept", 1);
  map.set("idle", 2);
  for (let i = 0; i < 100; i++) {
    map.set(`other ${i}`, i);
    expect(map.get("kept")).toBe(1);
    expect(map.size).toBeLessThanOrEqual(8);
  }
  expect(map.get("idle")).toBeUndefined();
});

test("half as many keys as it holds are found, whatever they were used in between", () => {
  const random = randomNumbers(3);
  const map = new RecentMap<string>(20);
  const last: string[] = [];
  for (let i = 0; i < 5_000; i++) {
    const key = `key ${Math.floor(random() * 40)}`;
    const isRecent = new Set(last.slice(-9)).has(key);
    let made = 0;
    const value = map.getOrInsertComputed(key, () => (made++, `of ${key}`));
    expect(value).toBe(`of ${key}`);
    if (isRecent) expect(made).toBe(0);
    last.push(key);
  }
});

test("what is removed is made anew", () => {
  const map = new RecentMap<number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.delete("a");
  map.delete("b");
  expect([map.get("a"), map.get("b"), map.size]).toEqual([undefined, undefined, 0]);
  expect(map.getOrInsertComputed("a", () => 3)).toBe(3);
});
