import { second } from "../clock";
import { DbError, type DbErrorKind } from "./errors";
import type { Session, Store } from "./store";

/** Told of what a database did, after it did it. All times in seconds. */
export interface StoreMeasures {
  /** One query outside of a transaction; values stand in no statement. */
  read(seconds: number, statement: string): void;
  /** One transaction, with its waiting and its retries. */
  transaction(seconds: number): void;
  /** One query aside, with its waiting. */
  aside(seconds: number, statement: string): void;
  /** A query or a transaction failed; of a kind that callers can tell apart. */
  failed(kind: DbErrorKind): void;
  /** SQLite: a caller stood in line for so long before its turn. */
  waited?(seconds: number): void;
  /** SQLite: so many callers shared a commit. */
  committed?(callers: number): void;
  /** PostgreSQL: a transaction lost against another, and is tried again. */
  retried?(): void;
}

/** The same store, timed: what fails counts too. */
export function measured(store: Store, measures: StoreMeasures): Store {
  const failed = (error: unknown) => {
    // A transaction also fails by what its caller throws, which is no failure of the database.
    if (error instanceof DbError) measures.failed(error.kind);
  };
  return {
    engine: store.engine,
    get waiting() {
      return store.waiting;
    },
    get commits() {
      return store.commits;
    },
    read: timed(store.read, measures.read, failed),
    durable: timed(store.durable, measures.read, failed),
    aside: (caller) => timed(store.aside(caller), measures.aside, failed),
    async tx(work, options) {
      const startedAt = performance.now();
      try {
        return await store.tx(work, options);
      } catch (error) {
        failed(error);
        throw error;
      } finally {
        measures.transaction(secondsSince(startedAt));
      }
    },
    ping: () => store.ping(),
    close: () => store.close(),
  };
}

/** Times hot queries, which is nearly all of them; what Drizzle's builder runs by itself is rare. */
function timed(
  session: Session,
  took: (seconds: number, statement: string) => void,
  failed: (error: unknown) => void,
): Session {
  return {
    t: session.t,
    dialect: session.dialect,
    get q() {
      return session.q;
    },
    run(plan, values) {
      const startedAt = performance.now();
      let rows: ReturnType<Session["run"]> | undefined;
      try {
        rows = session.run(plan, values);
      } catch (error) {
        failed(error);
        throw error;
      } finally {
        if (!(rows instanceof Promise)) took(secondsSince(startedAt), plan.text);
      }
      if (!(rows instanceof Promise)) return rows;
      rows.catch(failed);
      return rows.finally(() => took(secondsSince(startedAt), plan.text));
    },
  };
}

const secondsSince = (startedAt: number) => (performance.now() - startedAt) / second;
