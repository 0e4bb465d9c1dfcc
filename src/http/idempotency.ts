import { and, eq, lt } from "drizzle-orm";
import { minute, monotonic, now } from "../clock";
import { hot, type Params } from "../db/hot";
import { DbError } from "../db/errors";
import { insertInto, type RowOf } from "../db/rows";
import type { Session, Store } from "../db/store";
import { Conflict, Refusal } from "../errors";
import { newId } from "../ids";
import type { Answer } from "./answer";
import type { Seal } from "./seal";

/** A POST that may come twice: who sent it, where to, under which key, with which body. */
export interface Attempt {
  userId: string;
  method: string;
  path: string;
  key: string;
  body: string;
}

/** The first answer, as it went out. */
export interface KeptAnswer extends Answer {
  /** JSON, or `null` for an empty body. */
  body: string | null;
}

/** Thrown to answer as before: the attempt is not made again. */
export class Replay extends Error {
  constructor(
    readonly status: number,
    readonly headers: Record<string, string>,
    readonly body: string | null,
  ) {
    super("replay");
  }
}

type Scope = Pick<RowOf<"idempotency_keys">, "user_id" | "method" | "path" | "key">;

const keptAnswer = hot(({ t: { idempotency_keys: k }, q }, p: Params<Scope>) =>
  q
    .select()
    .from(k)
    .where(and(eq(k.user_id, p.user_id), eq(k.method, p.method), eq(k.path, p.path), eq(k.key, p.key)))
    .limit(1),
);

const forgetBefore = hot(
  ({ t: { idempotency_keys: k }, q }, p: Params<{ user_id: string; before: number }>) =>
    q
      .delete(k)
      .where(and(eq(k.user_id, p.user_id), lt(k.created_at, p.before)))
      .returning({ id: k.id }),
);

const keepRow = insertInto("idempotency_keys");

/**
 * Answers the same POST once: what was answered first is kept in the write's own transaction and given again.
 * Two at once on one process: the second is refused. On two processes the unique index decides: the second's
 * transaction fails as a whole, and its caller gets what the first was answered.
 */
export class Idempotency {
  /** The attempts that this process works on, with the `monotonic` time they began. */
  readonly #running = new Map<string, number>();

  constructor(
    private readonly store: Store,
    private readonly seal: Seal,
    private readonly keepMs: number,
  ) {}

  /**
   * Gives the kept answer, or takes the attempt on; then `release` must follow.
   * @throws Refusal 422 when the key was used with another body, 409 while the first attempt still runs, and when
   * what was kept can no longer be read
   */
  async begin(attempt: Attempt): Promise<KeptAnswer | undefined> {
    const name = nameOf(attempt);
    const startedAt = this.#running.get(name);
    if (startedAt !== undefined && monotonic() - startedAt < abandonedMs) throw stillRunning();
    this.#running.set(name, monotonic());
    try {
      const kept = await this.#find(attempt);
      if (kept) this.#running.delete(name);
      return kept;
    } catch (error) {
      this.#running.delete(name);
      throw error;
    }
  }

  /** Keeps the answer, in the transaction that `session` belongs to. */
  async keep(session: Session, attempt: Attempt, answer: KeptAnswer, secret: boolean): Promise<void> {
    const { userId, method, path, key } = attempt;
    const created_at = now();
    await forgetBefore.all(session, { user_id: userId, before: created_at - this.keepMs });
    const body = answer.body !== null && secret ? this.seal.close(answer.body) : answer.body;
    const { status, headers } = answer;
    await keepRow.all(session, {
      ...{ id: newId(), user_id: userId, method, path, key, body_hash: this.seal.digest(attempt.body) },
      ...{ status, headers: secret ? { ...headers, [sealed]: "1" } : headers, body, created_at },
    });
  }

  /**
   * Keeps a refusal: there is no write whose transaction it could share. Where another process was first, the
   * refusal is most often of that one's making, and what that one answered is given back instead.
   * @throws Refusal 422 when the other process was asked with another body
   */
  async keepRefusal(attempt: Attempt, answer: KeptAnswer): Promise<KeptAnswer | undefined> {
    try {
      await this.store.tx((session) => this.keep(session, attempt, answer, false));
      return undefined;
    } catch (error) {
      if (!(error instanceof DbError && error.kind === "unique")) throw error;
      return this.#find(attempt);
    }
  }

  /** The call's attempt, if it made one, is over. Before the answer goes out: whoever has it may ask again at once. */
  release(call: { attempt: Attempt | null }): void {
    if (call.attempt) this.#running.delete(nameOf(call.attempt));
    call.attempt = null;
  }

  async #find({ userId, method, path, key, body: sent }: Attempt): Promise<KeptAnswer | undefined> {
    const row = await keptAnswer.first(this.store.durable, { user_id: userId, method, path, key });
    if (!row || row.created_at < now() - this.keepMs) return undefined;
    const isSame = this.seal.recognises(row.body_hash, sent);
    if (isSame === undefined) throw unreadable();
    if (!isSame) throw otherBody();
    const { [sealed]: isSealed, ...headers } = row.headers;
    const body = isSealed && row.body !== null ? this.#unseal(row.body) : row.body;
    return { status: row.status, headers, body };
  }

  #unseal(text: string): string {
    try {
      return this.seal.open(text);
    } catch (cause) {
      throw unreadable(cause);
    }
  }
}

/** Nothing runs for minutes: an attempt that old was left behind. */
const abandonedMs = 5 * minute;
/** The header that marks a kept answer as sealed; it never goes out. */
const sealed = "neocrm-sealed";
const nameOf = ({ userId, method, path, key }: Attempt) => `${userId} ${method} ${path} ${key}`;

const stillRunning = () =>
  new Conflict(
    "idempotency_in_progress",
    "The first request with this Idempotency-Key still runs. Ask again soon.",
  );

/** The secret of then is no longer known. Doing it all again would be worse than saying so. */
const unreadable = (cause?: unknown) =>
  new Refusal(
    "conflict",
    "idempotency_unreadable",
    "The first answer to this Idempotency-Key can no longer be read: look whether it was done.",
    { cause },
  );

const otherBody = () =>
  new Refusal("invalid", "idempotency_mismatch", "This Idempotency-Key was used with another body.", {
    errors: [{ field: "Idempotency-Key", code: "reused", message: "was used with another body" }],
  });

/**
 * Reads the key: 1 to 255 visible characters.
 * @throws Refusal 400 when it is malformed
 */
export function readIdempotencyKey(header: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(header)) return header;
  const detail = "An Idempotency-Key has 1 to 255 visible ASCII characters.";
  throw new Refusal("malformed", "invalid_idempotency_key", detail);
}
