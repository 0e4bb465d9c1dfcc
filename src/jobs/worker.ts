import { now, second } from "../clock";
import type { Session, Store } from "../db/store";
import { newId } from "../ids";
import { logOf } from "../ops/logging";
import { Pulse } from "../pulse";
import { Attempt, type JobMeasures, type OnEnd } from "./attempt";
import type { JobKind, JobRow } from "./job";
import { Shares } from "./shares";
import { dueJobs, leaseJobs, pullBackAhead, renewLeases, somethingDue, takeBackLapsed } from "./store";

const log = logOf("jobs");

/** What can be chosen; the defaults suit a server. */
export interface WorkerOptions {
  store: Store;
  kinds: readonly JobKind[];
  /** Told within the transaction that ends a job that somebody waits for. */
  onEnd?: OnEnd;
  measures?: JobMeasures;
  /** Jobs that run at once in this process. */
  concurrency?: number;
  /** Milliseconds that a job belongs to a process that is silent. */
  leaseMs?: number;
  /** Milliseconds after which it looks by itself for what is due. */
  pollMs?: number;
  /** No other process does jobs of this store: what was under way when it starts is nobody's, and waits for no lease. */
  isAlone?: boolean;
}

const readCommitted = { isolation: "read committed" } as const;
/** After the end of every lease. */
const forever = Number.MAX_SAFE_INTEGER;
const unmeasured: JobMeasures = { jobBegan() {}, jobEnded() {} };
const usual = {
  onEnd: async () => {},
  measures: unmeasured,
  concurrency: 4,
  leaseMs: 30 * second,
  pollMs: second,
  isAlone: false,
};

/**
 * Does the jobs of the queue, as many at once as it may. A job belongs to the process that leased it until the lease is
 * over; one whose process died is done elsewhere.
 */
export class Worker {
  readonly #options;
  readonly #kinds: ReadonlyMap<string, JobKind>;
  readonly #running = new Set<Attempt>();
  readonly #leasing: Pulse;
  readonly #renewing: Pulse;
  #hasLeft: boolean;

  constructor(options: WorkerOptions) {
    this.#options = { ...usual, ...options };
    this.#hasLeft = this.#options.isAlone;
    this.#kinds = new Map(options.kinds.map((kind) => [kind.name, kind]));
    const { pollMs, leaseMs } = this.#options;
    this.#leasing = new Pulse({
      module: "jobs",
      failure: "Jobs could not be leased",
      ...{ work: () => this.#leaseNext(), everyMs: pollMs },
    });
    this.#renewing = new Pulse({
      module: "jobs",
      failure: "The leases of jobs could not be renewed",
      ...{ work: () => this.#renew(), everyMs: leaseMs / 3 },
    });
  }

  /** Jobs under way here. */
  get running(): number {
    return this.#running.size;
  }

  /** From here on it takes jobs. */
  start(): void {
    this.#leasing.start();
    this.#renewing.start();
  }

  /** A job was added. */
  nudge(): void {
    this.#leasing.nudge();
  }

  /** A job was cancelled: whether it is one of those under way here, their leases tell. */
  checkLeases(): void {
    this.#renewing.nudge();
  }

  /**
   * Takes no further jobs and asks those under way to end; those that have not when the grace time is over are given
   * back, and done once more elsewhere.
   */
  async close(graceMs = 0): Promise<void> {
    await this.#leasing.close();
    for (const attempt of this.#running) attempt.stop();
    const all = Promise.all([...this.#running].map(({ over }) => over));
    await Promise.race([all, Bun.sleep(graceMs)]);
    await this.#renewing.close();
    for (const attempt of this.#running) {
      await attempt
        .giveBack()
        .catch((error: unknown) => log.error("A job could not be given back", { error }));
    }
  }

  async #leaseNext(): Promise<number | void> {
    const { store, concurrency } = this.#options;
    const free = concurrency - this.#running.size;
    if (free <= 0 || this.#kinds.size === 0) return undefined;
    if (this.#hasLeft) {
      await store.tx((session) => takeBackLapsed.all(session, { now: forever }), readCommitted);
      this.#hasLeft = false;
    }
    const kinds = JSON.stringify([...this.#kinds.keys()]);
    const wanted = { kinds, now: now(), ...this.#shares().left };
    if (!(await somethingDue.first(store.read, wanted))) return undefined;
    const leased = await store.tx((session) => this.#lease(session, kinds, free), readCommitted);
    for (const row of leased) this.#begin(row);
    return undefined;
  }

  /** What somebody asked for waits where others have not had their share: what is due behind it is looked for then. */
  async #lease(session: Session, kinds: string, free: number): Promise<JobRow[]> {
    const [at, shares] = [now(), this.#shares()];
    const leased: JobRow[] = [];
    await takeBackLapsed.all(session, { now: at });
    await pullBackAhead.all(session, { now: at });
    for (;;) {
      const limit = free - leased.length;
      const due = await dueJobs.all(session, { kinds, now: at, ...shares.left, limit });
      const ids = due.filter(({ created_by }) => shares.take(created_by)).map(({ id }) => id);
      if (ids.length === 0) return leased;
      const lease = { lease_id: newId(), leased_until: at + this.#options.leaseMs };
      const rows = await leaseJobs.all(session, { ids: JSON.stringify(ids), ...lease });
      leased.push(...rows.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id)));
      if (ids.length === due.length) return leased;
    }
  }

  #shares(): Shares {
    const shares = new Shares(this.#options.concurrency);
    for (const { createdBy } of this.#running) shares.take(createdBy);
    return shares;
  }

  #begin(row: JobRow): void {
    const attempt = new Attempt(this.#options.store, this.#kinds.get(row.kind)!, row, this.#options);
    this.#running.add(attempt);
    void attempt.over.finally(() => {
      this.#running.delete(attempt);
      this.#leasing.nudge();
    });
  }

  async #renew(): Promise<void> {
    const running = [...this.#running];
    if (running.length === 0) return;
    const { store, leaseMs } = this.#options;
    const leases = running.map(({ lease }) => lease);
    const held = await store.tx(
      (session) =>
        renewLeases.all(session, {
          ids: JSON.stringify(leases.map(({ id }) => id)),
          leases: JSON.stringify([...new Set(leases.map(({ lease_id }) => lease_id))]),
          leased_until: now() + leaseMs,
        }),
      readCommitted,
    );
    const names = new Set(held.map(({ id, lease_id }) => `${id} ${lease_id}`));
    for (const attempt of running)
      if (!names.has(`${attempt.lease.id} ${attempt.lease.lease_id}`)) attempt.lose();
  }
}
