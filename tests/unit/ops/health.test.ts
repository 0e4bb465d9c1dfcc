import { afterEach, expect, spyOn, test } from "bun:test";
import { tmpdir } from "node:os";
import { hour, second } from "../../../src/clock";
import { Health } from "../../../src/ops/health";

afterEach(() => {
  spyOn(performance, "now").mockRestore();
  spyOn(Date, "now").mockRestore();
});

test("a report is a second old at most, also after the clock was set back", async () => {
  let isDown = false;
  const store = { waiting: 0, ping: () => (isDown ? Promise.reject(new Error("gone")) : Promise.resolve()) };
  const health = new Health({ store, hasher: { waiting: 0, places: 1 }, dataDir: tmpdir() });
  expect((await health.report()).checks.database.status).toBe("ok");
  expect(await health.figures()).toMatchObject({ database: 1, writers: 1, passwords: 1 });
  isDown = true;
  spyOn(Date, "now").mockReturnValue(Date.now() - hour);
  spyOn(performance, "now").mockReturnValue(performance.now() + 2 * second);
  expect((await health.report()).checks.database.status).toBe("down");
  expect(await health.figures()).toMatchObject({ database: 0, writers: 1 });
  expect(await health.isReady()).toBe(false);
});
