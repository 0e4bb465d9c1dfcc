import { expect, test } from "bun:test";
import { Background } from "../../src/background";

test("what goes on is waited for, also what it started", async () => {
  const background = new Background();
  const done: string[] = [];
  background.start("first", async () => {
    await Bun.sleep(1);
    background.start("second", async () => {
      await Bun.sleep(1);
      done.push("second");
    });
    done.push("first");
  });
  await background.settled();
  expect(done).toEqual(["first", "second"]);
});

test("a failure stops nobody", async () => {
  const background = new Background();
  background.start("fails", () => Promise.reject(new Error("no")));
  await background.settled();
  let isDone = false;
  background.start("works", async () => void (isDone = true));
  await background.settled();
  expect(isDone).toBe(true);
});

test("so much at once and no more", async () => {
  const background = new Background(2);
  const gate = Promise.withResolvers<void>();
  const started: number[] = [];
  for (const i of [1, 2, 3]) background.start(`${i}`, async () => (started.push(i), gate.promise));
  gate.resolve();
  await background.settled();
  expect(started).toEqual([1, 2]);
  background.start("4", async () => void started.push(4));
  await background.settled();
  expect(started).toEqual([1, 2, 4]);
});
