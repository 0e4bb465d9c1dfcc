import { isNull, sql } from "drizzle-orm";
import { newId } from "../../src/ids";
import type { TestServer } from "./servers";
import type { World } from "./scenario";

/** A frame as it came. */
export interface Frame {
  type: string;
  id?: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- the expectations are its type
  payload?: any;
}

/** Somebody at the other end of a WebSocket. */
export interface Client {
  readonly frames: Frame[];
  send(frame: unknown): void;
  /** The first frame that came, or comes, of this type; each is given once. */
  next(type: string): Promise<Frame>;
  /** Resolves when the socket is closed, by whomever. */
  readonly closed: Promise<{ code: number; reason: string }>;
  close(): void;
  readonly socket: WebSocket;
}

/** Connects, with the browser's own interface. @param ca a certificate to trust beside the usual ones */
export async function connect(
  url: string,
  headers: Record<string, string> = {},
  ca?: string,
): Promise<Client> {
  // Bun's WebSocket takes headers and certificates, which a browser's does not.
  const options = { headers, ...(ca !== undefined && { tls: { ca } }) };
  const socket = new WebSocket(url.replace(/^http/, "ws"), options as never);
  const frames: Frame[] = [];
  const given = new Set<Frame>();
  let onFrame = Promise.withResolvers<void>();
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  });
  socket.addEventListener("message", ({ data }) => {
    frames.push(JSON.parse(String(data)) as Frame);
    onFrame.resolve();
    onFrame = Promise.withResolvers();
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("close", ({ code }) => reject(new Error(`closed with ${code} before it opened`)));
  });
  return {
    ...{ frames, closed, socket },
    send: (frame) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
    close: () => socket.close(),
    async next(type) {
      for (;;) {
        const found = frames.find((frame) => frame.type === type && !given.has(frame));
        if (found) {
          given.add(found);
          return found;
        }
        const ended = closed.then(({ code, reason }) => {
          throw new Error(`closed with ${code} ${reason} instead of ${type}`);
        });
        await Promise.race([onFrame.promise, ended]);
      }
    },
  };
}

/** Connects and signs in; gives the client once it is ready. */
export async function listen(
  url: string,
  token: string,
  after?: number,
): Promise<Client & { readonly last: number }> {
  const client = await connect(`${url}/ws`);
  client.send({ type: "auth", token, ...(after !== undefined && { after }) });
  const { payload } = await client.next("ready");
  return { ...client, last: payload.last_id };
}

/** What a notification of these tests may say otherwise. */
export interface Said {
  websocket?: boolean;
  sse?: boolean;
  title?: string;
}

/** Adds notifications for somebody, each in a transaction of its own, and rings. Gives the last number. */
export async function notify(
  { parts: { store, bus } }: Pick<TestServer, "parts">,
  userId: string,
  count = 1,
  said: Said = {},
): Promise<number> {
  let number = 0;
  for (let i = 0; i < count; i++) {
    number = await store.tx(async ({ q, t }) => {
      const { notification_counters: counters, notifications } = t;
      const [row] = await q
        .insert(counters)
        .values({ user_id: userId, last_number: 1 })
        .onConflictDoUpdate({
          target: counters.user_id,
          set: { last_number: sql`${counters.last_number} + 1` },
        })
        .returning({ number: counters.last_number });
      await q.insert(notifications).values({
        ...{ id: newId(), user_id: userId, number: row!.number, type: "task_assigned" },
        ...{ title: `Number ${row!.number}`, message: "It is yours.", link: "/tasks", fold_key: newId() },
        ...{ in_app: true, websocket: true, sse: true },
        ...{ is_read: false, read_at: null, created_at: Date.now() },
        ...said,
      });
      return row!.number;
    });
  }
  await bus.ring(`notify:${userId}`);
  return number;
}

/** The same, many with one commit and one ring. */
export async function notifyMany(
  { parts: { store, bus } }: Pick<TestServer, "parts">,
  userId: string,
  count: number,
  message: string,
): Promise<void> {
  await store.tx(async ({ q, t: { notification_counters: counters, notifications } }) => {
    const rows = Array.from({ length: count }, (_, i) => ({
      ...{
        id: newId(),
        user_id: userId,
        number: i + 1,
        type: "task_assigned",
        title: `Number ${i + 1}`,
        message,
      },
      ...{ link: null, fold_key: newId(), in_app: true, websocket: true, sse: true },
      ...{ is_read: false, read_at: null },
      created_at: Date.now(),
    }));
    await q.insert(counters).values({ user_id: userId, last_number: count });
    for (let i = 0; i < count; i += 100) await q.insert(notifications).values(rows.slice(i, i + 100));
  });
  await bus.ring(`notify:${userId}`);
}

/** Waits until every event has its place in the log, which the server gives it after its commit. */
export async function relay({ store }: TestServer["parts"]): Promise<void> {
  const { q, t } = store.read;
  for (let tries = 0; tries < 1_000; tries++) {
    const waiting = await q.select({ id: t.events.id }).from(t.events).where(isNull(t.events.seq)).limit(1);
    if (waiting.length === 0) return;
    await Bun.sleep(5);
  }
  throw new Error("The events have no place in the log after five seconds.");
}

/** Nobody has any notification, or ever had. */
export async function forgetNotifications({ server }: World): Promise<void> {
  await server.parts.store.tx(async ({ q, t }) => {
    await q.delete(t.notifications);
    await q.delete(t.notification_counters);
  });
}

/** Polls: what is asked for comes by itself, and nobody knows when. Fails by the time limit of the test. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await Bun.sleep(5);
}
