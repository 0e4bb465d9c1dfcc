import { AsyncLocalStorage } from "node:async_hooks";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type { Dialect } from "./dialect";
import type { Plan, Row } from "./hot";
import type { StoreMeasures } from "./measured";
import { DbError } from "./errors";
import type { Tables } from "./tables";

/** The part of Drizzle that both engines have. Repositories are typed on PostgreSQL and run on either. */
export type QueryBuilder = Pick<
  PgDatabase<PgQueryResultHKT, Record<string, never>>,
  "select" | "insert" | "update" | "delete"
>;

/** What every repository function gets: the read side of a store, or one running transaction. */
export interface Session {
  readonly t: Tables;
  readonly q: QueryBuilder;
  readonly dialect: Dialect;
  /** Runs a query that `hot.ts` compiled. SQLite answers at once, PostgreSQL with a promise. */
  run(plan: Plan, values: unknown[]): Row[] | Promise<Row[]>;
  /** The same object for all who are committed or taken back together, where that is all of a transaction. */
  readonly batch?: object | undefined;
}

/** What a transaction may ask for. */
export interface TxOptions {
  /**
   * `read committed`: it sees what others commit meanwhile, and neither loses against them nor makes them lose. For work
   * that locks what it is about. SQLite has one writer, and nothing to choose.
   */
  isolation?: "read committed";
}

/** The database, whichever engine it is. Every instance has one. */
export interface Store {
  readonly engine: "sqlite" | "postgres";
  /** How many callers of `tx` wait in line, which on SQLite tells overload. Always 0 on PostgreSQL. */
  readonly waiting: number;
  /** How many commits that wrote there were since it was opened, or may have been; `undefined` where other processes write as well. */
  readonly commits: number | undefined;
  /** Sees what is committed, nothing else. Inside `tx`, read through the transaction's own session. */
  readonly read: Session;
  /** The same for who tells what a later answer depends on: nothing is given that a power cut could still take back. */
  readonly durable: Session;
  /**
   * The same for reads that may take long, such as counting everything: off the event loop on SQLite, on connections of
   * their own on PostgreSQL. One that takes longer than two seconds, waiting included, fails as `deadline`. Only for
   * queries made by `hot.ts`.
   * @param caller who asks; callers take turns, so that nobody's long reads are in the way of everybody's
   */
  aside(caller: string): Session;
  /**
   * Runs `work` in one transaction, serializable unless it asks for less, and answers when it is durable. `work` may run
   * more than once, so it does nothing but query: no mail, no request, no counter outside. Transactions do not nest.
   */
  tx<T>(work: (session: Session) => Promise<T>, options?: TxOptions): Promise<T>;
  /** A cheap read. Rejects with `unavailable` when the database cannot be reached. */
  ping(): Promise<void>;
  /** Ends the connections; on SQLite after everybody in line had their turn. */
  close(): Promise<void>;
}

/** How long a read aside may take, in milliseconds. */
export const asideDeadlineMs = 2_000;

/** What both engines let their caller choose. */
export interface StoreOptions {
  /** In milliseconds. A transaction that takes longer is rolled back, because it blocks others. */
  deadlineMs?: number;
  /** Told what only the engine itself knows: waiting, batches, retries. */
  measures?: Pick<StoreMeasures, "waited" | "committed" | "retried">;
}

/** Tells whether a transaction still runs, so that a query somebody forgot to await cannot join the next one. */
export class Lifetime {
  #ended = false;
  /** Whether something was written in it that would have to be taken back. */
  hasWritten = false;

  /** @param batch see `Session` */
  constructor(readonly batch?: object) {}

  end() {
    this.#ended = true;
  }

  get ended() {
    return this.#ended;
  }

  check() {
    if (this.#ended) throw new Error("This transaction has ended: a query in it was not awaited.");
  }
}

const running = new AsyncLocalStorage<Lifetime>();

/** A transaction inside a transaction would wait for itself, so it is refused instead. */
export function refuseNesting() {
  const outer = running.getStore();
  if (outer && !outer.ended) throw new Error("Transactions do not nest: pass the session you already have.");
}

/**
 * Runs `work` until it is done or its time is up; afterwards its session is dead either way.
 * @throws DbError `deadline` when the time is up
 */
export function runWithin<T>(lifetime: Lifetime, deadlineMs: number, work: () => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      lifetime.end();
      settle();
    };
    const timer = setTimeout(() => finish(() => reject(new DbError("deadline"))), deadlineMs);
    running
      .run(lifetime, async () => work())
      .then(
        (value) => finish(() => resolve(value)),
        (error) => finish(() => reject(error)),
      );
  });
}
