import { expect, test } from "bun:test";
import { KeptRecords } from "../../src/kept-records";
import { Written } from "../../src/written";

/** A record whose JSON has about so many bytes. */
const record = (id: string, bytes: number) => ({
  ...{ id, created_by: "ada", assigned_to: null, commits: 0, isUsed: false },
  written: new Written(1, { text: "x".repeat(bytes) }),
});

const [many, large] = [1_000, 15_000];

test("keeps the records that were used, and forgets the oldest others", () => {
  const kept = new KeptRecords<{ text: string }>();
  const isKept = (i: number) => kept.get(`${i}`) !== undefined;
  const found: number[] = [];
  for (let i = 0; i < many; i++) {
    kept.put(record(`${i}`, large));
    const hot = kept.get("7");
    if (hot) hot.isUsed = true;
  }
  for (let i = 0; i < many; i++) if (isKept(i)) found.push(i);
  expect(found.length * large).toBeGreaterThan(3.5 * 1_024 * 1_024);
  expect(found.length * large).toBeLessThan(4 * 1_024 * 1_024);
  expect(found[0]).toBe(7);
  expect(found.slice(1)).toEqual(
    Array.from({ length: found.length - 1 }, (_, i) => many - found.length + 1 + i),
  );
});

test("spares a record that is no longer used once, and not for ever", () => {
  const kept = new KeptRecords<{ text: string }>();
  kept.put({ ...record("once", large), isUsed: true });
  for (let i = 0; i < many; i++) kept.put(record(`${i}`, large));
  expect(kept.get("once")).toBeUndefined();
});

test("a record that is put again takes the place of what was known, and no more room", () => {
  const kept = new KeptRecords<{ text: string }>();
  kept.put(record("first", large));
  for (let i = 0; i < many; i++) kept.put(record("again", large));
  expect([kept.get("first")?.id, kept.get("again")?.id]).toEqual(["first", "again"]);
});

test("does not keep one that would be in the place of dozens, nor what was known of it", () => {
  const kept = new KeptRecords<{ text: string }>();
  kept.put(record("grown", 10));
  kept.put(record("grown", 20_000));
  expect(kept.get("grown")).toBeUndefined();
});

test("forgets all when it is told to", () => {
  const kept = new KeptRecords<{ text: string }>();
  kept.put(record("a", 10));
  kept.clear();
  expect(kept.get("a")).toBeUndefined();
});
