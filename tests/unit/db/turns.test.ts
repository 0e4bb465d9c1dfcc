import { describe, expect, test } from "bun:test";
import { Turns } from "../../../src/db/turns";

/** Work that ends when it is told to. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}

const later = () => Bun.sleep(0);

describe("turns", () => {
  test("so many at once, and everybody is served", async () => {
    const turns = new Turns(2, 10_000);
    let running = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++running);
      await later();
      running--;
    };
    await Promise.all(Array.from({ length: 12 }, (_, i) => turns.run(`caller ${i % 3}`, work)));
    expect(most).toBe(2);
    expect(running).toBe(0);
  });

  test("whoever asks for much waits behind those who ask for little", async () => {
    const turns = new Turns(1, 10_000);
    const order: string[] = [];
    const ask = (caller: string, name: string) => turns.run(caller, async () => void order.push(name));
    const held = gate();
    const first = turns.run("greedy", () => held.promise);
    const all = [first, ask("greedy", "g1"), ask("greedy", "g2"), ask("greedy", "g3"), ask("ann", "a1")];
    all.push(ask("ben", "b1"), ask("ann", "a2"));
    held.open();
    await Promise.all(all);
    expect(order).toEqual(["g1", "a1", "b1", "g2", "a2", "g3"]);
  });

  test("a line that is too long is closed for its caller, and for nobody else", async () => {
    const turns = new Turns(1, 10_000);
    const held = gate();
    const first = turns.run("ann", () => held.promise);
    const waiting = Array.from({ length: 500 }, () => turns.run("ann", later));
    expect(await turns.run("ann", later).catch(String)).toContain("Too many of your own requests wait.");
    const other = turns.run("ben", async () => "served");
    held.open();
    expect(await other).toBe("served");
    await Promise.all([first, ...waiting]);
  });

  test("who waited too long is told, and never starts", async () => {
    const turns = new Turns(1, 30);
    const held = gate();
    const first = turns.run("ann", () => held.promise).catch(String);
    let started = false;
    const late = turns.run("ben", async () => void (started = true)).catch(String);
    expect(await late).toContain("deadline");
    expect(await first).toContain("deadline");
    held.open();
    await later();
    expect(await turns.run("ben", async () => "next")).toBe("next");
    expect(started).toBe(false);
  });

  test("a failure is its caller's alone", async () => {
    const turns = new Turns(1, 10_000);
    const fails = turns.run("ann", () => Promise.reject(new Error("no"))).catch(String);
    const works = turns.run("ann", async () => "yes");
    expect(await fails).toContain("no");
    expect(await works).toBe("yes");
  });
});
