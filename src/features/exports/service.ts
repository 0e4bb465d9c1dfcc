import { minute, monotonic, second } from "../../clock";
import type { Walk } from "../../db/list-walk";
import { Busy, TooMany, Unauthenticated } from "../../errors";
import { log } from "../../ops/logging";
import type { Actor, Identity } from "../../policy";
import { UnderWay } from "../../under-way";
import { TextStream } from "./stream";
import { textsOf } from "./texts";
import type { View, Writer } from "./writers";

/** What exports need from the server. */
export interface ExportOptions {
  /** Whom an actor is by the tables as they are now; a text says why nobody. */
  admit(actor: Actor): Promise<Identity | string>;
  /** Milliseconds that a reader may take nothing. */
  patienceMs?: number;
}

/** Each has two pages of text in memory. */
const mostAtOnce = 32;
const mostOfOne = 4;

/** How often whoever exports is looked up again. */
const believedMs = second;

/** Records on their way into files, read no sooner than their reader takes them. */
export class ExportService {
  readonly #underWay = new UnderWay();

  constructor(private readonly options: ExportOptions) {}

  /**
   * Begins an export. What keeps it from beginning is thrown, what ends it later breaks the stream off.
   * @throws TooMany when the user has as many under way as one may have, Busy when the server has
   */
  async begin(
    actor: Actor,
    open: () => Promise<Walk<View>>,
    writer: Writer,
  ): Promise<ReadableStream<Uint8Array>> {
    const { patienceMs = 2 * minute } = this.options;
    const leave = this.#enter(actor.userId!);
    try {
      const texts = textsOf(this.#whileAdmitted(actor, await open()), writer);
      const first = await texts.next();
      const ended = (error?: unknown) => {
        leave();
        if (error) log.warn("An export broke off", { request_id: actor.requestId, error });
      };
      return new TextStream(texts, first, { patienceMs, ended }).body;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** @returns what gives the place back */
  #enter(userId: string): () => void {
    const own = this.#underWay.of(userId);
    if (own >= mostOfOne) {
      const message = `You have ${own} exports under way, as many as one may have.`;
      throw new TooMany("too_many_exports", message, 5 * second);
    }
    if (this.#underWay.all >= mostAtOnce)
      throw new Busy("As many exports are under way as the server takes.", 5 * second);
    this.#underWay.add(userId, 1);
    return () => this.#underWay.add(userId, -1);
  }

  /** Ends with whatever ends the caller's session: what is exported may take minutes. */
  #whileAdmitted(actor: Actor, walk: Walk<View>): Walk<View> {
    let askedAt = monotonic();
    return async (most) => {
      if (monotonic() - askedAt >= believedMs) {
        const identity = await this.options.admit(actor);
        if (typeof identity === "string") throw new Unauthenticated(identity);
        askedAt = monotonic();
      }
      return walk(most);
    };
  }
}
