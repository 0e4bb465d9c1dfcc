import type { Actor } from "../policy";
import type { Session, Store } from "./store";

/**
 * One write of an actor: the change, its events, and the answer kept for the actor's `Idempotency-Key` commit
 * together. `work` may run twice, so it only queries.
 */
export function write<T>(store: Store, actor: Actor, work: (session: Session) => Promise<T>): Promise<T> {
  return store.tx(async (session) => {
    const result = await work(session);
    await actor.keepAnswer?.(session, result);
    return result;
  });
}
