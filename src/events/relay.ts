import { now, second } from "../clock";
import { isAlone } from "../db/alone";
import type { Session, Store } from "../db/store";
import { logOf } from "../ops/logging";
import { Pulse } from "../pulse";
import type { Consumer } from "./consumer";
import {
  eventsAfter,
  keepLastNumber,
  gaveNumber,
  lastNumber,
  moveTo,
  numberEvents,
  positionOf,
  relay,
  unordered,
  unorderedOf,
  type Unordered,
} from "./relay-store";

/** What can be chosen; the defaults suit a server. */
export interface RelayOptions {
  store: Store;
  consumers: readonly Consumer[];
  /** Called after each pass that found events with a number: there is something new to read. */
  ordered: () => void;
  /** Milliseconds that a commit waits for others, so that one pass is for all of them. */
  gatherMs?: number;
  /** Milliseconds after which it looks by itself, for what a process committed that has ended since. */
  pollMs?: number;
  /** Events of one pass. */
  batch?: number;
}

/** Events that a consumer gets at once. */
const portion = 100;
/** Milliseconds until one looks again who found another process at it. */
const busyMs = 50;

/**
 * Brings committed events into one order and hands them to whoever reads the log. On PostgreSQL an event gets its number once its
 * transaction has committed: numbers given before would be seen out of order, and a reader would pass over those that
 * come late. One process at a time does it, whichever was nudged. On SQLite events are written with their numbers.
 */
export class Relay {
  readonly #ordering: Pulse;
  readonly #readers: Reader[];
  /** When the oldest event was made that had no number at the last look. */
  #oldest: number | null = null;
  /** The last number at the last look. */
  #end = 0;

  constructor(private readonly options: RelayOptions) {
    const { store, consumers, gatherMs = 25, pollMs = second } = options;
    this.#readers = consumers.map((consumer) => new Reader(store, consumer, pollMs));
    this.#ordering = new Pulse({
      module: "events",
      failure: "Events could not be brought into their order",
      ...{ work: () => this.#order(), everyMs: pollMs, soonMs: gatherMs },
    });
  }

  /** Begins with what there is. */
  start(): void {
    this.#ordering.start();
    for (const reader of this.#readers) reader.pulse.start();
  }

  /** Events were committed. Costs nothing: many nudges are one pass. */
  nudge(): void {
    this.#ordering.nudge();
  }

  /** Resolves once nobody reads or numbers events here any more. */
  async close(): Promise<void> {
    await this.#ordering.close();
    await Promise.all(this.#readers.map(({ pulse }) => pulse.close()));
    await this.#keepLastNumber();
  }

  /** For a program before this one, should it take over. What it needs it has most often been left by whoever read the log. */
  async #keepLastNumber(): Promise<void> {
    const { store } = this.options;
    if (store.engine === "postgres") return;
    try {
      await store.tx(keepLastNumber);
    } catch (error) {
      logOf("events").warn("The number of the last event could not be written down", { error });
    }
  }

  /** Seconds since the oldest event was made that had no number or was not taken by all at the last look; 0 when there was none. */
  get lagSeconds(): number {
    const waiting = [this.#oldest, ...this.#readers.map(({ oldest }) => oldest)];
    const oldest = Math.min(...waiting.map((at) => at ?? Infinity));
    return oldest === Infinity ? 0 : Math.max(0, now() - oldest) / second;
  }

  /** How many events each consumer had still to take at the last look, by its name. */
  lags(): Record<string, number> {
    return Object.fromEntries(this.#readers.map(({ consumer, lag }) => [consumer.name, lag]));
  }

  async #order(): Promise<number | void> {
    const { store, batch = 250 } = this.options;
    this.#oldest = (await unordered.first(store.read, { limit: 1 }))?.created_at ?? null;
    if (this.#oldest === null) {
      if (await this.#hasGrown()) this.#tell();
      return undefined;
    }
    const numbered = await store.tx((session) => orderNext(session, batch), { isolation: "read committed" });
    if (numbered === "busy") return busyMs;
    if (numbered < batch) this.#oldest = null;
    if (numbered === 0) return undefined;
    this.#tell();
    return numbered < batch ? undefined : 0;
  }

  /** Whether there are events since the last look that had their numbers when they committed (see `append.ts`). */
  async #hasGrown(): Promise<boolean> {
    const { store } = this.options;
    if (store.engine === "postgres") return false;
    const before = this.#end;
    this.#end = await lastNumber(store.read);
    return this.#end !== before;
  }

  #tell(): void {
    for (const { pulse } of this.#readers) pulse.nudge();
    this.options.ordered();
  }
}

/** One consumer on its way through the log. */
class Reader {
  readonly pulse: Pulse;
  /** At the last look. */
  lag = 0;
  /** When the next event to take was made, at the last look. */
  oldest: number | null = null;

  constructor(
    private readonly store: Store,
    readonly consumer: Consumer,
    pollMs: number,
  ) {
    this.pulse = new Pulse({
      module: "events",
      failure: `The consumer ${consumer.name} could not take events`,
      ...{ work: () => this.#read(), everyMs: pollMs },
    });
  }

  async #read(): Promise<number | void> {
    const { read } = this.store;
    const [end, position] = [await lastNumber(read), await positionOf(read, this.consumer.name)];
    this.lag = end - position;
    this.oldest = await this.#nextAt(position);
    if (this.lag <= 0) return undefined;
    const taken = await this.store.tx((session) => this.#takeNext(session));
    if (taken === "busy") return busyMs;
    this.consumer.taken?.(taken);
    this.lag = Math.max(0, this.lag - taken.length);
    if (this.lag === 0) this.oldest = null;
    return taken.length < portion ? undefined : 0;
  }

  async #nextAt(position: number): Promise<number | null> {
    if (this.lag <= 0) return null;
    const [next] = await eventsAfter.all(this.store.read, { seq: position, limit: 1 });
    return next?.created_at ?? null;
  }

  async #takeNext(session: Session) {
    const { consumer } = this;
    if (!(await isAlone(session, `consumer ${consumer.name}`))) return "busy";
    const events = await eventsAfter.all(session, {
      seq: await positionOf(session, consumer.name),
      limit: portion,
    });
    const last = events.at(-1);
    if (!last) return [];
    await consumer.take(session, events);
    await moveTo.all(session, { name: consumer.name, position: last.seq, updated_at: now() });
    await keepLastNumber(session);
    return events;
  }
}

/** Numbers the next events; says how many, or that another process is at it. */
async function orderNext(session: Session, batch: number): Promise<number | "busy"> {
  if (!(await isAlone(session, relay))) return "busy";
  const oldest = await unordered.all(session, { limit: batch });
  if (oldest.length === 0) return 0;
  const isWhole = oldest.length < batch;
  const events = inOrder(isWhole ? oldest : [...oldest, ...(await lateOnes(session, oldest))]);
  const first = (await lastNumber(session)) + 1;
  const last = first + events.length - 1;
  const ids = events.map(({ id }) => id);
  await numberEvents(session, ids, first);
  gaveNumber(session, last);
  await moveTo.all(session, { name: relay, position: last, updated_at: now() });
  return events.length;
}

/** Earlier versions of the same records with a later time, from a clock that was set back or goes ahead. */
async function lateOnes(session: Session, events: readonly Unordered[]): Promise<Unordered[]> {
  const known = new Set(events.map(({ id }) => id));
  const late: Unordered[] = [];
  for (const [entity_type, ofType] of Map.groupBy(events, (event) => event.entity_type)) {
    const newest = newestVersions(ofType);
    const found = await unorderedOf.all(session, {
      entity_type,
      entity_ids: JSON.stringify([...newest.keys()]),
      version: Math.max(...newest.values()),
    });
    late.push(
      ...found.filter(({ id, entity_id, version }) => !known.has(id) && version < newest.get(entity_id)!),
    );
  }
  return late;
}

const newestVersions = (events: readonly Unordered[]) => {
  const newest = new Map<string, number>();
  for (const { entity_id, version } of events)
    newest.set(entity_id, Math.max(version, newest.get(entity_id) ?? version));
  return newest;
};

/** By time, except that each record's events take their record's places in the order of its versions. */
export function inOrder<Event extends Unordered>(events: readonly Event[]): Event[] {
  const byTime = events.toSorted((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));
  const ofRecord = Map.groupBy(byTime, ({ entity_type, entity_id }) => `${entity_type} ${entity_id}`);
  for (const versions of ofRecord.values()) versions.sort((a, b) => a.version - b.version);
  return byTime.map(({ entity_type, entity_id }) => ofRecord.get(`${entity_type} ${entity_id}`)!.shift()!);
}
