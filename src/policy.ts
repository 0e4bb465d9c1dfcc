/** Who asks, and what their role allows. Each feature's `policy.ts` decides with this, and nothing else does. */
import type { Session } from "./db/store";

/** How far a grant reaches: to the actor's own records, or to all. */
export type Scope = "own" | "all";

/** `resource.action` → how far. What is absent is not allowed. */
export type Grants = Readonly<Record<string, Scope>>;

/** Who acts. Two actors are compared by kind and id: a share link and a user can have the same id. */
export interface Actor {
  readonly kind: "user" | "share" | "system";
  readonly userId: string | null;
  readonly sessionId: string | null;
  /** The account's `auth_version` when the tables were asked; those without an account have none. */
  readonly authVersion?: number;
  readonly grants: Grants;
  /** IANA name: what `today` means to them. */
  readonly timeZone: string;
  /** Recorded with everything they do. */
  readonly requestId: string;
  /** The job that they act in: recorded with what it does, so that it can be undone. */
  readonly jobId?: string;
  /**
   * Set when the caller gave an `Idempotency-Key`: keeps the answer that `result` leads to, in the transaction
   * that made it. `write` calls it.
   */
  readonly keepAnswer?: (session: Session, result: unknown) => Promise<void>;
}

/** What a token says about its bearer: an actor without a request. */
export type Identity = Omit<Actor, "requestId">;

/** What every route declares: a grant, or `public`, or `signed-in` for what concerns nobody but the caller. */
export type Permission = "public" | "signed-in" | `${string}.${string}`;

/** The server itself, or whoever runs its command line. Holds no grants: what it does is written out in code. */
export const systemActor = (requestId: string): Actor => ({
  kind: "system",
  userId: null,
  sessionId: null,
  grants: {},
  timeZone: "UTC",
  requestId,
});

/** How far the actor's grant for `permission` reaches, or `undefined` without one. */
export const scopeOf = (actor: Actor, permission: string): Scope | undefined => actor.grants[permission];

/** Whether `actor` is the user with this id. */
export const isUser = (actor: Actor, userId: string | null) =>
  actor.kind === "user" && userId !== null && actor.userId === userId;
