import { monotonic, second } from "../clock";
import type { Store } from "../db/store";
import { Busy, TooMany } from "../errors";
import type { Bus } from "../integrations/bus/bus";
import { logOf } from "../ops/logging";
import type { Actor, Identity } from "../policy";
import type { Connection, Outlet } from "./connection";
import { closing, Closing, frameOf, resyncFrame, type CloseCode } from "./frames";
import { Hints, type RefusedTopic, type SeesJob, type Watched } from "./hints";
import { deliver, standingOf, type Delivered } from "./notifications";
import { Wakes } from "./wakes";

const log = logOf("realtime");

/** What the hub needs from the server. */
export interface HubOptions {
  store: Store;
  bus: Bus;
  /** Whom an actor is by the tables as they are now; a text says why nobody. */
  admit(actor: Actor): Promise<Identity | string>;
  /** Whether an actor sees how far a job is. */
  sees: SeesJob;
  /** The kinds of records that can be watched, by entity type. */
  kinds: ReadonlyMap<string, Watched>;
  limits: () => { connections: number; perUser: number };
  /** Told of each notification that went to somebody. */
  measure: Delivered;
}

/** Bells may be lost: everything is looked at again after so long. */
const believedMs = 30 * second;
const beatMs = 25 * second;
const silenceMs = 60 * second;

/** Reads that go on at once: reading for thousands must not take every connection to the database. */
const mostReading = 4;
/** Users whose notifications are read together: for a hundred that takes little longer than for ten. */
const togetherAtMost = 100;

const jobBell = "job:";
const userTopic = /^(notify|user):(.+)$/;

/** Everybody who listens to this process. Says what happens to them, as the tables have it; the bus only wakes it. */
export class Hub {
  readonly #users = new Map<string, Set<Connection>>();
  readonly #hints: Hints;
  readonly #notifying: Wakes;
  readonly #checking: Wakes;
  readonly #telling: Wakes;
  readonly #watching: Wakes;
  readonly #timer: ReturnType<typeof setInterval>;
  /** When each user is looked at again, in `monotonic` time. */
  readonly #dueAt = new Map<string, number>();
  #tellAgainAt = 0;
  /** Whoever has a place, signed in or not. */
  readonly #held = new Set<Outlet>();
  #isClosed = false;

  constructor(private readonly options: HubOptions) {
    const { store, bus, kinds, sees, measure } = options;
    this.#hints = new Hints(store.durable, kinds, sees);
    this.#notifying = new Wakes(mostReading, togetherAtMost, (userIds) =>
      deliver(store.durable, this.#ofAll(userIds), measure),
    );
    this.#checking = new Wakes(mostReading, 1, ([userId]) => this.#check(userId!));
    this.#telling = new Wakes(1, 1, () => this.#hints.tell());
    this.#watching = new Wakes(1, 1, ([jobId]) => this.#hints.tellOfJob(jobId!));
    bus.onRing((topic) => this.#heard(topic));
    bus.onGap(() => this.#lookAtAll());
    this.#timer = setInterval(() => this.#tick(), second);
    this.#timer.unref();
  }

  /** Connections there are, signed in or not. */
  get size(): number {
    return this.#held.size;
  }

  /** Takes a place for a connection, until it leaves. @throws Busy when there is none */
  hold(outlet: Outlet): void {
    if (this.#isClosed) throw new Busy("The server is stopping.");
    if (this.#held.size >= this.options.limits().connections) {
      throw new Busy("The server has as many connections as it takes.", 5 * second);
    }
    this.#held.add(outlet);
  }

  /** Gives back the place of a connection that never signed in. */
  release(outlet: Outlet): void {
    this.#held.delete(outlet);
  }

  /** @throws TooMany when the user has as many connections as one may have */
  assertRoomFor(userId: string): void {
    if (this.#of(userId).size < this.options.limits().perUser) return;
    throw new TooMany("too_many_connections", "You have as many connections as one may have.", 5 * second);
  }

  /**
   * Lets somebody listen: tells them where they stand, then what they missed after `after`.
   * @throws TooMany as `assertRoomFor` does
   * @throws Closing when they are not who they were any more
   */
  async join(connection: Connection, after: number | null): Promise<void> {
    const { userId } = connection;
    this.assertRoomFor(userId);
    this.#add(connection);
    // Whoever is closed out from now on is found here; whoever was before is not let in by the tables.
    await this.#admit(connection);
    const { read } = this.options.store;
    const { last, position, isLost } = await standingOf(read, userId, after);
    if (connection.isClosed) return;
    connection.position = position;
    connection.isReady = true;
    log.debug("Somebody listens", { user: userId, after, connections: this.size });
    // Also where they begin: who is broken off before anything came goes on from there.
    connection.send(frameOf("ready", { user_id: userId, last_id: last }), position);
    if (isLost) connection.send(resyncFrame);
    this.#notifying.wake(userId);
  }

  /** Ends a connection that joined, or tried to. */
  leave(connection: Connection): void {
    if (connection.isClosed) return;
    connection.isClosed = true;
    this.release(connection.outlet);
    log.debug("Somebody listens no more", { user: connection.userId, connections: this.size });
    this.#hints.unsubscribe(connection, [...connection.topics]);
    const others = this.#users.get(connection.userId);
    others?.delete(connection);
    if (others?.size !== 0) return;
    this.#users.delete(connection.userId);
    this.#dueAt.delete(connection.userId);
  }

  subscribe(connection: Connection, topics: readonly string[]): Promise<RefusedTopic[]> {
    return this.#hints.subscribe(connection, topics);
  }

  /** What ends somebody's tokens happened here: whoever is not let in any more goes, whether or not a bell rings. */
  recheck(userId: string): void {
    if (this.#users.has(userId)) this.#checking.wake(userId);
  }

  unsubscribe(connection: Connection, topics: readonly string[]): void {
    this.#hints.unsubscribe(connection, topics);
  }

  /** A slow reader took what waited for it. */
  drained(connection: Connection): void {
    connection.caughtUp();
    this.#notifying.wake(connection.userId);
  }

  /** Closes every connection and resolves once nothing is read for them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const outlet of this.#held) outlet.close(closing.goingAway, "The server is stopping.");
    await Promise.all(
      [this.#notifying, this.#checking, this.#telling, this.#watching].map((wakes) => wakes.close()),
    );
  }

  #of(userId: string): ReadonlySet<Connection> {
    return this.#users.get(userId) ?? nobody;
  }

  #ofAll(userIds: readonly string[]): Connection[] {
    return userIds.flatMap((userId) => [...this.#of(userId)]);
  }

  #all(): Connection[] {
    return this.#ofAll([...this.#users.keys()]);
  }

  #add(connection: Connection): void {
    const { userId } = connection;
    const others = this.#users.get(userId);
    if (others) others.add(connection);
    else {
      this.#users.set(userId, new Set([connection]));
      this.#dueAt.set(userId, monotonic() + believedMs);
    }
  }

  #heard(topic: string): void {
    if (topic === "events") return this.#telling.wake("");
    if (topic.startsWith(jobBell)) return this.#watching.wake(topic.slice(jobBell.length));
    const [, bell, userId] = userTopic.exec(topic) ?? [];
    if (userId === undefined || !this.#users.has(userId)) return;
    (bell === "notify" ? this.#notifying : this.#checking).wake(userId);
  }

  /** @throws Closing when they are not who they were any more */
  async #admit(connection: Connection): Promise<void> {
    const identity = await this.options.admit(connection.actor);
    if (typeof identity === "string") throw new Closing(closing.unauthenticated, identity);
    connection.actor = { ...identity, requestId: connection.actor.requestId };
  }

  async #check(userId: string): Promise<void> {
    for (const connection of this.#of(userId)) {
      try {
        await this.#admit(connection);
      } catch (error) {
        if (!(error instanceof Closing)) throw error;
        this.#end(connection, error.code, error.message);
      }
    }
  }

  #end(connection: Connection, code: CloseCode, reason: string): void {
    this.leave(connection);
    connection.outlet.close(code, reason);
  }

  #lookAtAll(): void {
    for (const userId of this.#users.keys()) this.#lookAt(userId);
    this.#telling.wake("");
  }

  #lookAt(userId: string): void {
    this.#checking.wake(userId);
    this.#notifying.wake(userId);
  }

  #tick(): void {
    const time = monotonic();
    for (const connection of this.#all()) this.#beat(connection, time);
    if (this.options.bus.isDeaf) for (const userId of this.#users.keys()) this.#checking.wake(userId);
    for (const [userId, at] of this.#dueAt) {
      if (at > time) continue;
      this.#dueAt.set(userId, time + believedMs);
      this.#lookAt(userId);
    }
    if (time < this.#tellAgainAt) return;
    this.#tellAgainAt = time + believedMs;
    this.#telling.wake("");
  }

  #beat(connection: Connection, time: number): void {
    if (time - connection.heardAt >= silenceMs) {
      this.#end(connection, closing.silent, "Nothing was heard for 60 seconds.");
    } else if (time - connection.beatAt >= beatMs) {
      connection.beatAt = time;
      connection.outlet.beat();
    }
  }
}

const nobody: ReadonlySet<Connection> = new Set();

/** The code and the words that a failure closes a connection with; what nobody foresaw goes to the log. */
export function closingOf(error: unknown): Closing {
  if (error instanceof Closing) return error;
  if (error instanceof TooMany) return new Closing(closing.tooMany, error.message);
  if (error instanceof Busy) return new Closing(closing.full, error.message);
  log.warn("A connection was closed by a failure", { error });
  return new Closing(closing.fault, "Something went wrong on the server. Connect again.");
}
