import type { Session, Store } from "./store";

/** What is to be told after the commit, by the session of its transaction. */
const topics = new WeakMap<Session, Set<string>>();

/** Once the transaction of `session` has committed, whoever listens to the store hears of `topic`, each once. */
export function tellAfterCommit(session: Session, topic: string): void {
  const told = topics.get(session);
  if (told) told.add(topic);
  else topics.set(session, new Set([topic]));
}

/**
 * The same store; `listener` hears what its transactions have to tell, after their commit. What an attempt wanted to tell
 * that was taken back is not told: each attempt has a session of its own.
 */
export function telling(store: Store, listener: (topic: string) => void): Store {
  return {
    engine: store.engine,
    get waiting() {
      return store.waiting;
    },
    get commits() {
      return store.commits;
    },
    read: store.read,
    durable: store.durable,
    aside: (caller) => store.aside(caller),
    async tx(work, options) {
      let last: Session | undefined;
      const result = await store.tx((session) => work((last = session)), options);
      const told = last && topics.get(last);
      if (told) for (const topic of told) listener(topic);
      return result;
    },
    ping: () => store.ping(),
    close: () => store.close(),
  };
}
