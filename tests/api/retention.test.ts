/** What has been kept for long enough goes for good, and what is left is still told by the events. */
import { expect, test } from "bun:test";
import { and, eq } from "drizzle-orm";
import { replay } from "../../src/events/replay";
import { day } from "../../src/clock";
import { dump } from "../support/dump";
import { bringPeople, letIn } from "../support/people";
import { explainAll, planningDatabase, readWhole } from "../support/plans";
import { engines, startTestServer } from "../support/servers";
import { inWorld, newWorld, type World } from "../support/scenario";
import { traffic } from "../support/traffic";

const long = 10_000;
/** So few days are no time at all: everything is from before. */
const none = 1 / day;

/** That the events tell what the tables hold. */
async function expectTold(world: World): Promise<void> {
  const { store, clients, tasks } = world.server.parts;
  const before = await dump(world);
  for (const { added, changed, removed } of await replay(store, [clients.rebuilt, tasks.rebuilt]))
    expect({ added, changed, removed }).toEqual({ added: 0, changed: 0, removed: 0 });
  expect(await dump(world)).toEqual(before);
}

test.each(engines)(
  "a client and its tasks go without a table being read as a whole [%s]",
  async (engine) => {
    const server = await startTestServer(engine, {}, await planningDatabase(engine));
    try {
      const world = newWorld(server, await bringPeople(server));
      const explained = explainAll(server);
      const { id } = (await world.send("lan", "POST", "/api/clients", { body: { name: "Acme" } })).json;
      for (const title of ["live", "deleted"]) {
        const task = (await world.send("lan", "POST", "/api/tasks", { body: { title, client_id: id } })).json;
        if (title === "deleted") await world.send("lan", "DELETE", `/api/tasks/${task.id}`);
      }
      await world.send("lan", "DELETE", `/api/clients/${id}`);
      await Bun.sleep(2);
      expect((await server.parts.purge({ records: none })).records).toBe(2);
      const asked = [...explained.values()].filter(({ text }) => /\btasks\b|delete from .clients/.test(text));
      expect(asked.length).toBeGreaterThan(3);
      for (const statement of asked)
        expect([statement.text, readWhole(statement)]).toEqual([statement.text, []]);
    } finally {
      await server.stop();
    }
  },
  60_000,
);

inWorld("removing for good", {}, (world) => {
  test("takes deleted records, and what their events said of them", async () => {
    const { send, server, events } = world();
    const [secret, hidden] = ["the margin is 40 per cent", "a word about it"];
    const made = await send("lan", "POST", "/api/clients", { body: { name: secret, tags: ["vip"] } });
    const id: string = made.json.id;
    await send("lan", "POST", "/api/activities", { body: { client_id: id, action: "note", text: hidden } });
    const tasks: string[] = [];
    // More than go with one transaction.
    for (let i = 0; i < 60; i++)
      tasks.push((await send("lan", "POST", "/api/tasks", { body: { title: "t", client_id: id } })).json.id);
    await send("lan", "DELETE", `/api/tasks/${tasks[0]}`);
    const kept = (await send("lan", "POST", "/api/clients", { body: { name: "kept" } })).json.id;
    await send("lan", "DELETE", `/api/clients/${id}`);
    await Bun.sleep(2);

    expect(await server.parts.purge()).toEqual({ records: 0, signIns: 0, events: 0 });
    expect((await send("lan", "GET", `/api/clients/${id}`)).status).toBe(410);

    expect(await server.parts.purge({ records: none })).toEqual({ records: 2, signIns: 0, events: 0 });
    for (const path of [`/api/clients/${id}`, `/api/clients/${id}?as_of=now`, `/api/clients/${id}/timeline`])
      expect((await send("admin", "GET", path)).status).toBe(404);
    expect((await send("lan", "GET", `/api/clients/${kept}`)).status).toBe(200);
    const task = await send("lan", "GET", `/api/tasks/${tasks[1]}`);
    expect(task.json).toMatchObject({ client_id: null, version: 2 });

    const log = await events();
    expect(JSON.stringify(log)).not.toContain(secret);
    expect(JSON.stringify(log)).not.toContain(hidden);
    const own = log.filter(({ entity_id }) => entity_id === id).toSorted((a, b) => a.version - b.version);
    expect(own.map(({ type, changes }) => [type, changes])).toEqual([
      ["client.created", {}],
      ["client.note", {}],
      ["client.deleted", {}],
      ["client.purged", {}],
    ]);
    expect(own[0]).toMatchObject({ actor_id: world().people.lan.id });
    await expectTold(world());
    expect(await server.parts.purge({ records: none })).toMatchObject({ records: 0 });
  }, 60_000);

  test("forgets sign-ins, and nothing else", async () => {
    const { server, people, events } = world();
    await letIn(server, people.lan.email);
    await traffic(world(), 5, 41);
    const rest = (await events()).filter(({ entity_type }) => entity_type !== "session");
    await Bun.sleep(2);
    const { signIns } = await server.parts.purge({ records: long, signIns: none });
    expect(signIns).toBeGreaterThan(0);
    expect(await events()).toEqual(rest);
  });

  test("cuts histories, and keeps what was the case", async () => {
    const { send, server, events } = world();
    await traffic(world(), 120, 42);
    const made = await send("lan", "POST", "/api/clients", { body: { name: "first" } });
    const path = `/api/clients/${made.json.id}`;
    await Bun.sleep(5);
    await send("lan", "PATCH", path, { body: { name: "second" } });
    await Bun.sleep(5);
    const before = await dump(world());
    const keep = { records: long, signIns: long, events: none };
    expect((await server.parts.purge(keep)).events).toBeGreaterThan(60);
    expect(await dump(world())).toEqual(before);
    const types = new Set((await events()).map(({ type }) => type));
    expect(types).toEqual(new Set(["client.snapshot", "task.snapshot"]));
    await expectTold(world());

    const then = (at: string) => send("lan", "GET", `${path}?as_of=${at}`);
    expect((await then(made.json.created_at)).json).toMatchObject({ status: 410, code: "history_gone" });
    expect((await then("now-1d")).status).toBe(404);
    const now = await send("lan", "GET", path);
    expect((await then("now")).text).toBe(now.text);

    await Bun.sleep(5);
    await send("lan", "PATCH", path, { body: { name: "third" } });
    expect(
      (await then(new Date(Date.parse((await send("lan", "GET", path)).json.updated_at) - 1).toISOString()))
        .text,
    ).toBe(now.text);
    await expectTold(world());
    await Bun.sleep(2);
    await server.parts.purge(keep);
    const count = (await events()).length;
    expect((await server.parts.purge(keep)).events).toBe(0);
    expect(await events()).toHaveLength(count);
    await expectTold(world());
  }, 60_000);

  test("cuts what was told of a record that did not change since, and what is left of one that is gone", async () => {
    const { send, server, events } = world();
    const keep = { records: long, signIns: long, events: none };
    const made = async (name: string): Promise<string> =>
      (await send("lan", "POST", "/api/clients", { body: { name } })).json.id;
    const [kept, gone] = [await made("kept"), await made("gone")];
    const of = async (id: string) =>
      (await events()).filter(({ entity_id }) => entity_id === id).map(({ type }) => type);
    await Bun.sleep(2);
    await server.parts.purge(keep);
    const note = { client_id: kept, action: "note", text: "a word about it" };
    expect((await send("lan", "POST", "/api/activities", { body: note })).status).toBe(201);
    await send("lan", "DELETE", `/api/clients/${gone}`);
    await Bun.sleep(2);
    await server.parts.purge({ ...keep, records: none, events: long });
    expect([await of(kept), await of(gone)]).toEqual([
      ["client.snapshot", "client.note"],
      ["client.snapshot", "client.deleted", "client.purged"],
    ]);

    await Bun.sleep(2);
    await server.parts.purge(keep);
    expect([await of(kept), await of(gone)]).toEqual([["client.snapshot"], ["client.purged"]]);
    expect((await server.parts.purge(keep)).events).toBe(0);
    await expectTold(world());
    expect((await send("admin", "GET", `/api/clients/${gone}`)).status).toBe(404);
  });

  test("cuts no history of what follows, where the clock was set back", async () => {
    const { send, server } = world();
    const made = await send("lan", "POST", "/api/clients", { body: { name: "first" } });
    const path = `/api/clients/${made.json.id}`;
    for (const name of ["second", "third"]) await send("lan", "PATCH", path, { body: { name } });
    const ago = (days: number) => Date.now() - days * day;
    // The clock was a day ahead for the first change, and set right before the second.
    const times = [ago(3), ago(1), ago(2)];
    await server.parts.store.tx(async ({ q, t }) => {
      for (const [i, created_at] of times.entries())
        await q
          .update(t.events)
          .set({ created_at })
          .where(and(eq(t.events.entity_id, made.json.id), eq(t.events.version, i + 1)));
      await q.update(t.clients).set({ updated_at: times[2]! }).where(eq(t.clients.id, made.json.id));
    });
    expect((await server.parts.purge({ records: long, signIns: long, events: 1.5 })).events).toBe(1);
    await expectTold(world());
    expect((await server.parts.purge({ records: long, signIns: long, events: 0.5 })).events).toBe(3);
    await expectTold(world());
  });
});
