import type { Session, Store } from "../../db/store";
import { tracing } from "./tracing";

/** The same store; each transaction and each query is a span. Statements are told, values never: none stands in a statement. */
export function tracedStore(store: Store): Store {
  const system = store.engine === "sqlite" ? "sqlite" : "postgresql";
  const traced = <T>(name: string, attributes: Record<string, string>, work: () => T): T => {
    const spans = tracing();
    return spans ? spans.span(name, { "db.system.name": system, ...attributes }, work) : work();
  };
  const tracedSession = (session: Session): Session => ({
    t: session.t,
    dialect: session.dialect,
    batch: session.batch,
    get q() {
      return session.q;
    },
    run: (plan, values) =>
      traced(plan.text.split(" ", 1)[0]!, { "db.query.text": plan.text }, () => session.run(plan, values)),
  });
  return {
    engine: store.engine,
    get waiting() {
      return store.waiting;
    },
    get commits() {
      return store.commits;
    },
    read: tracedSession(store.read),
    durable: tracedSession(store.durable),
    aside: (caller) => tracedSession(store.aside(caller)),
    tx: (work, options) =>
      traced("transaction", {}, () => store.tx((session) => work(tracedSession(session)), options)),
    ping: () => store.ping(),
    close: () => store.close(),
  };
}
