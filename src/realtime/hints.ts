import type { Session } from "../db/store";
import type { Actor } from "../policy";
import type { Connection } from "./connection";
import { frameOf, mostTopics, resyncFrame } from "./frames";
import { eventsAfter, lastSeq } from "./store";

/** A kind of records that can be watched. */
export interface Watched {
  /** Reads records once for whoever asks who may see them. */
  watchersOf(session: Session, ids: readonly string[]): Promise<(actor: Actor, id: string) => boolean>;
}

/** Whether an actor sees a job, as it is now. */
export type SeesJob = (session: Session, jobId: string) => Promise<((actor: Actor) => boolean) | undefined>;

/** The topic of all jobs; that of one is `jobs/<id>`. */
const jobs = "jobs";

/** Events that are read at once. */
const page = 500;

/** When more than that happened at once, such as by an import, everybody fetches what they show. */
const mostPages = 4;

/** A topic that is not taken, as the answer to `subscribe` names it. */
export interface RefusedTopic {
  topic: string;
  code: "unknown_topic" | "too_many_topics";
  message: string;
}

/**
 * Tells connections which of the records that they watch have changed. Nothing is kept for whoever is away: after
 * `ready`, a client fetches what it shows.
 */
export class Hints {
  readonly #topics = new Map<string, Set<Connection>>();
  /** The last event that was looked at; `undefined` while nobody watches anything. */
  #seq: number | undefined;
  readonly #topicShape: RegExp;

  /** @param kinds by entity type; their topics are `<type>s` and `<type>s/<id>` */
  constructor(
    private readonly read: Session,
    private readonly kinds: ReadonlyMap<string, Watched>,
    private readonly sees: SeesJob,
  ) {
    const names = [...[...kinds.keys()].map((type) => `${type}s`), jobs].join("|");
    this.#topicShape = new RegExp(`^(${names})(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$`);
  }

  /** Whatever happens from when this resolves is told. Gives what is not taken, and why. */
  async subscribe(connection: Connection, topics: readonly string[]): Promise<RefusedTopic[]> {
    if (this.#seq === undefined) {
      const last = await this.#lastSeq();
      // Somebody else may have begun meanwhile, at an earlier place.
      this.#seq ??= last;
    }
    const refused: RefusedTopic[] = [];
    for (const topic of topics) {
      const why = this.#refusal(connection, topic);
      if (why) refused.push({ topic, ...why });
      else if (!connection.isClosed) this.#add(connection, topic);
    }
    return refused;
  }

  unsubscribe(connection: Connection, topics: Iterable<string>): void {
    for (const topic of topics) {
      connection.topics.delete(topic);
      const watching = this.#topics.get(topic);
      watching?.delete(connection);
      if (watching?.size === 0) this.#topics.delete(topic);
    }
    if (this.#topics.size === 0) this.#seq = undefined;
  }

  /** Reads on in the log. One at a time. */
  async tell(): Promise<void> {
    for (let pages = 0; this.#seq !== undefined; pages++) {
      if (pages === mostPages) return this.#skip();
      const events = await eventsAfter.all(this.read, { seq: this.#seq, most: page });
      const last = events.at(-1);
      if (!last) return;
      await this.#tellOf(events);
      // Meanwhile the last who watched may have left, and somebody else begun at a later place.
      if (this.#seq !== undefined) this.#seq = Math.max(this.#seq, last.seq);
      if (events.length < page) return;
    }
  }

  /** A job has come further, or ended. */
  async tellOfJob(id: string): Promise<void> {
    if (!this.#isWatched(jobs, id)) return;
    const sees = await this.sees(this.read, id);
    if (!sees) return;
    for (const topic of [jobs, `${jobs}/${id}`]) {
      const frame = frameOf("job", { topic, entity_id: id, version: null });
      for (const connection of this.#topics.get(topic) ?? [])
        if (sees(connection.actor)) connection.hint(frame);
    }
  }

  async #lastSeq(): Promise<number> {
    return (await lastSeq.first(this.read, {}))?.last ?? 0;
  }

  #refusal({ topics }: Connection, topic: string): Omit<RefusedTopic, "topic"> | undefined {
    if (!this.#topicShape.test(topic)) return { code: "unknown_topic", message: "There is no such topic." };
    if (topics.size < mostTopics || topics.has(topic)) return undefined;
    return { code: "too_many_topics", message: `A connection has at most ${mostTopics} topics.` };
  }

  #add(connection: Connection, topic: string): void {
    connection.topics.add(topic);
    const watching = this.#topics.get(topic);
    if (watching) watching.add(connection);
    else this.#topics.set(topic, new Set([connection]));
  }

  async #skip(): Promise<void> {
    this.#seq = await this.#lastSeq();
    const watching = new Set([...this.#topics.values()].flatMap((connections) => [...connections]));
    for (const connection of watching) connection.hint(resyncFrame);
  }

  async #tellOf(
    events: readonly { entity_type: string; entity_id: string; version: number }[],
  ): Promise<void> {
    for (const [type, kind] of this.kinds) {
      // Of several changes to one record, the last is worth telling.
      const versions = new Map<string, number>();
      for (const { entity_type, entity_id, version } of events) {
        if (entity_type === type && this.#isWatched(`${type}s`, entity_id)) versions.set(entity_id, version);
      }
      if (versions.size === 0) continue;
      const maySee = await kind.watchersOf(this.read, [...versions.keys()]);
      for (const [id, version] of versions) {
        for (const topic of [`${type}s`, `${type}s/${id}`]) this.#tellAll(topic, id, version, maySee);
      }
    }
  }

  #isWatched(topic: string, id: string): boolean {
    return this.#topics.has(topic) || this.#topics.has(`${topic}/${id}`);
  }

  #tellAll(topic: string, id: string, version: number, maySee: (actor: Actor, id: string) => boolean): void {
    const frame = frameOf("record", { topic, entity_id: id, version });
    for (const connection of this.#topics.get(topic) ?? []) {
      if (maySee(connection.actor, id)) connection.hint(frame);
    }
  }
}
