import { SQL } from "bun";
import { drizzle } from "drizzle-orm/bun-sql";
import { postgresDialect } from "./dialect";
import { DbError, toDbError } from "./errors";
import type { Plan, Row } from "./hot";
import {
  asideDeadlineMs,
  Lifetime,
  refuseNesting,
  runWithin,
  type QueryBuilder,
  type Session,
  type Store,
  type StoreOptions,
  type TxOptions,
} from "./store";
import type { Tables } from "./tables";
import { inTurn, Turns } from "./turns";
import * as postgresTables from "./tables.postgres";

/** What can be chosen for a store on PostgreSQL. */
export interface PostgresOptions extends StoreOptions {
  /** At most this many at once, plus those for rare and for long queries; opened when they are needed. */
  connections?: number;
}

/** For queries of rare shapes; common ones never wait for them. */
const unpreparedConnections = 2;
/** For reads aside; nothing else waits for them. */
const asideConnections = 2;
/** Without a limit, a server that is reached but does not answer would be waited for 30 s. */
const connectionTimeoutSeconds = 5;

const closeSeconds = 2;

/** Between two attempts, at most this: by then, those who were in the way are done. */
const longestPauseMs = 128;
const tables: Tables = postgresTables;

/** A store on a PostgreSQL database, which has to be migrated before. Connects when it is first used. */
export function openPostgresStore(url: string, options: PostgresOptions = {}): Store {
  const { connections = 10, deadlineMs = 5_000, measures } = options;
  // The server enforces the deadline too: a rejected promise here does not stop a statement there.
  const connection = { statement_timeout: deadlineMs, idle_in_transaction_session_timeout: deadlineMs * 2 };
  const shared = { url, connection, connectionTimeout: connectionTimeoutSeconds };
  const client = new SQL({ ...shared, max: connections });
  const unprepared = new SQL({ ...shared, max: unpreparedConnections, prepare: false });
  const patience = { ...connection, statement_timeout: asideDeadlineMs };
  const aside = new SQL({ ...shared, connection: patience, max: asideConnections, prepare: false });
  const turns = new Turns(asideConnections, asideDeadlineMs);
  const losers = oneByOne();

  /** Under READ COMMITTED, two transactions that read, compute and write lose updates; SERIALIZABLE does not. */
  function attempt<T>(work: (session: Session) => Promise<T>, isolation: string): Promise<T> {
    return client.begin(`isolation level ${isolation}`, (transaction) => {
      const lifetime = new Lifetime();
      return runWithin(lifetime, deadlineMs, () =>
        work(new PostgresSession(transaction, transaction, lifetime)),
      );
    }) as Promise<T>;
  }

  const read = new PostgresSession(client, unprepared);
  return {
    engine: "postgres",
    waiting: 0,
    commits: undefined,
    read,
    // It shows nothing before it is on the disk.
    durable: read,
    aside: (caller) => inTurn(new PostgresSession(aside, aside), turns, caller),
    async tx(work, options: TxOptions = {}) {
      refuseNesting();
      const isolation = options.isolation ?? "serializable";
      const giveUpAt = performance.now() + deadlineMs;
      const again = async () => {
        if (performance.now() > giveUpAt) throw new DbError("retry");
        return attempt(work, isolation);
      };
      for (let attempts = 1; ; attempts++) {
        try {
          return await (attempts === 1 ? attempt(work, isolation) : losers(again));
        } catch (cause) {
          const error = toDbError(cause);
          const lostAgainstAnother = error instanceof DbError && error.kind === "retry";
          if (!lostAgainstAnother || performance.now() > giveUpAt) throw error;
          measures?.retried?.();
          // Whoever won in another process has no place in this one's line.
          await Bun.sleep(Math.min(2 ** attempts, longestPauseMs) * Math.random());
        }
      }
    },
    async ping() {
      await answerWithin(deadlineMs, client.unsafe("SELECT 1")).catch((cause) => {
        throw new DbError("unavailable", undefined, cause);
      });
    },
    async close() {
      // Whoever waits for a connection by now waits for nothing: the requests are over.
      const timeout = closeSeconds;
      await Promise.all([client, unprepared, aside].map((pool) => pool.close({ timeout })));
    },
  };
}

/** Whoever lost against another tries again alone: all at once, they would be in each other's way again and again. */
function oneByOne(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}

/** When the network is gone, an open connection stays silent, and no timeout of the server ends that. */
function answerWithin(milliseconds: number, answer: PromiseLike<unknown>) {
  return new Promise<void>((resolve, reject) => {
    const giveUp = () => reject(new Error(`no answer within ${milliseconds} ms`));
    const timer = setTimeout(giveUp, milliseconds);
    answer.then(() => resolve(), reject).then(() => clearTimeout(timer));
  });
}

/** A session on a connection, for whoever has one to themselves. */
export const postgresSession = (client: SQL): Session => new PostgresSession(client, client);

class PostgresSession implements Session {
  readonly t = tables;
  readonly dialect = postgresDialect;
  #q: QueryBuilder | undefined;

  constructor(
    private readonly client: SQL,
    /** Keeps no statement prepared. In a transaction it is the transaction: one connection, whatever runs. */
    private readonly unprepared: SQL,
    private readonly lifetime?: Lifetime,
  ) {}

  /** Made on first use: hot queries do not need it. */
  get q() {
    return (this.#q ??= drizzle({ client: this as unknown as SQL }) as unknown as QueryBuilder);
  }

  /** The one method of a client that Drizzle uses. Bun prepares the statement once per connection and text. */
  unsafe(text: string, values: unknown[]) {
    this.lifetime?.check();
    return this.client.unsafe(text, values);
  }

  run(plan: Plan, values: unknown[]): Promise<Row[]> {
    this.lifetime?.check();
    const client = plan.unprepared ? this.unprepared : this.client;
    return client.unsafe(plan.text, values).then(undefined, rethrow) as Promise<Row[]>;
  }
}

function rethrow(error: unknown): never {
  throw toDbError(error);
}
