import { now } from "./clock";
import type { Session } from "./db/store";
import { Refusal } from "./errors";
import { recordEach, type Recorded } from "./events/record";
import type { Actor } from "./policy";
import { left, leftsOf, takenBy, type Left } from "./left-out";
import type { RecordRow } from "./record-kind";
import { UndoableRecordService } from "./undoable-records";

/** Records of which many are made and changed at once, each by the rules of a single one and with an event of its own. */
export abstract class ManyRecordService<
  Row extends RecordRow,
  View extends Recorded,
  Input,
  Patch,
> extends UndoableRecordService<Row, View, Input, Patch> {
  /**
   * Adds many records within a transaction, which goes on whatever becomes of each, with an event for each.
   * @returns for each of them what it is, or all that is wrong with it
   */
  async createManyIn(
    session: Session,
    actor: Actor,
    inputs: readonly Input[],
    at = now(),
  ): Promise<(Row | Left[])[]> {
    const outcomes: (Row | Left[])[] = [];
    for (const input of inputs) outcomes.push(await this.#beginOr(session, actor, input, at));
    await this.#leaveTaken(session, outcomes);
    const rows = outcomes.filter((outcome) => !Array.isArray(outcome)) as Row[];
    if (rows.length === 0) return outcomes;
    const { name, present } = this.kind;
    if (this.kind.insertMany) await this.kind.insertMany(session, rows);
    else for (const row of rows) await this.kind.insert(session, row);
    const changed = rows.map((row) => ({ before: null, after: present(row) }));
    await recordEach(session, actor, `${name}.created`, changed, at);
    return outcomes;
  }

  /** Makes rows what they were in a transaction that was rolled back, without events: for one that will be, too. */
  async recall(session: Session, rows: readonly Row[]): Promise<void> {
    const free = Object.fromEntries(this.kind.unique.map(({ field }) => [field, null])) as Partial<Row>;
    const there: Row[] = [];
    // First nobody holds a unique value, as they may have gone from one to the other.
    for (const { id } of rows) {
      const row = await this.kind.find(session, id);
      if (!row) continue;
      there.push({ ...row, ...free });
      await this.kind.update(session, row, there.at(-1)!);
    }
    for (const row of rows) {
      const before = there.find(({ id }) => id === row.id);
      if (before) await this.kind.update(session, before, row);
      else await this.kind.insert(session, row);
    }
  }

  async #beginOr(session: Session, actor: Actor, input: Input, at: number): Promise<Row | Left[]> {
    try {
      return this.begun(await this.begin(session, actor, input, at), at);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return leftsOf(error);
    }
  }

  /** Puts what is wrong in the place of rows whose unique values others have, be it rows before them. */
  async #leaveTaken(session: Session, outcomes: (Row | Left[])[]): Promise<void> {
    for (const { field, many } of this.kind.unique) {
      const keys = outcomes.map((outcome) => (Array.isArray(outcome) ? null : (many?.key(outcome) ?? null)));
      const wanted = keys.filter((key) => key !== null);
      if (wanted.length === 0 || !many) continue;
      const found = await many.holders(session, JSON.stringify(wanted));
      const taken = new Set(found.map(({ value }) => value));
      for (const [i, key] of keys.entries()) {
        if (key === null) continue;
        if (taken.has(key))
          outcomes[i] = [left(`${field}_taken`, `Another ${this.kind.name} has this ${field}.`, field)];
        else taken.add(key);
      }
    }
  }

  /**
   * Changes or deletes one of many records within a transaction, which goes on whatever becomes of this one: `change` is a
   * patch, or says that it is deleted.
   * @param known the record as it is in this transaction, where the caller has read it
   * @returns whether anything changed, or why not
   */
  async applyIn(
    session: Session,
    actor: Actor,
    { id, version, known }: { id: string; version?: number; known?: Row },
    change: { set: Patch } | "delete",
    at = now(),
  ): Promise<boolean | Left> {
    const ifMatch = version === undefined ? "any" : [version];
    try {
      if (change === "delete") {
        await this.deleteIn(session, actor, id, ifMatch, at);
        return true;
      }
      // First of all: of what the actor may not see, nothing else is told.
      const before = known ?? (await this.visible(session, actor, id));
      // An error of PostgreSQL would end the transaction for the others too.
      const taken = await this.#takenByPatch(session, before, change.set);
      if (taken) return taken;
      const after = await this.changeTo(session, actor, before, change.set, ifMatch, at);
      return after.version !== before.version;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const [first] = error.details.errors ?? [];
      return left(first?.code ?? error.code, error.message, first?.field ?? null);
    }
  }

  /**
   * Gives live records a change that follows none of their rules and has nothing follow from it, such as who works on them: all of
   * them within a transaction, each with an event of its own.
   * @param write sets it on the records with these ids, a JSON array, and counts their versions up
   * @throws Forbidden when the actor may not change one of them
   */
  async amendMany(
    session: Session,
    actor: Actor,
    rows: readonly Row[],
    change: Partial<Row>,
    write: (ids: string, at: number) => Promise<unknown>,
    at = now(),
  ): Promise<void> {
    if (rows.some((row) => !this.policy.mayChange(actor, row))) throw this.mayNot("change");
    const { name, present } = this.kind;
    await write(JSON.stringify(rows.map(({ id }) => id)), at);
    const changed = rows.map((row) => ({
      before: present(row),
      after: present({ ...row, ...change, updated_at: at, version: row.version + 1 }),
    }));
    await recordEach(session, actor, `${name}.updated`, changed, at);
  }

  async #takenByPatch(session: Session, before: Row, patch: Patch): Promise<Left | undefined> {
    const after: Row = { ...before, ...trimmed(this.kind.unique, patch as Record<string, unknown>) };
    const fields = this.kind.unique.map(({ field }) => field as keyof Row);
    const changed = fields.filter((field) => after[field] !== before[field]);
    return changed.length === 0 ? undefined : takenBy(session, this.kind, after, changed as string[]);
  }
}

/** The unique values of a patch, in the form in which they are compared. */
const trimmed = (unique: readonly { field: string }[], patch: Record<string, unknown>): object =>
  Object.fromEntries(
    unique.flatMap(({ field }) => {
      const value = patch[field];
      return typeof value === "string" ? [[field, value.trim()]] : [];
    }),
  );
