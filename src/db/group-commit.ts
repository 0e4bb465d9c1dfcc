import type { Database } from "bun:sqlite";
import { AsyncLocalStorage } from "node:async_hooks";
import { second } from "../clock";
import { DbError, toDbError } from "./errors";
import type { StoreMeasures } from "./measured";
import { Lifetime, runWithin } from "./store";

/** How long callers wait, and how many share a commit. */
export interface GroupCommitOptions {
  /** The most callers that share a commit. */
  maxCallers?: number;
  /** A batch that worked this long takes no further callers. */
  maxBatchMs?: number;
  /** Callers beyond this many are turned away as `busy`. */
  maxWaiting?: number;
  /** A caller that works longer, or a lock held longer by another process, is given up. */
  deadlineMs?: number;
  /** Called after each commit of something: whoever shares it is answered once it resolves, and all fail when it rejects. */
  committed?: () => Promise<void>;
  /** Called between batches; the next one waits for what it gives. */
  between?: () => Promise<void> | undefined;
  /** Told how long callers wait, and how many share a commit. */
  measures?: Pick<StoreMeasures, "waited" | "committed">;
}

/** Set up by the SQLite store: opens the session that one caller's work runs in. */
type OpenSession<Session> = (lifetime: Lifetime) => Session;

type Outcome = { value: unknown } | { error: unknown };

interface Caller<Session> {
  work: (session: Session) => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  /** Brings back the caller's own async context (request id, trace), which the shared loop does not have. */
  inOwnContext: <T>(run: () => T) => T;
  outcome: Outcome;
  queuedAt: number;
  /** What it shares, after a batch that it was part of had to be taken back because of one of its callers. */
  caution: Caution;
}

/** `none`: all of a batch. `savepoint`: the commit, but what it writes can be taken back alone. `alone`: not even that. */
type Caution = "none" | "savepoint" | "alone";

/** A caller failed whose writes cannot be taken back without those of the others. */
class Spoiled extends Error {}

/**
 * The only way to write to a SQLite database: callers wait in line, and those who wait together share one
 * commit, because bringing that to the disk costs more than their work. One who fails takes nobody along: most fail before they
 * wrote anything; else the batch is rolled back and runs again with a savepoint for each. Nobody is answered, not even
 * with an error, before the commit: an error may follow from something read that an earlier caller of the same batch
 * wrote.
 */
export class GroupCommit<Session> {
  #waiting: Caller<Session>[] = [];
  #syncing: Promise<void> | undefined;
  /** Something was committed that is not known to be on the disk. */
  #owesSync = false;
  #draining: Promise<void> | undefined;
  #statements;
  #maxCallers;
  #maxBatchMs;
  #maxWaiting;
  #deadlineMs;
  #committed;
  #between;
  #measures;
  #commits = 0;

  constructor(
    private readonly db: Database,
    private readonly openSession: OpenSession<Session>,
    {
      maxCallers = 128,
      maxBatchMs = 20,
      maxWaiting = 10_000,
      deadlineMs = 5_000,
      committed,
      between,
      measures,
    }: GroupCommitOptions,
  ) {
    this.#maxCallers = maxCallers;
    this.#maxBatchMs = maxBatchMs;
    this.#maxWaiting = maxWaiting;
    this.#deadlineMs = deadlineMs;
    this.#committed = committed;
    this.#between = between;
    this.#measures = measures;
    this.#statements = {
      begin: db.prepare("BEGIN IMMEDIATE"),
      commit: db.prepare("COMMIT"),
      rollback: db.prepare("ROLLBACK"),
      savepoint: db.prepare("SAVEPOINT caller"),
      release: db.prepare("RELEASE caller"),
      rollbackTo: db.prepare("ROLLBACK TO caller"),
    };
  }

  /** How many callers are in line for a batch to come. */
  get waiting() {
    return this.#waiting.length;
  }

  /** How many batches that wrote were committed, or may have been. */
  get commits() {
    return this.#commits;
  }

  /**
   * Resolves once all that is committed by now is on the disk, and rejects when that failed; nothing where it is. A sync that failed is
   * tried again: whoever asks may be kept from writing by the answer, and then nobody else would.
   */
  get syncing(): Promise<void> | undefined {
    if (!this.#owesSync) return undefined;
    return this.#syncing ?? this.run(async () => {});
  }

  /**
   * Runs `work`, more than once if another caller spoils its batch, and answers after the commit it shares with others.
   * @throws DbError `busy` when the line is too long or another process keeps the database locked
   */
  run<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#waiting.length >= this.#maxWaiting) return Promise.reject(new DbError("busy"));
    return new Promise<T>((resolve, reject) => {
      const inOwnContext = AsyncLocalStorage.snapshot();
      this.#waiting.push({
        work,
        // What `work` gives is a T: the line only keeps it for its caller.
        resolve: resolve as (value: unknown) => void,
        reject,
        inOwnContext,
        outcome: { error: undefined },
        queuedAt: performance.now(),
        caution: "none",
      });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when nobody is waiting any more. */
  async idle() {
    await this.#draining;
  }

  async #drain() {
    while (this.#waiting.length > 0) {
      // Bun runs each request up to its first real wait before it looks at the next one. Only after all
      // sockets that are ready had their turn is it known who shares the next commit. Costs 1 µs.
      await new Promise<void>((resolve) => setImmediate(resolve));
      await this.#between?.();
      await this.#runBatch();
    }
    this.#draining = undefined;
  }

  async #runBatch() {
    try {
      await this.#begin();
    } catch (error) {
      this.#waiting.shift()!.reject(toDbError(error));
      return;
    }
    const batch: Caller<Session>[] = [];
    let hasWritten = false;
    const startedAt = performance.now();
    try {
      do {
        const caller = this.#waiting.shift()!;
        this.#measures?.waited?.((performance.now() - caller.queuedAt) / second);
        batch.push(caller);
        const turn =
          batch[0]!.caution === "none" ? this.#takeTurn(caller, batch) : this.#takeTurnWithin(caller);
        hasWritten = (await turn).hasWritten || hasWritten;
      } while (this.#hasRoom(batch, startedAt));
      this.#commit(batch, hasWritten);
      if (hasWritten || this.#owesSync) await this.#sync();
    } catch (error) {
      this.#giveUp(batch, error);
      return;
    }
    for (const { outcome, resolve, reject } of batch) {
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.value);
    }
  }

  /** Also who wrote nothing waits for what failed before: they may be answered by what they read of it. */
  #sync(): Promise<void> | undefined {
    if (!this.#committed) return undefined;
    this.#owesSync = true;
    this.#syncing = this.#committed()
      .then(() => void (this.#owesSync = false))
      .finally(() => (this.#syncing = undefined));
    return this.#syncing;
  }

  /** Another process (a backup, a shell) may hold the lock. `busy_timeout` would wait on the event loop. */
  async #begin() {
    const giveUpAt = performance.now() + this.#deadlineMs;
    for (;;) {
      try {
        this.#statements.begin.run();
        return;
      } catch (error) {
        const locked = String((error as { code?: string }).code).startsWith("SQLITE_BUSY");
        if (!locked || performance.now() > giveUpAt) throw error;
        await Bun.sleep(5);
      }
    }
  }

  /** @throws Spoiled when it failed and what it wrote would be committed with the others' */
  async #takeTurn(caller: Caller<Session>, batch: object): Promise<Lifetime> {
    const lifetime = await this.#run(caller, new Lifetime(batch));
    if ("error" in caller.outcome && lifetime.hasWritten && this.db.inTransaction) throw new Spoiled();
    return lifetime;
  }

  async #takeTurnWithin(caller: Caller<Session>): Promise<Lifetime> {
    const { savepoint, release, rollbackTo } = this.#statements;
    savepoint.run();
    const lifetime = await this.#run(caller, new Lifetime());
    // Some errors make SQLite itself end the transaction; `#commit` notices that.
    if ("error" in caller.outcome && this.db.inTransaction) rollbackTo.run();
    if (this.db.inTransaction) release.run();
    return lifetime;
  }

  async #run(caller: Caller<Session>, lifetime: Lifetime): Promise<Lifetime> {
    const work = () => caller.work(this.openSession(lifetime));
    try {
      const value = await caller.inOwnContext(() => runWithin(lifetime, this.#deadlineMs, work));
      caller.outcome = { value };
    } catch (error) {
      caller.outcome = { error: toDbError(error) };
    }
    return lifetime;
  }

  #hasRoom(batch: Caller<Session>[], startedAt: number) {
    const next = this.#waiting[0];
    return (
      next !== undefined &&
      next.caution !== "alone" &&
      batch[0]!.caution !== "alone" &&
      batch.length < this.#maxCallers &&
      performance.now() - startedAt < this.#maxBatchMs &&
      this.db.inTransaction
    );
  }

  #commit(batch: Caller<Session>[], hasWritten: boolean) {
    if (!this.db.inTransaction) {
      const last = batch.at(-1)!.outcome;
      throw "error" in last ? last.error : new Error("SQLite ended the transaction.");
    }
    if (hasWritten) this.#commits++;
    this.#statements.commit.run();
    this.#measures?.committed?.(batch.length);
  }

  /**
   * The whole batch is lost, be it for one caller's fault: one who failed after writing, or who broke a constraint (a
   * deferred one at COMMIT, or a trigger that rolls everything back). Then they run again, more cautiously, and only that
   * one fails. A disk that is full or broken concerns everybody.
   */
  #giveUp(batch: Caller<Session>[], error: unknown) {
    try {
      if (this.db.inTransaction) this.#statements.rollback.run();
    } catch {
      // Then the next BEGIN fails too and tells its caller.
    }
    if (error instanceof Spoiled) this.#retry(withoutHung(batch), "savepoint");
    else if (batch.length > 1 && isConstraintError(error)) this.#retry(batch, "alone");
    else for (const { reject } of batch) reject(toDbError(error));
  }

  #retry(callers: Caller<Session>[], caution: Caution) {
    for (const caller of callers) caller.caution = caution;
    this.#waiting.unshift(...callers);
  }
}

/** Whoever ran out of time last is told so now: to wait for them once more would double what the others wait. */
function withoutHung<Session>(batch: Caller<Session>[]): Caller<Session>[] {
  const { outcome, reject } = batch.at(-1)!;
  if (!("error" in outcome && outcome.error instanceof DbError && outcome.error.kind === "deadline"))
    return batch;
  reject(outcome.error);
  return batch.slice(0, -1);
}

function isConstraintError(error: unknown) {
  for (let e = error as { code?: string; cause?: unknown } | undefined; e; e = e.cause as typeof e) {
    if (e.code?.startsWith("SQLITE_CONSTRAINT")) return true;
  }
  return false;
}
