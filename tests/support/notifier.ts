import { Notifier } from "../../src/features/notifications/consumer";
import type { SequencedEvent } from "../../src/events/consumer";
import type { World } from "./scenario";

/**
 * Has the server's own consumer take what was recorded since the scenario began and was not taken yet, as a relay would:
 * in order, in one transaction. Gives for whom the bell was rung.
 */
export async function relayTo(world: World): Promise<string[]> {
  const { store, bus, consumers } = world.server.parts;
  const notifier = consumers.find((each) => each instanceof Notifier)!;
  const rung: string[] = [];
  bus.onRing((topic) => topic.startsWith("notify:") && rung.push(topic.slice("notify:".length)));
  const events = await world.events();
  const fresh = events.filter(({ id }) => !taken.has(id)).map((event, i) => ({ ...event, seq: i + 1 }));
  for (const { id } of fresh) taken.add(id);
  await store.tx((session) => notifier.take(session, fresh as SequencedEvent[]));
  notifier.taken();
  await Bun.sleep(store.engine === "sqlite" ? 0 : 100);
  return rung;
}

const taken = new Set<string>();
