import { expect, test } from "bun:test";
import { Wakes } from "../../../src/realtime/wakes";

/** Wakes of which each turn lasts until it is told to end. */
function slowWakes(most: number, share: number) {
  const turns: { names: readonly string[]; end: () => void; fail: () => void }[] = [];
  const wakes = new Wakes(most, share, (names) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    turns.push({ names, end: resolve, fail: () => reject(new Error("no database")) });
    return promise;
  });
  return { wakes, turns, names: () => turns.map((turn) => turn.names) };
}

const soon = () => Bun.sleep(1);

test("who is called together has a turn together, up to a share, and waits while there are enough turns", async () => {
  const { wakes, turns, names } = slowWakes(2, 3);
  for (const name of ["a", "b", "a", "c", "d", "e", "f", "g"]) wakes.wake(name);
  await soon();
  expect(names()).toEqual([
    ["a", "b", "c"],
    ["d", "e", "f"],
  ]);
  turns[0]!.end();
  await soon();
  expect(names().slice(2)).toEqual([["g"]]);
});

test("who is called during their turn has another", async () => {
  const { wakes, turns, names } = slowWakes(1, 10);
  wakes.wake("a");
  await soon();
  for (const name of ["a", "b", "a"]) wakes.wake(name);
  turns[0]!.end();
  await soon();
  expect(names()).toEqual([["a"], ["a", "b"]]);
});

test("a turn that fails ends, and the next one comes", async () => {
  const { wakes, turns, names } = slowWakes(1, 1);
  wakes.wake("a");
  wakes.wake("b");
  await soon();
  turns[0]!.fail();
  await soon();
  expect(names()).toEqual([["a"], ["b"]]);
});

test("once closed, nobody is called, and it waits for the turns that go on", async () => {
  const { wakes, turns, names } = slowWakes(1, 1);
  wakes.wake("a");
  await soon();
  wakes.wake("b");
  let isClosed = false;
  const closed = wakes.close().then(() => (isClosed = true));
  wakes.wake("c");
  await soon();
  expect(isClosed).toBe(false);
  turns[0]!.end();
  await closed;
  expect(names()).toEqual([["a"]]);
});
