import { expect, spyOn, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { DbError } from "../../../src/db/errors";
import type { Walk } from "../../../src/db/list-walk";
import { Busy } from "../../../src/errors";
import { ExportService } from "../../../src/features/exports/service";
import { textsOf } from "../../../src/features/exports/texts";
import { writerOf, type View } from "../../../src/features/exports/writers";
import type { Actor } from "../../../src/policy";

const view = Type.Object({ n: Type.Integer(), text: Type.String() });
const writer = writerOf({ format: "ndjson", columns: ["n", "text"], bom: false }, view);

/** So many records with a text of this length; notes how many were asked for at once. */
function records(count: number, length = 1): Walk<View> & { asked: number[] } {
  let given = 0;
  const asked: number[] = [];
  const walk = async (most: number) => {
    asked.push(most);
    const size = Math.min(most, count - given);
    return Array.from({ length: size }, () => ({ n: ++given, text: "x".repeat(length) }));
  };
  return Object.assign(walk, { asked });
}

const actor = { userId: "somebody", requestId: "a-request" } as Actor;
const admitted = async () => actor;

const all = async (walk: Walk<View>) => (await Array.fromAsync(textsOf(walk, writer))).join("");

test("pages grow with what is light, and shrink with what is heavy", async () => {
  const light = records(5_000);
  expect((await all(light)).split("\n")).toHaveLength(5_001);
  expect(light.asked[0]).toBe(100);
  expect(Math.max(...light.asked)).toBe(1_000);
  const heavy = records(300, 50_000);
  await all(heavy);
  expect(heavy.asked.at(-1)).toBeLessThan(10);
});

test("what has begun waits for those in its way, in smaller steps; what has not says so at once", async () => {
  const pauses = spyOn(Bun, "sleep").mockResolvedValue();
  try {
    for (const error of [new DbError("deadline"), new DbError("busy"), new Busy("Too many wait.")]) {
      const walk = records(1_000);
      let calls = 0;
      const hindered: Walk<View> = async (most) => {
        if (++calls % 2 === 0) throw error;
        return walk(most);
      };
      expect((await all(hindered)).split("\n")).toHaveLength(1_001);
      expect(Math.max(...walk.asked)).toBeLessThan(200);
      await expect(all(async () => Promise.reject(error))).rejects.toBe(error);
    }
    const broken = new Error("no such column");
    const walk = records(1_000);
    let isFirst = true;
    const breaking: Walk<View> = async (most) => {
      if (!isFirst) throw broken;
      isFirst = false;
      return walk(most);
    };
    pauses.mockClear();
    await expect(all(breaking)).rejects.toBe(broken);
    expect(pauses).not.toHaveBeenCalled();
  } finally {
    pauses.mockRestore();
  }
});

test("it does not wait for ever", async () => {
  const pauses = spyOn(Bun, "sleep").mockResolvedValue();
  try {
    const walk = records(1_000);
    let calls = 0;
    const stuck: Walk<View> = async (most) => {
      if (calls++ > 0) throw new DbError("deadline");
      return walk(most);
    };
    expect(await all(stuck).catch((error: DbError) => error.kind)).toBe("deadline");
    expect(calls).toBe(7);
  } finally {
    pauses.mockRestore();
  }
});

test("a reader who takes nothing for too long loses the connection, and gives back its place", async () => {
  const exports = new ExportService({ admit: admitted, patienceMs: 200 });
  for (let i = 0; i < 5; i++) {
    const body = await exports.begin(actor, async () => records(10_000), writer);
    const reader = body.getReader();
    await reader.read();
    await Bun.sleep(260);
    const rest = async () => {
      while (!(await reader.read()).done);
    };
    await expect(rest()).rejects.toThrow("Its reader takes nothing.");
  }
});

test("one that nobody reads at all gives back its place too", async () => {
  const exports = new ExportService({ admit: admitted, patienceMs: 200 });
  for (let i = 0; i < 5; i++) {
    await exports.begin(actor, async () => records(10_000), writer);
    await Bun.sleep(240);
  }
});

test("the server takes so many and no more, whoever asks", async () => {
  const exports = new ExportService({ admit: admitted });
  const begun = [];
  for (let i = 0; i < 32; i++) {
    const who = { ...actor, userId: `user ${i % 8}` };
    begun.push(await exports.begin(who, async () => records(10_000), writer));
  }
  const another = () => exports.begin({ ...actor, userId: "another" }, async () => records(1), writer);
  await expect(another()).rejects.toThrow(Busy);
  await begun[0]!.cancel();
  expect(await new Response(await another()).text()).toBe('{"n":1,"text":"x"}\n');
});
