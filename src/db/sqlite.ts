import { Database, type Statement } from "bun:sqlite";
import { statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { drizzle } from "drizzle-orm/bun-sqlite";
import { Checkpoints } from "./checkpoints";
import { sqliteDialect } from "./dialect";
import { tables } from "./described";
import { DbError, toDbError } from "./errors";
import { GroupCommit, type GroupCommitOptions } from "./group-commit";
import type { Plan } from "./hot";
import { LogSync } from "./log-sync";
import { RecentMap } from "../recent-map";
import { Reader } from "./reader";
import { forgetSmallTables, gatherStatistics } from "./statistics";
import { inTurn, Turns } from "./turns";
import {
  asideDeadlineMs,
  refuseNesting,
  type Lifetime,
  type QueryBuilder,
  type Session,
  type Store,
} from "./store";

/** What can be chosen for a store on SQLite; the defaults lose nothing and suit a server. */
export interface SqliteOptions extends GroupCommitOptions {
  /** FULL survives a power cut. NORMAL survives a crash of the process, and may lose the last commits in a power cut. */
  synchronous?: "FULL" | "NORMAL";
}

/** Half of them at least. */
const statementsPerConnection = 1_000;
/** One search after the other would keep half of a second core idle, and everybody waiting. */
const asideReaders = 2;

/**
 * One connection that writes, one that reads: the reader sees only what is committed, and never waits.
 * The file has to be migrated before.
 */
export function openSqliteStore(file: string, options: SqliteOptions = {}): Store {
  // Beyond its pages in memory, a large transaction writes what it has changed before it is done.
  const writer = open(file, { readwrite: true, create: true }, 16);
  writer.run("PRAGMA journal_mode = WAL");
  // Its checkpoints are synced; the log is, by `LogSync`.
  writer.run("PRAGMA synchronous = NORMAL");
  writer.run("PRAGMA foreign_keys = ON");
  // A worker of who had it before may be on its way out, and is waited for.
  forgetSmallTables(writer);
  writer.run("PRAGMA busy_timeout = 0"); // GroupCommit waits without blocking the event loop.
  // A savepoint keeps each page as it was before it, and beyond 64 KiB in a file, with two writes for each page.
  writer.run("PRAGMA temp_store = MEMORY");
  // In pages; see `Checkpoints`, which does it long before.
  writer.run("PRAGMA wal_autocheckpoint = 16384");
  const reader = open(file, { readonly: true }, 4);

  const { ino: fileAtStart } = statSync(file);

  const asides = Array.from({ length: asideReaders }, () => new Reader(file, asideDeadlineMs));
  // A worker reads one after the other: whoever waits, waits here, where turns are taken.
  const turns = new Turns(asides.length, asideDeadlineMs);
  const openWrite = sessions(writer);
  const checkpoints = new Checkpoints(writer, file);
  const log = options.synchronous === "NORMAL" ? undefined : new LogSync(writer, file);
  const groupCommit = new GroupCommit<Session>(writer, openWrite, {
    ...options,
    committed: log && (() => log.run()),
    between: () => checkpoints.between(),
  });
  const read = sessions(reader)();
  return {
    engine: "sqlite",
    read,
    durable: afterSync(read, () => groupCommit.syncing),
    aside: (caller) => inTurn(asideSession(reader, asides), turns, caller),
    get waiting() {
      return groupCommit.waiting;
    },
    get commits() {
      return groupCommit.commits;
    },
    async tx(work) {
      refuseNesting();
      return groupCommit.run(work);
    },
    async ping() {
      // A file that was deleted or replaced goes on working for those who have it open, until they restart.
      const onDisk = await stat(file).catch(() => undefined);
      if (onDisk?.ino !== fileAtStart) throw new DbError("unavailable");
      try {
        reader.query("SELECT count(*) FROM sqlite_schema").get();
      } catch (error) {
        throw new DbError("unavailable", undefined, error);
      }
    },
    async close() {
      await groupCommit.idle();
      await checkpoints.close();
      for (const aside of asides) aside.close();
      reader.close();
      // A worker on its way out may hold the lock for a moment; nobody is kept waiting any more.
      writer.run("PRAGMA busy_timeout = 2000");
      gatherStatistics(writer);
      writer.close();
      log?.close();
    },
  };
}

/** @param cacheMiB pages kept in memory. The system has the file in its own: three times as many make no read quicker. */
function open(file: string, mode: { readonly: true } | { readwrite: true; create: true }, cacheMiB: number) {
  const db = new Database(file, mode);
  db.run("PRAGMA busy_timeout = 5000");
  db.run(`PRAGMA cache_size = ${-1024 * cacheMiB}`);
  return db;
}

interface Prepared {
  statement: Statement;
  /** It changes nothing. */
  reads: boolean;
}

/** Sessions on one connection share its prepared statements; each checks its own transaction's lifetime. */
function sessions(db: Database): (lifetime?: Lifetime) => Session {
  const statements = new RecentMap<Prepared>(statementsPerConnection);
  const make = (text: string) => ({
    statement: db.prepare(withFixedPlan(text)),
    reads: /^select\b/i.test(text),
  });
  const prepare = (text: string) => statements.getOrInsertComputed(text, () => make(text));
  return (lifetime) => new SqliteSession(db, prepare, lifetime);
}

/**
 * SQLite plans by the value of a bare `LIMIT ?`, and so compiles the statement anew each time it is bound:
 * 7 µs on top of a query that takes 4. It does not look into an expression.
 */
export function withFixedPlan(text: string) {
  return text.replace(/ limit \?/g, " limit (? + 0)");
}

/** A session on a connection, for whoever has one to themselves. */
export const sqliteSession = (db: Database): Session => sessions(db)();

/** Queries are built as on the reader and run in the first worker that is free: the others start when they are needed. */
function asideSession(db: Database, readers: readonly Reader[]): Session {
  const { t, q, dialect } = sessions(db)();
  return {
    ...{ t, q, dialect },
    async run(plan, values) {
      try {
        const reader = readers.find(({ isFree }) => isFree) ?? readers[0]!;
        return await reader.run(withFixedPlan(plan.text), values);
      } catch (error) {
        throw toDbError(error);
      }
    },
  };
}

/** Gives what it reads once what was committed by then is on the disk. */
function afterSync(session: Session, syncing: () => Promise<void> | undefined): Session {
  const { t, dialect } = session;
  return {
    ...{ t, dialect },
    get q() {
      return session.q;
    },
    run(plan, values) {
      const rows = session.run(plan, values);
      return syncing()?.then(() => rows) ?? rows;
    },
  };
}

class SqliteSession implements Session {
  readonly t = tables;
  readonly dialect = sqliteDialect;
  #q: QueryBuilder | undefined;

  constructor(
    private readonly db: Database,
    private readonly prepare: (text: string) => Prepared,
    private readonly lifetime: Lifetime | undefined,
  ) {}

  /** Made on first use: hot queries do not need it. */
  get q() {
    // The part that both engines have is typed once, on PostgreSQL.
    return (this.#q ??= drizzle(this.#guardedClient()) as unknown as QueryBuilder);
  }

  get batch() {
    return this.lifetime?.batch;
  }

  run(plan: Plan, values: unknown[]) {
    this.#check();
    try {
      const { statement, reads } = this.prepare(plan.text);
      const rows = statement.all(...(values as never[])) as Record<string, unknown>[];
      if (!reads) this.#wrote();
      return rows;
    } catch (error) {
      throw toDbError(error);
    }
  }

  /** What a statement wrote that failed, SQLite has taken back by itself. */
  #wrote() {
    if (this.lifetime) this.lifetime.hasWritten = true;
  }

  #check() {
    if (!this.lifetime) return;
    this.lifetime.check();
    // After an error that ends the transaction, the next write would commit by itself.
    if (!this.db.inTransaction) throw new Error("SQLite ended this transaction after an error.");
  }

  /** The two methods of a Database that Drizzle uses, checked when a statement runs, not when it is prepared. */
  #guardedClient() {
    const guarded = ({ statement, reads }: Prepared) => {
      const checked =
        <Result>(run: (...values: never[]) => Result) =>
        (...values: never[]) => {
          this.#check();
          const result = run.apply(statement, values);
          if (!reads) this.#wrote();
          return result;
        };
      return {
        run: checked(statement.run),
        all: checked(statement.all),
        values: checked(statement.values),
      };
    };
    return { prepare: (text: string) => guarded(this.prepare(text)) } as unknown as Database;
  }
}
