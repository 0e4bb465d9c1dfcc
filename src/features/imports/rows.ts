import type { CsvRow } from "../../csv/read";
import type { RowOf } from "../../db/rows";
import type { Session } from "../../db/store";
import { newId } from "../../ids";
import type { Actor } from "../../policy";
import type { Left } from "../../left-out";
import type { RecordRow } from "../../record-kind";
import { checkerOf, withoutNulls, type CellReader, type ReadRow } from "./cells";
import { Found } from "./found";
import { keysOf, namesOf, type ImportRecords, type Key } from "./records";
import type { ImportMode } from "./schema";

/** What came of some rows. */
export interface Outcome {
  created: number;
  updated: number;
  skipped: number;
  failed: number;
  problems: Problem[];
}

type Problem = Omit<RowOf<"job_problems">, "job_id">;

/** Told by whoever tries rows out: nothing of what they leave is there for those that come later. */
export interface TrialHooks {
  /** Something is about to be done with records that have these keys. */
  recall(keys: readonly string[]): Promise<void>;
  /** A record is like this, before it changes or after. */
  note(row: RecordRow): void;
}

/** A row that can become a record. */
interface Candidate {
  row: CsvRow;
  values: Record<string, unknown>;
  /** By which it may be found, in the order in which that is tried. */
  keys: Key[];
}

/** Characters of a row that are kept for the report: what is longer is no row that anybody would mend by hand. */
const longestKept = 200_000;

/** Makes rows into records, within a transaction. */
export class RowImporter {
  readonly #isInput;
  readonly #isPatch;

  constructor(
    private readonly records: ImportRecords,
    private readonly reader: CellReader,
    private readonly options: { mode: ImportMode; match: readonly string[] },
  ) {
    this.#isInput = checkerOf(records.input);
    this.#isPatch = checkerOf(records.patch);
  }

  /** Imports some rows, in their order. */
  async apply(session: Session, actor: Actor, rows: readonly CsvRow[], trial?: TrialHooks): Promise<Outcome> {
    const read = await this.reader.read(session, rows);
    const candidates = read.map((values, i) => this.#candidate(rows[i]!, values));
    const sound = candidates.filter((each): each is Candidate => !Array.isArray(each));
    await trial?.recall(sound.flatMap(({ values }) => namesOf(this.records, values)));
    const found = new Found(this.records, this.options.match, { session, actor });
    await found.prepare(sound.flatMap(({ keys }) => keys));
    const outcome: Outcome = { created: 0, updated: 0, skipped: 0, failed: 0, problems: [] };
    let fresh: Candidate[] = [];
    const freshKeys = new Set<string>();
    const flush = async () => {
      await this.#create(session, actor, fresh, outcome, trial);
      found.forget(...fresh.map(({ values }) => values));
      fresh = [];
      freshKeys.clear();
    };
    for (const [i, row] of rows.entries()) {
      const candidate = candidates[i]!;
      if (Array.isArray(candidate)) {
        this.#fail(outcome, row, candidate);
        continue;
      }
      const names = candidate.keys.map(({ name }) => name);
      // What may be the same as a row before it has to find that.
      if (names.some((name) => freshKeys.has(name))) await flush();
      const record = await recordOf(candidate, found);
      if (record === undefined) {
        fresh.push(candidate);
        for (const name of names) freshKeys.add(name);
      } else if (!("id" in record)) this.#fail(outcome, row, [record]);
      else if (this.options.mode === "skip") outcome.skipped++;
      else {
        await this.#change(session, actor, candidate, record, outcome, trial);
        found.forget(record, candidate.values);
      }
    }
    await flush();
    const inOrder = outcome.problems.toSorted((a, b) => a.line! - b.line!);
    return { ...outcome, problems: inOrder.map((problem) => ({ ...problem, id: newId() })) };
  }

  #candidate(row: CsvRow, values: ReadRow): Candidate | Left[] {
    if (Array.isArray(values)) return values;
    return { row, values, keys: keysOf(this.records, values, this.options.match) };
  }

  async #create(
    session: Session,
    actor: Actor,
    fresh: readonly Candidate[],
    outcome: Outcome,
    trial: TrialHooks | undefined,
  ): Promise<void> {
    const sound = fresh.filter(({ row, values }) => {
      const wrong = this.#isInput(withoutNulls(values));
      if (wrong) this.#fail(outcome, row, wrong);
      return !wrong;
    });
    if (sound.length === 0) return;
    const inputs = sound.map(({ values }) => withoutNulls(values) as never);
    const made = await this.records.createManyIn(session, actor, inputs);
    for (const [i, each] of made.entries()) {
      if (Array.isArray(each)) this.#fail(outcome, sound[i]!.row, each);
      else {
        outcome.created++;
        trial?.note(each);
      }
    }
  }

  async #change(
    session: Session,
    actor: Actor,
    { row, values }: Candidate,
    known: RecordRow,
    outcome: Outcome,
    trial: TrialHooks | undefined,
  ): Promise<void> {
    const { kept } = this.records;
    const { id } = known;
    const patch = Object.fromEntries(
      Object.entries(values).filter(([field, value]) => value !== null || !kept.includes(field)),
    );
    const wrong = this.#isPatch(patch);
    if (wrong) {
      this.#fail(outcome, row, wrong, id);
      return;
    }
    trial?.note(known);
    const item = { id, known: known as never };
    const changed = await this.records.applyIn(session, actor, item, { set: patch as never });
    if (typeof changed === "object") this.#fail(outcome, row, [changed], id);
    else if (changed) outcome.updated++;
    else outcome.skipped++;
    if (trial) trial.note((await this.records.find(session, id))!);
  }

  #fail(
    outcome: Outcome,
    { line, cells }: CsvRow,
    wrong: readonly Left[],
    record_id: string | null = null,
  ): void {
    outcome.failed++;
    const row = keptCells(cells);
    for (const { field, code, message } of wrong)
      outcome.problems.push({
        ...{ id: "", line, record_id, code, message, row },
        field: this.reader.columnOf(field),
      });
  }
}

/** The record that a row is about. One that the actor may not see is none: the row then has what another record has. */
async function recordOf({ keys }: Candidate, found: Found): Promise<RecordRow | Left | undefined> {
  for (const key of keys) {
    const [first, ...others] = await found.with(key);
    const { field } = key;
    const message = `${others.length + 1} records have this ${field}.`;
    if (others.length > 0) return { field, code: "ambiguous_match", message };
    if (first) return first;
  }
  return undefined;
}

/** A row as it can be stored: PostgreSQL takes no NUL. */
function keptCells(cells: readonly (string | null)[]): string[] {
  let room = longestKept;
  const kept: string[] = [];
  for (const cell of cells) {
    const text = (cell ?? "").slice(0, room).toWellFormed().replaceAll("\0", "\ufffd");
    room -= text.length + 1;
    if (room < 0) break;
    kept.push(text);
  }
  return kept;
}
