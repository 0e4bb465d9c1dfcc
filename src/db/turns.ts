import { Busy } from "../errors";
import { DbError } from "./errors";
import type { Session } from "./store";

/** For the memory's sake; whether they wait too long, the deadline decides. */
const mostOfOne = 500;

/**
 * So many at once; the others wait, each caller in a line of their own, and the lines take turns: whoever asks for much
 * delays themselves. Who is not done in time is told, and if they still wait, never starts.
 */
export class Turns {
  #running = 0;
  readonly #lines = new Map<string, Set<() => void>>();

  /** @param deadlineMs for waiting and working together */
  constructor(
    private readonly atOnce: number,
    private readonly deadlineMs: number,
  ) {}

  /** @throws Busy when the caller's line is full, DbError `deadline` when it takes too long */
  run<T>(caller: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(caller) ?? new Set();
    if (line.size >= mostOfOne) return Promise.reject(new Busy("Too many of your own requests wait."));
    return new Promise<T>((resolve, reject) => {
      const begin = () => {
        this.#running++;
        void work()
          .then(resolve, reject)
          .finally(() => {
            clearTimeout(timer);
            this.#running--;
            this.#next();
          });
      };
      const timer = setTimeout(() => {
        this.#leave(caller, begin);
        reject(new DbError("deadline"));
      }, this.deadlineMs);
      this.#lines.set(caller, line.add(begin));
      this.#next();
    });
  }

  /** Lets the first of the first line begin; that line is the last one then. */
  #next(): void {
    const [caller, line] = this.#lines.entries().next().value ?? [];
    if (caller === undefined || this.#running >= this.atOnce) return;
    const begin = line!.values().next().value!;
    this.#leave(caller, begin);
    if (line!.size > 0) {
      this.#lines.delete(caller);
      this.#lines.set(caller, line!);
    }
    begin();
  }

  #leave(caller: string, begin: () => void): void {
    const line = this.#lines.get(caller);
    line?.delete(begin);
    if (line?.size === 0) this.#lines.delete(caller);
  }
}

/** The same session, each of whose queries waits for the caller's turn. */
export const inTurn = (session: Session, turns: Turns, caller: string): Session => ({
  t: session.t,
  q: session.q,
  dialect: session.dialect,
  run: (plan, values) => turns.run(caller, async () => session.run(plan, values)),
});
