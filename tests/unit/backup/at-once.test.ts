/** Some at once, all in the end, and no failure unheard. */
import { expect, test } from "bun:test";
import { eachAtOnce } from "../../../src/backup/at-once";

test("all are done, and never more at once than may be", async () => {
  const [done, most] = [new Set<number>(), { now: 0, ever: 0 }];
  const numbers = Array.from({ length: 50 }, (_, i) => i);
  await eachAtOnce(numbers, 4, async (number) => {
    most.ever = Math.max(most.ever, ++most.now);
    await Bun.sleep(0);
    most.now--;
    done.add(number);
  });
  expect(done.size).toBe(50);
  expect(most).toEqual({ now: 0, ever: 4 });
  async function* two() {
    yield* [1, 2];
  }
  const seen: number[] = [];
  await eachAtOnce(two(), 4, async (number) => void seen.push(number));
  expect(seen).toEqual([1, 2]);
});

test("the first failure is thrown once those under way are over, and no further one begins", async () => {
  const begun: number[] = [];
  let isOver = false;
  const working = eachAtOnce([1, 2, 3, 4], 2, async (number) => {
    begun.push(number);
    if (number === 1) throw new Error("no");
    await Bun.sleep(5);
    isOver = true;
  });
  await expect(working).rejects.toThrow("no");
  expect([begun, isOver]).toEqual([[1, 2], true]);
});
