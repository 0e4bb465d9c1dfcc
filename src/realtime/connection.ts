import { monotonic, now } from "../clock";
import type { Actor } from "../policy";
import { resyncFrame, type CloseCode } from "./frames";

/** One way to a client. */
export interface Outlet {
  /** The column of a notification that says whether it goes this way. */
  readonly kind: "websocket" | "sse";
  /** Its reader is slow: what was sent before waits in memory, and more would too. */
  readonly isFull: boolean;
  /** @param id the number of the notification up to which the client has everything with this frame */
  send(frame: string, id?: number): void;
  /** Asks the other side for a sign of life, or gives one, as its kind has it. */
  beat(): void;
  /** Closing again is harmless. */
  close(code: CloseCode, reason: string): void;
}

/** Somebody who listens, from the moment they signed in. */
export class Connection {
  /** The number of the last notification that was sent, or passed over for good. */
  position = 0;
  /** From the moment that they were told where they stand. */
  isReady = false;
  isClosed = false;
  readonly topics = new Set<string>();
  /** In milliseconds since 1970. */
  readonly since = now();
  /** In `monotonic` time. */
  heardAt = monotonic();
  beatAt = monotonic();
  #hasMissed = false;

  constructor(
    readonly outlet: Outlet,
    /** As the tables had them when they were asked last. */
    public actor: Actor,
  ) {}

  get userId(): string {
    return this.actor.userId!;
  }

  send(frame: string, id?: number): void {
    if (!this.isClosed) this.outlet.send(frame, id);
  }

  /** What need not arrive is dropped for a slow reader, who hears of that later. */
  hint(frame: string): void {
    if (this.outlet.isFull) this.#hasMissed = true;
    else this.send(frame);
  }

  /** There is room again. */
  caughtUp(): void {
    if (!this.#hasMissed || this.outlet.isFull) return;
    this.#hasMissed = false;
    this.send(resyncFrame);
  }
}
