/** What `realtime.ts` measures, in a process of its own: Neo CRM on SQLite, or a bare Bun that publishes. Told over IPC. */
import { accessTokens } from "../src/features/auth/tokens";
import { sql } from "drizzle-orm";
import { hot, type Params } from "../src/db/hot";
import { insertInto } from "../src/db/rows";
import type { Parts } from "../src/parts";
import { newId } from "../src/ids";
import { systemActor } from "../src/policy";
import { relay } from "../tests/support/realtime";
import { startTestServer } from "../tests/support/servers";

const [kind, count] = [process.argv[2], Number(process.argv[3])];
const now = () => performance.timeOrigin + performance.now();
const say = (message: unknown) => process.send!(message);
const secret = "the secret that signs the tokens of the bench";
const system = systemActor("bench-realtime");
const frame = JSON.stringify({
  type: "record",
  payload: { topic: "clients", entity_id: newId(), version: 2 },
});

await (kind === "bare" ? serveBare() : serveNeocrm());

async function serveBare() {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("no")),
    websocket: { open: (ws) => void ws.subscribe("all"), message() {} },
  });
  process.on("message", (asked) => {
    if (asked === "rss") return say({ rss: rss() });
    const at = now();
    server.publish("all", frame);
    say({ at, done: now() });
  });
  say({ url: server.url.href, tokens: [] });
}

async function serveNeocrm() {
  const server = await startTestServer("sqlite", {
    JWT_SECRET: secret,
    NEOCRM_REALTIME_CONNECTIONS: "100000",
  });
  const { parts } = server;
  const people = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const email = `user${i}@bench.example`;
      const { id } = await parts.users.create(system, {
        email,
        full_name: "B",
        role: "user",
        password_hash: "x",
      });
      return { userId: id, sessionId: newId(), authVersion: 1 };
    }),
  );
  const at = Date.now();
  await parts.store.tx(async ({ q, t }) => {
    for (const { userId, sessionId } of people) {
      const times = { created_at: at, last_used_at: at, expires_at: at + 3_600_000, ended_at: null };
      await q
        .insert(t.sessions)
        .values({ id: sessionId, user_id: userId, ip: null, user_agent: null, ...times });
    }
  });
  const tokens = await Promise.all(people.map((each) => accessTokens(secret, null, 60).sign(each)));
  const owner = {
    ...system,
    kind: "user" as const,
    userId: people[0]!.userId,
    grants: { "clients.update": "all" as const, "clients.read": "all" as const },
  };
  const client = await parts.clients.create(owner, { name: "Acme" });
  await relay(parts);
  let changes = 0;
  const answer = async (asked: unknown) => {
    if (asked === "rss") return say({ rss: rss() });
    if (asked === "hint") {
      await parts.clients.change(owner, client.id, { notes: String(changes++) }, "any");
      const { ring } = parts.bus;
      let committed = 0;
      parts.bus.ring = (topic) => ((committed = now()), ring(topic));
      await relay(parts);
      parts.bus.ring = ring;
      return say({ at: committed });
    }
    const commits = await Promise.all(people.map(({ userId }) => notifyOne(parts, userId)));
    return say({ commits });
  };
  process.on("message", (asked) => void answer(asked));
  say({ url: server.url, tokens });
}

/** Raises a user's counter, which is the number of what is added. */
const nextNumber = hot(({ t: { notification_counters: counters }, q }, p: Params<{ user_id: string }>) =>
  q
    .insert(counters)
    .values({ user_id: p.user_id, last_number: 1 })
    .onConflictDoUpdate({ target: counters.user_id, set: { last_number: sql`${counters.last_number} + 1` } })
    .returning({ number: counters.last_number }),
);
const insertNotification = insertInto("notifications");

/** One durable notification; gives when it was committed. */
async function notifyOne({ store, bus }: Parts, user_id: string): Promise<number> {
  await store.tx(async (session) => {
    const { number } = (await nextNumber.first(session, { user_id }))!;
    await insertNotification.all(session, {
      ...{ id: newId(), user_id, number, type: "task_assigned", title: "A task", message: "It is yours." },
      ...{
        link: "/tasks",
        fold_key: String(number),
        in_app: true,
        websocket: true,
        sse: true,
        is_read: false,
        read_at: null,
      },
      created_at: Date.now(),
    });
  });
  const committed = now();
  void bus.ring(`notify:${user_id}`);
  return committed;
}

function rss() {
  Bun.gc(true);
  return process.memoryUsage().rss;
}
