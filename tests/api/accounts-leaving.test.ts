import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { newId } from "../../src/ids";
import { systemActor } from "../../src/policy";
import { eventsOf, newPerson, statusOfRefresh, statusOfToken, statusesOf } from "../support/accounts";
import { inWorld, scenarios, type Scenario, type World } from "../support/scenario";

const accounts = "/api/admin/users";
const rita = `${accounts}/$rita`;
const unknown = "01941f29-7c00-7000-8000-00000000dead";

const setting = {
  clients: {
    acme: { assigned_to: "$lan" },
    bravo: { assigned_to: "$lan", notes: "kept" },
    hidden: { assigned_to: "$lan", deleted: true },
    other: { assigned_to: "$minh" },
  },
  tasks: { call: { assigned_to: "$lan" } },
  async given(world: World) {
    await newPerson(world, "rita");
    for (const path of ["clients/$acme", "clients/$bravo", "tasks/$call"]) {
      await world.send("admin", "PATCH", `/api/${path}`, { body: { assigned_to: "$rita" } });
    }
    const { store } = world.server.parts;
    await store.tx(({ q, t }) =>
      q.update(t.clients).set({ assigned_to: world.ids.rita! }).where(eq(t.clients.id, world.ids.hidden!)),
    );
  },
};

const assigneeOf = async (world: World, name: string) =>
  (await world.send("admin", "GET", `/api/clients/$${name}`)).json.assigned_to as string;

/** Nothing happened: neither to the account nor to what it works on. */
async function untouched(world: World): Promise<void> {
  expect((await world.send("admin", "GET", rita)).json).toMatchObject({ is_active: true, version: 1 });
  expect(await assigneeOf(world, "acme")).toBe(world.ids.rita!);
}

scenarios("closing an account", setting, [
  ...(["nobody", "off", "gone"] as const).map((by): Scenario => ({
    by,
    delete: rita,
    status: 401,
    events: [],
    then: untouched,
  })),
  ...(["lan", "manager"] as const).map((by): Scenario => ({
    by,
    delete: rita,
    status: 403,
    events: [],
    then: untouched,
  })),
  {
    name: "without anybody to go on, the work stays",
    by: "admin",
    delete: rita,
    ifMatch: '"v1"',
    status: 204,
    events: ["user.deactivated", "session.ended"],
    async then(world) {
      expect((await world.send("admin", "GET", rita)).json).toMatchObject({ is_active: false, version: 2 });
      expect(await assigneeOf(world, "acme")).toBe(world.ids.rita!);
      expect(await statusOfToken(world, world.ids.rita_token!)).toBe(401);
      expect(await statusOfRefresh(world, world.ids.rita_refresh!)).toBe(401);
    },
  },
  {
    name: "with somebody to go on, each live client and task is handed over",
    by: "admin",
    delete: `${rita}?reassign_to=$minh`,
    status: 204,
    events: ["user.deactivated", "session.ended", "client.updated", "client.updated", "task.updated"],
    async then(world, answer) {
      const { json } = await world.send("admin", "GET", "/api/clients/$bravo");
      expect(json).toMatchObject({ assigned_to: world.ids.minh, notes: "kept", version: 3 });
      const changed = (await eventsOf(world, answer)).filter(({ type }) => type === "client.updated");
      expect(changed.map(({ entity_id }) => entity_id).toSorted()).toEqual(
        [world.ids.acme!, world.ids.bravo!].toSorted(),
      );
      for (const { changes, version, actor_id } of changed) {
        expect({ changes, version, actor_id }).toEqual({
          changes: { assigned_to: [world.ids.rita!, world.ids.minh!] },
          version: 3,
          actor_id: world.people.admin.id,
        });
      }
      const task = await world.send("minh", "GET", "/api/tasks/$call");
      expect(task.json).toMatchObject({ assigned_to: world.ids.minh, version: 3 });
      const { store } = world.server.parts;
      const rows = await store.read.q.select().from(store.read.t.clients);
      expect(rows.find(({ id }) => id === world.ids.hidden)!.assigned_to).toBe(world.ids.rita!);
      expect(rows.find(({ id }) => id === world.ids.other)!).toMatchObject({ version: 1 });
    },
  },
  {
    name: "once more changes nothing",
    by: "admin",
    after: (world) => world.send("admin", "DELETE", rita),
    delete: rita,
    status: 204,
    events: [],
  },
  {
    name: "once more, with somebody to go on, hands over what was left",
    by: "admin",
    after: (world) => world.send("admin", "DELETE", rita),
    delete: `${rita}?reassign_to=$minh`,
    status: 204,
    events: ["client.updated", "client.updated", "task.updated"],
    then: async (world) => expect(await assigneeOf(world, "acme")).toBe(world.ids.minh!),
  },
  ...["$off", "$rita", unknown].map((id): Scenario => ({
    name: "nobody who could go on with the work",
    by: "admin",
    delete: `${rita}?reassign_to=${id}`,
    status: 400,
    problem: { code: "unknown_user", field: "reassign_to" },
    events: [],
    then: untouched,
  })),
  ...["reassign_to=lan", "reassign_to=", "reassign=$minh", "reassign_to=$minh&reassign_to=$minh"].map(
    (query): Scenario => ({
      by: "admin",
      delete: `${rita}?${query}`,
      status: 400,
      events: [],
      then: untouched,
    }),
  ),
  { by: "admin", delete: rita, ifMatch: '"v7"', status: 412, events: [], then: untouched },
  { by: "admin", delete: `${accounts}/${unknown}`, status: 404, events: [] },
  {
    name: "not one's own",
    by: "admin",
    delete: `${accounts}/$admin?reassign_to=$minh`,
    status: 409,
    problem: { code: "own_account" },
    events: [],
  },
]);

inWorld("the last admin", {}, (world) => {
  test("is not closed by the command line either", async () => {
    const { accounts, users } = world().server.parts;
    const { id } = world().people.admin;
    await expect(accounts.deactivate(systemActor("test-of-last"), id)).rejects.toMatchObject({
      code: "last_admin",
    });
    expect((await users.account(id)).is_active).toBe(true);
  });
});

inWorld("somebody who leaves while work is given to them", setting, (world) => {
  test("has none afterwards that the other did not get, or the giver is refused", async () => {
    const [left, given] = await Promise.all([
      world().send("admin", "DELETE", `${rita}?reassign_to=$minh`),
      world().send("manager", "PATCH", "/api/clients/$other", { body: { assigned_to: "$rita" } }),
    ]);
    expect(left.status).toBe(204);
    const assignee = await assigneeOf(world(), "other");
    expect([assignee, given.status]).toEqual([world().ids.minh!, given.status === 200 ? 200 : 422]);
  });

  test("twice at once, is handed over once", async () => {
    const answers = await Promise.all(
      ["$minh", "$lan"].map((to) => world().send("admin", "DELETE", `${rita}?reassign_to=${to}`)),
    );
    expect(statusesOf(answers)).toEqual([204, 204]);
    expect((await world().send("admin", "GET", "/api/clients/$acme")).json.version).toBe(3);
  });
});

inWorld("too much to hand over at once", setting, (world) => {
  async function giveClients(count: number): Promise<void> {
    const { store } = world().server.parts;
    const rows = await store.read.q.select().from(store.read.t.clients);
    const acme = rows.find(({ id }) => id === world().ids.acme)!;
    for (let made = 0; made < count; made += 500) {
      const some = Array.from({ length: Math.min(500, count - made) }, () => ({ ...acme, id: newId() }));
      await store.tx(({ q, t }) => q.insert(t.clients).values(some));
    }
  }

  test("is refused as a whole, and says how much goes", async () => {
    await giveClients(1_999);
    const answer = await world().send("admin", "DELETE", `${rita}?reassign_to=$minh`);
    expect(answer.json).toMatchObject({ status: 409, code: "too_many_to_hand_over", most: 2_000 });
    await untouched(world());
    expect(await eventsOf(world(), answer)).toEqual([]);
  });

  test("up to there it is one transaction", async () => {
    await giveClients(1_998);
    const answer = await world().send("admin", "DELETE", `${rita}?reassign_to=$minh`);
    expect(answer.status).toBe(204);
    const { store } = world().server.parts;
    const rows = await store.read.q.select().from(store.read.t.clients);
    expect(rows.filter(({ assigned_to }) => assigned_to === world().ids.rita)).toHaveLength(1);
    expect(await eventsOf(world(), answer)).toHaveLength(2_003);
  });
});
