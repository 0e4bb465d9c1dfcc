/** A record as it was at any instant, byte by byte, and what is said where it was not. */
import { expect, test } from "bun:test";
import { inWorld, scenarios } from "../support/scenario";
import { traffic } from "../support/traffic";

const missing = "01890a5d-ac96-774b-bcce-b302099a8057";

scenarios("a record as it was", { clients: { acme: {} }, tasks: { call: {} } }, [
  {
    by: "lan",
    get: "/api/clients/$acme?as_of=now",
    status: 200,
    has: { id: "$acme" },
    hasHeaders: { etag: '"v1"' },
  },
  { by: "lan", get: "/api/tasks/$call?as_of=now-1d", status: 404, problem: { code: "not_found" } },
  { by: "lan", get: `/api/tasks/${missing}?as_of=now`, status: 404 },
  { by: "stranger", get: "/api/tasks/$call?as_of=now", status: 404 },
  ...["yesterday", "2026-01-01", "", "x".repeat(100)].map((text) => ({
    by: "lan" as const,
    get: `/api/clients/$acme?as_of=${text}`,
    status: 400,
    problem: { code: "invalid_instant", field: "as_of" },
  })),
  {
    by: "lan",
    get: "/api/clients/$acme?as_of=now&as_of=now",
    status: 400,
    problem: { code: "repeated_parameter" },
  },
  { by: "lan", get: "/api/clients/$acme?asof=now", status: 400, problem: { code: "unknown_parameter" } },
  {
    name: "deleted then, restored since",
    by: "lan",
    after: async (world) => {
      await world.send("lan", "DELETE", "/api/clients/$acme");
      world.ids.then = new Date().toISOString();
      await Bun.sleep(2);
      await world.send("lan", "POST", "/api/clients/$acme/restore");
    },
    get: "/api/clients/$acme?as_of=$then",
    status: 410,
    problem: { code: "deleted_then", version: 2 },
  },
  {
    name: "there then, deleted since",
    by: "lan",
    after: async (world) => {
      world.ids.then = new Date().toISOString();
      await Bun.sleep(2);
      await world.send("lan", "DELETE", "/api/clients/$acme");
      expect((await world.send("stranger", "GET", "/api/clients/$acme?as_of=$then")).status).toBe(404);
    },
    get: "/api/clients/$acme?as_of=$then",
    status: 200,
    has: { version: 1, deleted_at: null },
  },
]);

inWorld("after whatever happened", {}, (world) => {
  for (const seed of [11, 12]) {
    test(`every view that a record had is what it was then (seed ${seed})`, async () => {
      const { send } = world();
      const views = new Map<string, string>();
      await traffic(world(), 150, seed, async (kind, id) => {
        const seen = await send("admin", "GET", `/api/${kind}/${id}`);
        if (seen.status === 200) views.set(`/api/${kind}/${id}?as_of=${seen.json.updated_at}`, seen.text);
        // Two changes in one millisecond cannot be told apart by the clock.
        await Bun.sleep(1);
      });
      expect(views.size).toBeGreaterThan(40);
      for (const [path, text] of views) {
        const now = await send("admin", "GET", path);
        expect([path, now.text]).toEqual([path, text]);
        expect(now.headers.get("etag")).toBe(`"v${JSON.parse(text).version}"`);
      }
    }, 60_000);
  }
});
