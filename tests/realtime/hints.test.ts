import { afterEach, expect, test } from "bun:test";
import { systemActor } from "../../src/policy";
import { listen, relay, until, type Client } from "../support/realtime";
import { inWorld, type World } from "../support/scenario";

const opened: Client[] = [];
let hub: { readonly size: number } | undefined;
afterEach(async () => {
  for (const client of opened.splice(0)) client.close();
  await until(() => hub?.size === 0);
});
const kept = <C extends Client>(client: C): C => (opened.push(client), client);

const missing = "01890a5d-ac96-774b-bcce-b302099a8057";

const setting = {
  clients: { acme: {} },
  tasks: { call: { assigned_to: "$minh" } },
  async given({ server }: World) {
    ({ hub } = server.parts);
    await relay(server.parts);
  },
};

inWorld("hints", setting, (world) => {
  const token = (name: "lan" | "minh" | "stranger" | "manager") => world().people[name].token;
  const watch = async (name: "lan" | "minh" | "stranger" | "manager", topics: string[]) => {
    const client = kept(await listen(world().server.url, token(name)));
    client.send({ type: "subscribe", payload: { topics } });
    expect((await client.next("subscribed")).payload).toEqual({ topics: topics.toSorted(), refused: [] });
    return client;
  };
  const change = async (path: string, body: object) => {
    const { status } = await world().send("lan", "PATCH", path, { body });
    expect(status).toBe(200);
    await relay(world().server.parts);
  };
  /** Every hint up to now: what a last one, that everybody sees, comes after. */
  const hintsOf = async (client: Client) => {
    const body = { name: "the last" };
    client.send({ type: "subscribe", payload: { topics: ["clients"] } });
    await client.next("subscribed");
    const { json } = await world().send("lan", "POST", "/api/clients", { body });
    await relay(world().server.parts);
    const hints = () => client.frames.filter(({ type }) => type === "record").map(({ payload }) => payload);
    await until(() => hints().some(({ entity_id }) => entity_id === json.id));
    return hints().filter(({ entity_id }) => entity_id !== json.id);
  };

  test("tell of changes to what is watched, with the new version", async () => {
    const { acme, call } = world().ids;
    const client = await watch("lan", ["clients", `tasks/${call}`]);
    await change("/api/clients/$acme", { notes: "one" });
    expect(await client.next("record")).toEqual({
      type: "record",
      payload: { topic: "clients", entity_id: acme, version: 2 },
    });
    await change("/api/tasks/$call", { priority: "high" });
    expect((await client.next("record")).payload).toEqual({
      topic: `tasks/${call}`,
      entity_id: call,
      version: 2,
    });
  });

  test("come once for several changes that were told together", async () => {
    const client = await watch("lan", ["clients"]);
    const { parts } = world().server;
    const { id: userId } = world().people.lan;
    const rights = { grants: { "clients.read": "all", "clients.update": "all" } } as const;
    const actor = { ...systemActor("hints"), ...rights, kind: "user" as const, userId };
    // In one transaction, or the relay may come in between.
    await parts.store.tx(async (session) => {
      for (const notes of ["one", "two", "three"])
        await parts.clients.changeIn(session, actor, world().ids.acme!, { notes }, "any");
    });
    await relay(parts);
    expect((await client.next("record")).payload.version).toBe(4);
    expect(await hintsOf(client)).toHaveLength(1);
  });

  test("go to nobody who may not see the record, then or now", async () => {
    const { call } = world().ids;
    const topics = ["tasks", `tasks/${call}`];
    const [lan, minh, stranger, manager] = [
      await watch("lan", topics),
      await watch("minh", topics),
      await watch("stranger", topics),
      await watch("manager", ["tasks"]),
    ];
    await change("/api/tasks/$call", { assigned_to: null });
    const told = { entity_id: call, version: 2 };
    const both = topics.map((topic) => ({ topic, ...told }));
    expect(await hintsOf(lan)).toEqual(both);
    expect(await hintsOf(manager)).toEqual([both[0]]);
    expect(await hintsOf(minh)).toEqual([]);
    expect(await hintsOf(stranger)).toEqual([]);
  });

  test("follow the setting that narrows what is seen", async () => {
    const stranger = await watch("stranger", ["clients"]);
    const setTo = (value: string | null) =>
      world().send("admin", "PATCH", "/api/admin/settings/visibility.clients", { body: { value } });
    try {
      expect((await setTo("own")).status).toBe(200);
      await change("/api/clients/$acme", { notes: "hidden" });
      const manager = await watch("manager", ["clients"]);
      await change("/api/clients/$acme", { notes: "hidden still" });
      await manager.next("record");
      expect(stranger.frames.map(({ type }) => type)).toEqual(["ready", "subscribed"]);
    } finally {
      await setTo(null);
    }
  });

  test("tell of a deletion whoever saw the record until then", async () => {
    const { acme } = world().ids;
    const stranger = await watch("stranger", [`clients/${acme}`]);
    await world().send("lan", "DELETE", "/api/clients/$acme");
    await relay(world().server.parts);
    expect((await stranger.next("record")).payload.version).toBe(2);
  });

  test("end when they are not wanted any more", async () => {
    const client = await watch("lan", ["clients", "tasks"]);
    client.send({ type: "unsubscribe", payload: { topics: ["tasks", "tasks"] } });
    expect((await client.next("unsubscribed")).payload).toEqual({ topics: ["clients"], refused: [] });
    await change("/api/tasks/$call", { priority: "low" });
    expect(await hintsOf(client)).toEqual([]);
  });

  test("are not taken for topics that there are not, and not for too many", async () => {
    const client = kept(await listen(world().server.url, token("lan")));
    const strange = ["users", "clients/", "clients/x", "Tasks", `tasks/${missing}/x`, ""];
    client.send({ type: "subscribe", payload: { topics: [...strange, `clients/${missing}`] } });
    const { payload } = await client.next("subscribed");
    expect(payload.topics).toEqual([`clients/${missing}`]);
    expect(payload.refused.map(({ topic, code }: { topic: string; code: string }) => [topic, code])).toEqual(
      strange.map((topic) => [topic, "unknown_topic"]),
    );
    const many = Array.from({ length: 100 }, (_, i) => `tasks/${missing.slice(0, -3)}${100 + i}`);
    client.send({ type: "subscribe", payload: { topics: many } });
    const full = (await client.next("subscribed")).payload;
    expect(full.topics).toHaveLength(100);
    expect(full.refused).toEqual([
      { topic: many.at(-1), code: "too_many_topics", message: "A connection has at most 100 topics." },
    ]);
  });

  test("give way to resync when more happened than is worth telling one by one", async () => {
    const client = await watch("lan", ["clients"]);
    const { store } = world().server.parts;
    const [row] = await store.read.q.select().from(store.read.t.events).limit(1);
    const many = Array.from({ length: 2_500 }, (_, i) => ({
      ...row!,
      id: Bun.randomUUIDv7(),
      seq: 1_000_000 + i,
    }));
    await store.tx(async ({ q, t }) => {
      for (let i = 0; i < many.length; i += 500) await q.insert(t.events).values(many.slice(i, i + 500));
    });
    await world().server.parts.bus.ring("events");
    expect(await client.next("resync")).toEqual({ type: "resync" });
  });
});
