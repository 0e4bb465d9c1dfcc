/** What `realtime.ts` measures, in a process of its own: Neo CRM on SQLite, or a bare Bun that publishes. Told over IPC. */
import { eventsTopic } from "../src/events/record";
import { accessTokens } from "../src/features/auth/tokens";
import { notificationTopic, notifyAll } from "../src/features/notifications/notify";
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
      const { ring } = parts.bus;
      const rung = Promise.withResolvers<number>();
      parts.bus.ring = (topic) => {
        if (topic === eventsTopic) rung.resolve(now());
        return ring(topic);
      };
      await parts.clients.change(owner, client.id, { notes: String(changes++) }, "any");
      const committed = await rung.promise;
      parts.bus.ring = ring;
      return say({ at: committed });
    }
    return say({ commits: await tellAll(parts, people) });
  };
  process.on("message", (asked) => void answer(asked));
  say({ url: server.url, tokens });
}

/** So many events has a consumer of the log at once, and the notifications that follow from them have one transaction. */
const portion = 100;
let round = 0;

/** One durable notification for each, in the way that events lead to them; gives when each was committed. */
async function tellAll({ store, bus }: Parts, people: readonly { userId: string }[]): Promise<number[]> {
  const commits: number[] = [];
  const title = `Task ${round++}`;
  for (let start = 0; start < people.length; start += portion) {
    const some = people.slice(start, start + portion);
    const notice = { type: "task_completed", actorId: null, message: "It is done.", link: "/tasks" } as const;
    const notices = some.map(({ userId }) => ({ ...notice, userId, title }));
    await store.tx((session) => notifyAll(session, notices));
    const committed = now();
    for (const { userId } of some) {
      commits.push(committed);
      void bus.ring(notificationTopic(userId));
    }
  }
  return commits;
}

function rss() {
  Bun.gc(true);
  return process.memoryUsage().rss;
}
