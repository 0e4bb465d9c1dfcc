import { eq, isNull, max } from "drizzle-orm";
import type { TestServer } from "./servers";
import type { World } from "./scenario";

/** Waits until something is so: a slow machine gets its time. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await holds()) return;
    await Bun.sleep(20);
  }
  throw new Error("It never came true.");
}

const rung = new WeakMap<TestServer, string[]>();

/** Waits until all that was recorded is told, and gives for whom the bell was rung since it was last asked. */
export async function told({ server }: World): Promise<string[]> {
  const { store, bus } = server.parts;
  const { q, t } = store.read;
  const heard = rung.getOrInsertComputed(server, () => {
    const users: string[] = [];
    bus.onRing((topic) => topic.startsWith("notify:") && users.push(topic.slice("notify:".length)));
    return users;
  });
  await eventually(async () => {
    const waiting = await q.select({ id: t.events.id }).from(t.events).where(isNull(t.events.seq)).limit(1);
    const [last] = await q.select({ seq: max(t.events.seq) }).from(t.events);
    const [place] = await q.select().from(t.consumers).where(eq(t.consumers.name, "notifications"));
    return waiting.length === 0 && (last?.seq ?? 0) <= (place?.position ?? 0);
  });
  // The bell is rung after that.
  await Bun.sleep(100);
  return heard.splice(0);
}
