import { logOf } from "../../ops/logging";

const log = logOf("bus");

/**
 * A doorbell between instances: it says that something about a topic changed, never what. Rings may be lost
 * and may come twice; the truth is in the database, and whoever is rung reads it there.
 */
export interface Bus {
  /**
   * Rings on every instance, this one included. Never rejects for a bus that is down, since
   * listeners look at the database from time to time anyway, but may take seconds then: no answer waits for
   * it.
   * @param topic 1–200 visible ASCII characters
   * @throws RangeError for another topic
   */
  ring(topic: string): Promise<void>;
  onRing(listener: (topic: string) => void): void;
  /**
   * Rings may have been missed: empty the caches, read again. While the bus is down it is called again and
   * again.
   */
  onGap(listener: () => void): void;
  /** Nothing was heard where something should have been: rings may be missed now. */
  readonly isDeaf: boolean;
  /** Resolves once rings arrive. Rejects when they cannot. */
  start(): Promise<void>;
  /** Ends every timer and connection; nothing is heard afterwards. */
  close(): Promise<void>;
}

const topicShape = /^[\x21-\x7e]{1,200}$/;

/** One topic that PostgreSQL refuses would take the others of its batch with it. */
export function assertTopic(topic: string): void {
  if (!topicShape.test(topic)) throw new RangeError(`not a topic: ${JSON.stringify(topic.slice(0, 250))}`);
}

/** The listeners of a bus. One that throws does not keep the others from hearing. */
export class Listeners<Values extends unknown[]> {
  #listeners: ((...values: Values) => void)[] = [];

  add(listener: (...values: Values) => void) {
    this.#listeners.push(listener);
  }

  call(...values: Values) {
    for (const listener of this.#listeners) {
      try {
        listener(...values);
      } catch (error) {
        log.error("a listener of the bus failed", { error });
      }
    }
  }
}
