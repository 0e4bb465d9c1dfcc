/** Records that are kept in memory: whoever reads one again reads what the database has, and no more than they may. */
import { eq } from "drizzle-orm";
import { expect, test } from "bun:test";
import { runOperation } from "../../src/control/operations";
import { clientFields } from "../../src/features/clients/fields";
import { taskFields } from "../../src/features/tasks/fields";
import { parseList, type ListRequest } from "../../src/list";
import type { Actor } from "../../src/policy";
import type { Name } from "../support/people";
import { inWorld, type World } from "../support/scenario";
import { casts, seeded, traffic } from "../support/traffic";

const queries = [
  "",
  "count=none",
  "sort=-updated_at&limit=5",
  "filter[external_id][is_null]=true&sort=created_at",
  "q=acme",
  "deleted=with",
];

inWorld("after whatever happened", { env: { NEOCRM_VISIBILITY_CLIENTS: "own" } }, (world) => {
  for (const seed of [21, 22]) {
    test(`everybody reads what the database has (seed ${seed})`, async () => {
      const random = seeded(seed);
      const seen = { one: 0, page: 0 };
      await traffic(world(), 60, seed, async (kind, id) => {
        const { send } = world();
        for (let i = 0; i < 5; i++) {
          const by = casts[random(casts.length)]!;
          const query = queries[random(queries.length)]!;
          // Again and again: what is read the first time is kept for the second, and known the third.
          for (let again = 0; again < 3; again++) {
            const page = await send(by, "GET", `/api/${kind}?${query}`);
            expect([by, query, page.text]).toEqual([by, query, await listed(world(), by, kind, query)]);
            seen.page += page.json.data.length;
            const one = await send(by, "GET", `/api/${kind}/${id}`);
            const known = await read(world(), by, kind, id);
            expect([by, one.status === 200 ? one.text : "refused"]).toEqual([by, known ?? "refused"]);
            if (known) seen.one++;
          }
        }
      });
      expect(seen.one).toBeGreaterThan(100);
      expect(seen.page).toBeGreaterThan(500);
    }, 60_000);
  }
});

inWorld("a record that was kept", { clients: { acme: { assigned_to: "$minh" } } }, (world) => {
  const get = async (by: Name) => world().send(by, "GET", "/api/clients/$acme");

  test("keeps its ETag, and is not sent to whoever has it", async () => {
    for (let again = 0; again < 3; again++) {
      const { headers, status } = await get("lan");
      expect([status, headers.get("etag"), headers.get("content-type")]).toEqual([
        200,
        '"v1"',
        "application/json;charset=utf-8",
      ]);
      const unchanged = await world().send("lan", "GET", "/api/clients/$acme", {
        headers: { "if-none-match": '"v1"' },
      });
      expect([unchanged.status, unchanged.text]).toEqual([304, ""]);
    }
    expect((await world().send("lan", "HEAD", "/api/clients/$acme")).headers.get("etag")).toBe('"v1"');
  });

  const list = async () => (await world().send("lan", "GET", "/api/clients?count=none")).json.data;
  const names = async () => [(await get("lan")).json.name, (await list())[0].name];
  /** Writes what no part of the server would: another name in the same version. */
  const rename = (name: string) =>
    world().server.parts.store.tx(({ q, t: { clients } }) =>
      q.update(clients).set({ name }).where(eq(clients.id, world().ids["acme"]!)),
    );

  test("is not, while something writes without counting up versions", async () => {
    const { written } = world().server.parts.clients;
    for (let again = 0; again < 3; again++) expect(await names()).toEqual(["acme", "acme"]);
    await written.without(async () => {
      await rename("Nobody");
      expect(await names()).toEqual(["Nobody", "Nobody"]);
      await written.without(() => rename("Somebody"));
      expect(await names()).toEqual(["Somebody", "Somebody"]);
      await rename("Anybody");
    });
    for (let again = 0; again < 3; again++) expect(await names()).toEqual(["Anybody", "Anybody"]);
  });

  test("is what its events tell once it was written anew from them", async () => {
    const { parts } = world().server;
    await parts.clients.written.without(() => rename("Nobody"));
    for (let again = 0; again < 3; again++) expect(await names()).toEqual(["Nobody", "Nobody"]);
    await runOperation(parts, "events.replay", {});
    for (let again = 0; again < 3; again++) expect(await names()).toEqual(["acme", "acme"]);
  });
});

/** What the service says without anything that is kept. */
async function listed(world: World, by: Name, kind: "clients" | "tasks", query: string): Promise<string> {
  const actor = await actorOf(world, by);
  const request: ListRequest = parseList(kind === "clients" ? clientFields : taskFields, query, actor);
  return JSON.stringify(await world.server.parts[kind].list(actor, request));
}

const read = async (
  world: World,
  by: Name,
  kind: "clients" | "tasks",
  id: string,
): Promise<string | undefined> => {
  try {
    return JSON.stringify(await world.server.parts[kind].get(await actorOf(world, by), id));
  } catch {
    return undefined;
  }
};

async function actorOf(world: World, by: Name): Promise<Actor> {
  const identity = await world.server.parts.identities.identify(world.people[by].token);
  if (typeof identity === "string") throw new Error(identity);
  return { ...identity, requestId: "as-it-is" };
}
