import { Scratch, type Noted } from "../../db/scratch";
import type { CsvRow } from "../../csv/read";
import type { Session, Store } from "../../db/store";
import type { Actor } from "../../policy";
import type { RecordRow } from "../../record-kind";
import { namesOf, type ImportRecords } from "./records";
import type { Outcome, RowImporter } from "./rows";

/** Thrown so that everything is rolled back: what would have come of it. */
class TriedOut extends Error {
  constructor(
    readonly outcome: Outcome,
    readonly noted: readonly Noted[],
  ) {
    super("tried out");
  }
}

/**
 * Imports rows and takes all of it back at once, some rows after the others. What they would have left for those that come
 * later is kept aside, and put in its place before a row that has to do with it: so every count is that of an import.
 */
export class Trial {
  readonly #scratch = new Scratch();

  constructor(
    private readonly store: Store,
    private readonly records: ImportRecords,
    private readonly importer: RowImporter,
  ) {}

  /** What would come of some rows, after all those before. */
  async apply(actor: Actor, rows: readonly CsvRow[]): Promise<Outcome> {
    try {
      return await this.store.tx((session) => this.#tryOut(session, actor, rows));
    } catch (error) {
      if (!(error instanceof TriedOut)) throw error;
      this.#scratch.put(error.noted);
      return error.outcome;
    }
  }

  close(): void {
    this.#scratch.close();
  }

  async #tryOut(session: Session, actor: Actor, rows: readonly CsvRow[]): Promise<never> {
    const noted = new Map<string, { text: string; keys: Set<string> }>();
    const outcome = await this.importer.apply(session, actor, rows, {
      recall: (keys) => this.#recall(session, keys),
      note: (row) => {
        const keys = new Set([...(noted.get(row.id)?.keys ?? []), ...namesOf(this.records, row)]);
        if (keys.size > 0) noted.set(row.id, { text: JSON.stringify(row), keys });
      },
    });
    throw new TriedOut(
      outcome,
      [...noted].map(([id, { text, keys }]) => ({ id, text, keys: [...keys] })),
    );
  }

  /** Puts in place what was noted under these keys, with what has, or had, a key in common with that. */
  async #recall(session: Session, keys: readonly string[]): Promise<void> {
    const rows = new Map<string, RecordRow>();
    for (const waiting = [...keys]; waiting.length > 0;) {
      for (const id of this.#scratch.idsOf(waiting.pop()!)) {
        if (rows.has(id)) continue;
        const row = JSON.parse(this.#scratch.textOf(id)!) as RecordRow;
        rows.set(id, row);
        waiting.push(...namesOf(this.records, row));
      }
    }
    await this.records.recall(session, [...rows.values()]);
  }
}
