import { afterEach, expect, test } from "bun:test";
import { lte } from "drizzle-orm";
import { systemActor } from "../../src/policy";
import { newPerson, signInAs } from "../support/accounts";
import { addPerson, closeAccount, letIn } from "../support/people";
import { connect, forgetNotifications, listen, notify, until, type Client } from "../support/realtime";
import { inWorld, type World } from "../support/scenario";
import { startTestServer } from "../support/servers";

const system = systemActor("a-test-of-sockets");

const setting = {
  async given(world: World) {
    await forgetNotifications(world);
    await newPerson(world, "rita");
  },
};

const opened: Client[] = [];
afterEach(() => opened.splice(0).forEach((client) => client.close()));
const kept = <C extends Client>(client: C): C => (opened.push(client), client);

inWorld("a socket", setting, (world) => {
  const url = () => world().server.url;
  const rita = () => ({ id: world().ids.rita!, token: world().ids.rita_token! });
  const ticket = async () =>
    (await world().send({ token: rita().token }, "POST", "/api/auth/tickets", { body: { purpose: "ws" } }))
      .json.ticket;

  test.each(["/ws", "/api/ws"])("at %s signs in by frame", async (path) => {
    await notify(world().server, rita().id, 2);
    const client = kept(await connect(url() + path));
    client.send({ type: "auth", token: rita().token });
    expect(await client.next("ready")).toEqual({
      type: "ready",
      payload: { user_id: rita().id, last_id: 2 },
    });
  });

  test("signs in by the header of its upgrade, or by a ticket", async () => {
    const byHeader = kept(await connect(`${url()}/ws`, { authorization: `Bearer ${rita().token}` }));
    expect((await byHeader.next("ready")).payload).toEqual({ user_id: rita().id, last_id: 0 });
    const byTicket = kept(await connect(`${url()}/ws?ticket=${await ticket()}`));
    expect((await byTicket.next("ready")).payload).toEqual({ user_id: rita().id, last_id: 0 });
  });

  test("is a GET with no other answer", async () => {
    const answer = await world().send("lan", "GET", "/ws");
    expect([answer.status, answer.json.code]).toEqual([400, "websocket_expected"]);
    expect((await world().send("lan", "GET", "/ws?nonsense=1")).json.code).toBe("unknown_parameter");
    expect((await world().send("lan", "GET", "/ws?after=x")).json.code).toBe("invalid_integer");
  });

  test("answers a ping, before and after signing in", async () => {
    const client = kept(await connect(`${url()}/ws`));
    client.send({ type: "ping" });
    expect(await client.next("pong")).toEqual({ type: "pong" });
    client.send({ type: "auth", token: rita().token });
    client.send({ type: "ping", id: null, payload: null });
    await client.next("ready");
    expect(await client.next("pong")).toEqual({ type: "pong" });
  });

  test("brings a notification as the API shows it, with its number", async () => {
    const client = kept(await listen(url(), rita().token));
    await notify(world().server, rita().id);
    expect(await client.next("notification")).toEqual({
      type: "notification",
      id: 1,
      payload: {
        ...{ id: expect.stringMatching(/^[0-9a-f-]{36}$/), user_id: rita().id, type: "task_assigned" },
        ...{ title: "Number 1", message: "It is yours.", link: "/tasks", is_read: false, read_at: null },
        created_at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      },
    });
  });

  test("brings nobody else's, and not what its user wants elsewhere", async () => {
    const client = kept(await listen(url(), rita().token));
    await notify(world().server, world().people.lan.id);
    await notify(world().server, rita().id, 1, { websocket: false });
    await notify(world().server, rita().id);
    expect((await client.next("notification")).id).toBe(2);
  });

  test("brings hundreds, in order and once, to each of its user's sockets", async () => {
    const clients = [kept(await listen(url(), rita().token)), kept(await listen(url(), rita().token))];
    await Promise.all(Array.from({ length: 4 }, () => notify(world().server, rita().id, 50)));
    for (const { frames } of clients) {
      const ids = () => frames.filter(({ type }) => type === "notification").map(({ id }) => id);
      await until(() => ids().length >= 200);
      expect(ids()).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    }
  });

  test("goes on after the last that was seen", async () => {
    await notify(world().server, rita().id, 5);
    const client = kept(await listen(url(), rita().token, 2));
    expect(client.last).toBe(5);
    for (const id of [3, 4, 5]) expect((await client.next("notification")).id).toBe(id);
    client.close();
    await notify(world().server, rita().id, 250);
    const again = kept(await connect(`${url()}/ws?ticket=${await ticket()}&after=5`));
    for (let id = 6; id <= 255; id++) expect((await again.next("notification")).id).toBe(id);
    expect(again.frames.map(({ type }) => type)).not.toContain("resync");
  });

  test("says resync for what cannot be brought: too long ago, removed, or never there", async () => {
    await notify(world().server, rita().id, 4);
    const { store } = world().server.parts;
    await store.tx(async ({ q, t }) => {
      await q.delete(t.notifications).where(lte(t.notifications.number, 2));
    });
    for (const [after, resynced] of [
      [0, true],
      [1, true],
      [2, false],
      [4, false],
      [9, true],
    ] as const) {
      const client = kept(await listen(url(), rita().token, after));
      client.send({ type: "ping" });
      await client.next("pong");
      const expected = [
        "ready",
        ...(resynced ? ["resync"] : []),
        ...(after === 2 ? ["notification", "notification"] : []),
      ];
      await until(() => client.frames.length === expected.length + 1);
      expect(client.frames.map(({ type }) => type).filter((type) => type !== "pong")).toEqual(expected);
    }
  });

  test.each([
    ["its session ends", (w: World) => w.send({ token: "$rita_token" }, "POST", "/api/auth/logout")],
    [
      "its user gets another role",
      (w: World) => w.server.parts.users.setRole(system, w.ids.rita!, "manager"),
    ],
    [
      "its user gets a password",
      (w: World) => w.server.parts.passwords.set(system, w.ids.rita!, "another phrase"),
    ],
    ["its account is closed", (w: World) => closeAccount(w.server, w.ids.rita!)],
  ] as const)("is closed with 4401 when %s", async (_, act) => {
    const client = kept(await listen(url(), rita().token));
    const other = kept(await listen(url(), world().people.lan.token));
    await act(world());
    expect((await client.closed).code).toBe(4401);
    other.send({ type: "ping" });
    await other.next("pong");
  });

  test("stays open when another session of its user ends", async () => {
    const client = kept(await listen(url(), rita().token));
    const email = world().ids.rita_mail!;
    const second = await signInAs(world(), "second", email);
    const theirs = kept(await listen(url(), second.token));
    await world().send({ token: second.token }, "POST", "/api/auth/logout");
    expect((await theirs.closed).code).toBe(4401);
    client.send({ type: "ping" });
    await client.next("pong");
  });

  test("counts for its user and for the server", async () => {
    const server = await startTestServer(world().server.engine, {
      NEOCRM_REALTIME_CONNECTIONS: "4",
      NEOCRM_REALTIME_CONNECTIONS_PER_USER: "2",
    });
    await addPerson(server, "rita@new.example", "user");
    const { token } = await letIn(server, "rita@new.example");
    const first = kept(await listen(server.url, token));
    kept(await listen(server.url, token));
    const third = kept(await connect(`${server.url}/ws`));
    third.send({ type: "auth", token });
    expect((await third.closed).code).toBe(4430);
    const headers = { authorization: `Bearer ${token}` };
    const stream = await fetch(`${server.url}/api/notifications/stream`, { headers });
    expect([stream.status, ((await stream.json()) as { code: string }).code]).toEqual([
      429,
      "too_many_connections",
    ]);
    await until(() => server.parts.hub.size === 2);
    const guests = [kept(await connect(`${server.url}/ws`)), kept(await connect(`${server.url}/ws`))];
    const fifth = kept(await connect(`${server.url}/ws`));
    expect((await fifth.closed).code).toBe(1013);
    first.close();
    await until(() => server.parts.hub.size === 3);
    guests[0]!.send({ type: "auth", token });
    await guests[0]!.next("ready");
    await server.stop();
    for (const client of guests) expect((await client.closed).code).toBe(1001);
  });
});
