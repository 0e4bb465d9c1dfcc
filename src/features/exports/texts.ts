import { monotonic } from "../../clock";
import { DbError } from "../../db/errors";
import type { Walk } from "../../db/list-walk";
import { Busy } from "../../errors";
import type { View, Writer } from "./writers";

/** A page has about so many characters and takes about so long: larger ones would be in the way of everybody else. */
const wanted = { characters: 256 * 1024, ms: 50 };
const mostRecords = 1_000;
const recordsAtFirst = 100;

const mostAttempts = 6;
const pauseMs = 200;

/** The text of an export, page by page; of a large one, as much as its reader asks for. */
export async function* textsOf(walk: Walk<View>, { head, text, tail }: Writer): AsyncGenerator<string> {
  const pace = new Pace();
  let next = head;
  for (let isFirst = true; ; isFirst = false) {
    const startedAt = monotonic();
    const views = await pageOf(walk, pace, isFirst ? 1 : mostAttempts);
    if (views.length === 0) break;
    next += text(views, isFirst);
    pace.took(views.length, next.length, monotonic() - startedAt);
    yield next;
    next = "";
  }
  yield next + tail;
}

/** What has begun does not end because others are in its way for a moment: it takes smaller steps. */
async function pageOf(walk: Walk<View>, pace: Pace, attempts: number): Promise<View[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await walk(pace.records);
    } catch (error) {
      const isPassing = error instanceof Busy || (error instanceof DbError && passing.has(error.kind));
      if (!isPassing || attempt === attempts) throw error;
      pace.slower();
      await Bun.sleep(attempt * pauseMs);
    }
  }
}

const passing: ReadonlySet<DbError["kind"]> = new Set(["busy", "deadline"]);

/** How many records make a page. */
class Pace {
  records = recordsAtFirst;

  took(records: number, characters: number, ms: number): void {
    const factor = Math.min(wanted.characters / characters, wanted.ms / ms, 2);
    this.#set(records * factor);
  }

  slower(): void {
    this.#set(this.records / 4);
  }

  #set(records: number): void {
    this.records = Math.min(mostRecords, Math.max(1, Math.round(records)));
  }
}
