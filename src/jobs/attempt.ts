import { monotonic, now, second } from "../clock";
import { tellAfterCommit } from "../db/after-commit";
import type { Session, Store } from "../db/store";
import { Refusal } from "../errors";
import { logOf } from "../ops/logging";
import type { JobOutcome } from "../ops/metrics/work";
import { redactText } from "../ops/redact";
import { GiveUp, TryAgain, type JobKind, type JobRow, type Progress, type RunningJob } from "./job";
import { jobTopic } from "./queue";
import { endLease, writeProgress, type Ending, type Lease } from "./store";

const log = logOf("jobs");

/** The job belongs to somebody else by now, or to nobody. */
class LeaseLost extends Error {
  override name = "LeaseLost";

  constructor() {
    super("The lease of this job is lost.");
  }
}

const longestError = 500;
const readCommitted = { isolation: "read committed" } as const;

/** Told within the transaction that ends a job for good, of those that somebody waits for. */
export type OnEnd = (
  session: Session,
  row: JobRow,
  kind: JobKind,
  state: "succeeded" | "failed",
) => Promise<void>;

/** Told how long jobs waited and took, in seconds. */
export interface JobMeasures {
  jobBegan(kind: string, seconds: number): void;
  jobEnded(kind: string, outcome: JobOutcome, seconds: number): void;
}

/** How often whoever watches a job is told how far it is. */
const tellMs = 500;

/** One attempt at one job, under a lease. */
export class Attempt {
  readonly lease: Lease;
  /** Resolves when there is nothing more to do for it. Never rejects. */
  readonly over: Promise<void>;
  readonly #abort = new AbortController();
  #isEnded = false;
  #outcome: JobOutcome | undefined;
  #isStopped = false;
  /** How often it was tried since it last got further, this time included. */
  #attempts: number;
  #first: { done: number; at: number } | undefined;
  #toldAt = -Infinity;

  constructor(
    private readonly store: Store,
    private readonly kind: JobKind,
    private readonly row: JobRow,
    private readonly told: { onEnd: OnEnd; measures: JobMeasures },
  ) {
    this.lease = { id: row.id, lease_id: row.lease_id! };
    this.#attempts = row.attempts;
    this.over = this.#measured().catch((error: unknown) => {
      // The lease will be over by itself, and somebody else goes on.
      log.error("A job could not be ended", { error, job: row.id, kind: kind.name });
    });
  }

  /** Whoever asked for it. */
  get createdBy(): string | null {
    return this.row.created_by;
  }

  /** The lease is gone: whatever it still does is in vain. */
  lose(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#abort.abort(new LeaseLost());
  }

  /** The server stops: asks the job to end, after which somebody else may have it. */
  stop(): void {
    this.#isStopped = true;
    this.#abort.abort(new Error("The server stops."));
  }

  /** Gives the job back as if this attempt had not been. */
  async giveBack(): Promise<void> {
    await this.#end({ state: "queued", attempts: this.#attempts - 1, error: this.row.error });
  }

  async #measured(): Promise<void> {
    const { kind, row, told } = this;
    const startedAt = monotonic();
    told.measures.jobBegan(kind.name, (now() - row.run_at) / second);
    await this.#run();
    if (this.#outcome) told.measures.jobEnded(kind.name, this.#outcome, (monotonic() - startedAt) / second);
  }

  async #run(): Promise<void> {
    const { row, kind } = this;
    if (row.attempts > kind.attempts) {
      await this.#fail("Each process that ran it ended before it was done.");
      return;
    }
    try {
      await kind.run(this.#job());
    } catch (error) {
      await this.#failed(error);
      return;
    }
    await this.#end(this.#done());
  }

  #job(): RunningJob {
    const { row, store, lease } = this;
    return {
      ...{ id: row.id, payload: row.payload, attempt: row.attempts, createdBy: row.created_by },
      signal: this.#abort.signal,
      reached: row.progress ?? {},
      progress: (counts) =>
        this.#held(store.tx((session) => this.#write(session, counts, this.#attempts), readCommitted)),
      advance: async (work) => {
        const further = store.tx(async (session) => {
          const counts = await work(session);
          const attempts = this.#isFurther(counts) ? 1 : this.#attempts;
          await this.#write(session, counts, attempts);
          return { counts, attempts };
        });
        const { counts, attempts } = await this.#held(further);
        this.#attempts = attempts;
        return counts;
      },
      finish: async (work) => {
        await store.tx(async (session) => {
          if (!(await endLease.first(session, { ...lease, ...this.#done() }))) throw new LeaseLost();
          await work(session);
          await this.#tellEnd(session, "succeeded");
        });
        this.#isEnded = true;
        this.#outcome = "succeeded";
      },
    };
  }

  /** What needs the lease. Where it turns out to be lost, whatever else the job does ends, too. */
  async #held<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof LeaseLost) this.lose();
      throw error;
    }
  }

  /** Whether more is done than when this attempt began: what failed before it no longer counts. */
  #isFurther({ done }: Progress): boolean {
    return Number(done ?? 0) > Number(this.row.progress?.["done"] ?? 0);
  }

  async #write(session: Session, counts: Progress, attempts: number): Promise<void> {
    const progress = { ...counts, ...this.#rate(counts) };
    if (!(await writeProgress.first(session, { ...this.lease, attempts, progress }))) throw new LeaseLost();
    if (!this.kind.waitedForAs || monotonic() - this.#toldAt < tellMs) return;
    this.#toldAt = monotonic();
    tellAfterCommit(session, jobTopic(this.row.id));
  }

  async #tellEnd(session: Session, state: "succeeded" | "failed"): Promise<void> {
    if (!this.kind.waitedForAs) return;
    await this.told.onEnd(session, this.row, this.kind, state);
    tellAfterCommit(session, jobTopic(this.row.id));
  }

  /** What is done in a second, since the first count of this attempt: an earlier one may have done some of it. */
  #rate({ done }: Progress): { rate?: number } {
    if (typeof done !== "number") return {};
    this.#first ??= { done, at: monotonic() };
    const seconds = (monotonic() - this.#first.at) / second;
    const since = done - this.#first.done;
    return seconds > 0 && since > 0 ? { rate: Math.round((since / seconds) * 10) / 10 } : {};
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#isEnded || error instanceof LeaseLost) return;
    const { row, kind } = this;
    if (this.#isStopped) {
      await this.giveBack();
      return;
    }
    log.warn("A job failed", { error, job: row.id, kind: kind.name, attempt: this.#attempts });
    if (error instanceof GiveUp || this.#attempts >= kind.attempts) {
      await this.#fail(reason(error));
      return;
    }
    const pauseMs = kind.backoff(this.#attempts) * jitter();
    await this.#end({ state: "queued", run_at: Math.round(now() + pauseMs), error: reason(error) });
  }

  #done() {
    const { run_at } = this.row;
    return { state: "succeeded", attempts: this.#attempts, run_at, error: null, finished_at: now() } as const;
  }

  #fail(error: string): Promise<void> {
    return this.#end({ state: "failed", error, finished_at: now() });
  }

  /** Nothing happens when the lease is lost: the job is somebody else's. */
  async #end(ending: Pick<Ending, "state"> & Partial<Ending>): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const whole = {
      ...this.lease,
      attempts: this.#attempts,
      run_at: now(),
      error: null,
      finished_at: null,
      ...ending,
    };
    await this.store.tx(async (session) => {
      if (!(await endLease.first(session, whole))) return;
      if (whole.state === "succeeded" || whole.state === "failed") await this.#tellEnd(session, whole.state);
    }, readCommitted);
    const { row, kind } = this;
    this.#outcome = outcomes[whole.state as keyof typeof outcomes];
    log.debug("A job was left", {
      job: row.id,
      kind: kind.name,
      attempt: this.#attempts,
      state: whole.state,
    });
  }
}

/** How an attempt ended, by what becomes of its job. */
const outcomes = { queued: "again", succeeded: "succeeded", failed: "failed" } as const;

/** Many jobs that failed together do not come back together. */
const jitter = () => 0.75 + Math.random() / 2;

/** What whoever may see the job is told. Other errors may show paths and statements. */
function reason(error: unknown): string {
  const isMeant = error instanceof GiveUp || error instanceof TryAgain || error instanceof Refusal;
  if (!isMeant) return "It failed unexpectedly. The server's log says why, under the job's id.";
  return redactText(error.message).slice(0, longestError);
}
