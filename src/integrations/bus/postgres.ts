import { SQL } from "bun";
import { monotonic, second } from "../../clock";
import { newId } from "../../ids";
import { presenceSql } from "../../db/migrate.postgres";
import { logOf } from "../../ops/logging";
import { assertTopic, Listeners, type Bus } from "./bus";

const log = logOf("bus");

/** What can be chosen for the bus; the defaults suit a server. */
export interface PostgresBusOptions {
  /** Milliseconds of silence after which a connection counts as dead. Heartbeats are five times as frequent. */
  silenceMs?: number;
  /** Milliseconds to wait for a connection, and at the start for the first heartbeat. */
  connectMs?: number;
  /** Buses hear each other on one channel of one database. */
  channel?: string;
}

/** The channel of the bus, first parameter of `ringSql`. */
export const busChannel = "neocrm_ring";

/**
 * Rings inside a transaction: `[busChannel, topic]`, delivered when it commits and not at all when it rolls
 * back. PostgreSQL lets only one such transaction commit at a time in the whole server, so keep it out of
 * busy ones.
 */
export const ringSql = "select pg_notify($1, $2)";

const ringManySql =
  "select pg_notify($1, topic) from json_array_elements_text($2::text::json) as topics(topic)";

/** Topics that may wait while the server does not answer. Whoever misses more hears of a gap then anyway. */
const mostPending = 10_000;

/**
 * A bus over LISTEN and NOTIFY. Its connection also tells `migrate down` that a server is there. Needs a direct connection: a pooler that hands out transactions loses LISTEN.
 */
export function postgresBus(url: string, options: PostgresBusOptions = {}): Bus {
  return new PostgresBus(url, {
    silenceMs: 5 * second,
    connectMs: 5 * second,
    channel: busChannel,
    ...options,
  });
}

class PostgresBus implements Bus {
  readonly #rings = new Listeners<[topic: string]>();
  readonly #gaps = new Listeners<[]>();
  /** Its own channel, so that a heartbeat wakes no other instance and is no topic. */
  readonly #heartChannel = `neocrm_heart_${newId()}`;
  #client: SQL | undefined;
  #isClosed = false;
  /** Resolves at close(), so that nothing that waits outlives it. */
  readonly #end = Promise.withResolvers<void>();
  #reconnecting: Promise<void> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  /** When the heartbeat went out that is not heard yet, in `monotonic` time: TCP may take minutes to say that a connection is dead. */
  #beatAt: number | undefined;
  #onHeard: () => void = () => {};
  #pending = new Set<string>();
  #sending: Promise<void> | undefined;

  constructor(
    private readonly url: string,
    private readonly options: Required<PostgresBusOptions>,
  ) {}

  onRing(listener: (topic: string) => void) {
    this.#rings.add(listener);
  }

  onGap(listener: () => void) {
    this.#gaps.add(listener);
  }

  get isDeaf() {
    return this.#client === undefined || this.#silentMs >= this.#beatMs;
  }

  async start() {
    await this.#connect();
    if (this.#isClosed) return;
    this.#heartbeat = setInterval(() => this.#beat(), this.#beatMs);
  }

  async ring(topic: string) {
    assertTopic(topic);
    if (this.#isClosed || this.#pending.size >= mostPending) return;
    this.#pending.add(topic);
    // What is rung while a batch is under way goes out with the next one, each topic once.
    await this.#sending;
    await (this.#sending ??= this.#sendPending().finally(() => (this.#sending = undefined)));
  }

  async close() {
    this.#isClosed = true;
    clearInterval(this.#heartbeat);
    this.#end.resolve();
    await Promise.all([this.#reconnecting, this.#discard(this.#client)]);
  }

  async #connect() {
    const client = new SQL({
      url: this.url,
      max: 1,
      connectionTimeout: this.options.connectMs / second,
      connection: { application_name: "neocrm bus" },
    });
    try {
      await this.#within(this.#listen(client));
    } catch (error) {
      await this.#discard(client);
      throw error;
    }
    this.#client = client;
    // close() may have come meanwhile and has not seen this client.
    if (this.#isClosed) await this.#discard(client);
  }

  async #listen(client: SQL) {
    let times = 0;
    const isCurrent = () => !this.#isClosed && (this.#client === undefined || this.#client === client);
    await client.listen(
      this.options.channel,
      (topic) => isCurrent() && this.#rings.call(topic),
      // Bun connects again by itself after a loss it notices, and then listens again.
      () => times++ > 0 && isCurrent() && this.#recovered(client),
    );
    await client.unsafe(presenceSql);
    const heard = new Promise<void>((resolve) => (this.#onHeard = resolve));
    await client.listen(this.#heartChannel, () => {
      this.#beatAt = undefined;
      this.#onHeard();
    });
    await client.unsafe(ringSql, [this.#heartChannel, ""]);
    await heard;
  }

  /** @param again the client, when it is an old one on a new connection */
  #recovered(again?: SQL) {
    this.#beatAt = undefined;
    // Should it fail, the connection is lost once more, and this comes again.
    again?.unsafe(presenceSql).catch(() => {});
    log.warn("bus connected again; caches are emptied");
    this.#gaps.call();
  }

  /**
   * Bun's own time limit covers connecting only, not a server that then stays silent.
   * @throws Error when `work` takes too long, or the bus is closed meanwhile
   */
  async #within(work: Promise<void>) {
    let isDone = false;
    const done = work.then(() => void (isDone = true));
    await this.#wait(this.options.connectMs, done);
    if (isDone) return;
    // It fails when its client is discarded, and nobody waits for that.
    done.catch(() => {});
    if (this.#isClosed) throw new Error("the bus was closed while it was connecting");
    throw new Error(
      "PostgreSQL does not answer to LISTEN: it is silent, or a transaction pooler stands in between",
    );
  }

  /** Waits for so long at most, and not beyond close(). */
  async #wait(ms: number, work?: Promise<void>) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    try {
      await Promise.race([promise, this.#end.promise, ...(work ? [work] : [])]);
    } finally {
      clearTimeout(timer);
    }
  }

  get #beatMs() {
    return this.options.silenceMs / 5;
  }

  get #silentMs() {
    return this.#beatAt === undefined ? 0 : monotonic() - this.#beatAt;
  }

  #beat() {
    if (this.#reconnecting) return;
    if (this.#beatAt !== undefined) {
      if (this.#silentMs < this.options.silenceMs) return;
      this.#reconnecting = this.#reconnect().finally(() => (this.#reconnecting = undefined));
      return;
    }
    this.#beatAt = monotonic();
    // A failure shows as a heartbeat that is not heard.
    this.#client?.unsafe(ringSql, [this.#heartChannel, ""]).catch(() => {});
  }

  /** Starts over with a new client, as often as it takes. */
  async #reconnect() {
    log.warn("bus heard nothing from PostgreSQL; connecting again");
    const deaf = this.#client;
    this.#client = undefined;
    void this.#discard(deaf);
    while (!this.#isClosed) {
      // Until an attempt succeeds the bus is deaf, and what was cached since the last one may be stale again.
      this.#gaps.call();
      if (await this.#isConnected()) return this.#recovered();
      await this.#wait(this.options.silenceMs * (0.5 + Math.random() / 2));
    }
  }

  async #isConnected() {
    try {
      await this.#connect();
      return !this.#isClosed;
    } catch (error) {
      if (!this.#isClosed) log.warn("bus cannot connect to PostgreSQL", { error });
      return false;
    }
  }

  async #sendPending() {
    const topics = JSON.stringify([...this.#pending]);
    this.#pending.clear();
    // A connection that broke while idle shows at its first use; the second attempt gets a new one.
    for (let attempt = 1; attempt <= 2 && !this.#isClosed; attempt++) {
      try {
        await this.#client?.unsafe(ringManySql, [this.options.channel, topics]);
        return;
      } catch (error) {
        log.warn("bus could not ring", { error });
      }
    }
  }

  /** A dead connection may never answer to a polite end. */
  async #discard(client: SQL | undefined) {
    await client?.close({ timeout: 0 }).catch(() => {});
  }
}
