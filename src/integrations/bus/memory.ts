import { assertTopic, Listeners, type Bus } from "./bus";

/** The bus of a single process. Rings arrive after the caller is done, as they would through a server. */
export function memoryBus(): Bus {
  const rings = new Listeners<[topic: string]>();
  let isOpen = true;
  return {
    async ring(topic) {
      assertTopic(topic);
      queueMicrotask(() => isOpen && rings.call(topic));
    },
    onRing: (listener) => rings.add(listener),
    // Nothing gets lost between two functions of one process.
    onGap: () => {},
    isDeaf: false,
    start: async () => {},
    async close() {
      isOpen = false;
    },
  };
}
