import { expect, test } from "bun:test";
import { addPerson, letIn } from "../support/people";
import { newDatabase } from "../support/postgres";
import { listen, notify, relay, until } from "../support/realtime";
import { startTestServer } from "../support/servers";

test("two servers over one database tell whoever is connected to either", async () => {
  const url = await newDatabase();
  const env = { JWT_SECRET: "the secret that two servers share in this test" };
  const servers = [await startTestServer("postgres", env, url), await startTestServer("postgres", env, url)];
  const [one, two] = servers as [(typeof servers)[0], (typeof servers)[0]];
  const id = await addPerson(one, "rita@new.example", "user");
  const { token } = await letIn(one, "rita@new.example");
  const clients = await Promise.all(servers.map((server) => listen(server.url, token)));
  for (const client of clients) {
    client.send({ type: "subscribe", payload: { topics: ["clients"] } });
    await client.next("subscribed");
  }

  await Promise.all([notify(one, id, 20), notify(two, id, 20)]);
  for (const { frames } of clients) {
    const ids = () => frames.flatMap((frame) => frame.id ?? []);
    await until(() => ids().length >= 40);
    expect(ids()).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  }

  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const made = await fetch(`${two.url}/api/clients`, { method: "POST", headers, body: '{"name": "Acme"}' });
  const client = (await made.json()) as { id: string };
  await relay(two.parts);
  for (const each of clients) expect((await each.next("record")).payload.entity_id).toBe(client.id);

  // A connection to the database that is lost takes rings with it, and nothing else.
  const { bus } = one.parts;
  const ring = bus.ring.bind(bus);
  bus.ring = async () => {};
  await notify(one, id, 3);
  bus.ring = ring;
  await notify(two, id);
  for (const { frames } of clients) await until(() => frames.at(-1)?.id === 44);

  await fetch(`${one.url}/api/auth/logout`, { method: "POST", headers });
  for (const each of clients) expect((await each.closed).code).toBe(4401);
  for (const server of servers) await server.stop();
});

test("without bells, a session that is over loses its sockets all the same, on every server", async () => {
  const url = await newDatabase();
  const env = { JWT_SECRET: "the secret that two servers share in this test" };
  const servers = [await startTestServer("postgres", env, url), await startTestServer("postgres", env, url)];
  try {
    await addPerson(servers[0]!, "rita@new.example", "user");
    const { token } = await letIn(servers[0]!, "rita@new.example");
    const clients = await Promise.all(servers.map((server) => listen(server.url, token)));
    for (const { parts } of servers) {
      parts.bus.ring = async () => {};
      Object.defineProperty(parts.bus, "isDeaf", { value: true });
    }
    const headers = { authorization: `Bearer ${token}` };
    const statuses = () =>
      Promise.all(servers.map(async ({ url }) => (await fetch(`${url}/api/users/me`, { headers })).status));
    expect(await statuses()).toEqual([200, 200]);
    await fetch(`${servers[0]!.url}/api/auth/logout`, { method: "POST", headers });
    // Without either way it would take 30 seconds, and this test may take 20.
    for (const each of clients) expect((await each.closed).code).toBe(4401);
    await until(async () => Bun.deepEquals(await statuses(), [401, 401]));
  } finally {
    for (const server of servers) await server.stop();
  }
}, 20_000);
