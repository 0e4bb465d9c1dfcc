import { expect, test } from "bun:test";
import { follow } from "../../../src/features/settings/follow";

const never = { believedMs: 1e6, retryMs: 1e6 };
const times = async (reads: unknown[], count: number) => {
  while (reads.length < count) await Bun.sleep(1);
};

test("what changes while it is read is read once more, however often it changed", async () => {
  const gate = Promise.withResolvers<void>();
  const reads: number[] = [];
  const follower = follow(
    () => (reads.push(reads.length), reads.length === 1 ? gate.promise : Promise.resolve()),
    never,
  );
  for (let i = 0; i < 5; i++) follower.refresh();
  expect(reads).toHaveLength(1);
  gate.resolve();
  await times(reads, 2);
  follower.refresh();
  await times(reads, 3);
  await follower.close();
  expect(reads).toHaveLength(3);
});

test("a failure is tried again, without being told", async () => {
  const reads: number[] = [];
  const load = async () => {
    reads.push(reads.length);
    if (reads.length < 3) throw new Error("away");
  };
  const follower = follow(load, { ...never, retryMs: 1 });
  follower.refresh();
  await times(reads, 3);
  await follower.close();
  expect(reads).toHaveLength(3);
});

test("it is read from time to time, as bells may be lost", async () => {
  const reads: number[] = [];
  const follower = follow(async () => void reads.push(1), { ...never, believedMs: 1 });
  await times(reads, 3);
  await follower.close();
});

test("closing waits for what is read, but not for the next try, and nothing is read after it", async () => {
  const reads: number[] = [];
  const follower = follow(async () => {
    reads.push(1);
    throw new Error("away");
  }, never);
  follower.refresh();
  await times(reads, 1);
  await follower.close();
  follower.refresh();
  await Bun.sleep(1);
  expect(reads).toHaveLength(1);
});
