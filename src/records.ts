import { now } from "./clock";
import { DbError } from "./db/errors";
import { listPage, pageOf, type ListScope, type Resource } from "./db/list";
import { walkList, type Walk } from "./db/list-walk";
import type { Session, Store } from "./db/store";
import { write } from "./db/write";
import { Conflict, Forbidden, Gone, GoneThen, NotFound, Refusal } from "./errors";
import { assertCurrent, type IfMatch } from "./events/current";
import type { Rebuilt } from "./events/replay";
import { recordAt } from "./events/history";
import { record, recordEach, remarkEach, type Recorded, type RecordName } from "./events/record";
import { actionOf } from "./events/types";
import { changedByOthers } from "./events/changed-fields";
import { revived, type RebuiltTable } from "./db/rebuild";
import { removeManyFrom, type RowOf } from "./db/rows";
import { findIn, type Finding } from "./db/search-find";
import type { DeletedMode, Filter, ListRequest, Page } from "./list";
import type { Searched } from "./search/document";
import { newId } from "./ids";
import { scopeOf, type Actor } from "./policy";
import type { UniqueFieldName } from "./problems";

/** The columns that every record has; instants in milliseconds since 1970. */
export interface RecordRow {
  id: string;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
  version: number;
}

/** What a new record is made from: `Records` adds the columns that every record has. */
export type NewRecord<Row extends RecordRow> = Omit<Row, keyof RecordRow>;

/** Who may do what with records of one kind. */
export interface RecordPolicy<Row> {
  /** For a live record. */
  mayRead(actor: Actor, row: Row): boolean;
  mayChange(actor: Actor, row: Row): boolean;
  /** Whoever may delete a record may restore it. */
  mayDelete(actor: Actor, row: Row): boolean;
  /** The same as conditions: live records that the actor may see, deleted ones that they may restore. */
  listed(actor: Actor, deleted: DeletedMode): ListScope[];
  /** The live ones alone. */
  readable(actor: Actor): ListScope;
}

/** A field whose value no two live records share. */
export interface UniqueField<Row> {
  /** As the wire has it. */
  field: UniqueFieldName;
  /** The column with the unique index, as `table.column`. */
  column: string;
  /** The live record that has the value that `row` was to get. */
  holder(session: Session, row: Row): Promise<{ id: string } | undefined>;
  /** The same for many rows: by what they are compared with, and which live records have one of those. */
  many?: {
    key(row: Row): string | null;
    /** @param keys a JSON array of them */
    holders(session: Session, keys: string): Promise<{ id: string; value: string }[]>;
  };
}

/** A field by which records are found that are there already, be it unique or not. */
export interface Match {
  /** A text in the form in which it is compared. */
  key(text: string): string;
  /** The live records that have one of these keys, a JSON array. */
  holders(session: Session, keys: string): Promise<{ id: string; value: string }[]>;
}

/** What tells the records of one resource from others. */
export interface RecordKind<Row extends RecordRow, View extends Recorded> {
  /** What one of them is called, in events and in words. */
  name: RecordName;
  resource: Resource<Row>;
  unique: readonly UniqueField<Row>[];
  /** One by id, deleted or not. */
  find(session: Session, id: string): Promise<Row | undefined>;
  /** Those with these ids, a JSON array, deleted or not. */
  findMany(session: Session, ids: string): Promise<Row[]>;
  /** Both fail as `unique` when a unique value is taken. */
  insert(session: Session, row: Row): Promise<void>;
  /** Adds many, whose unique values are free; without it, one after the other. */
  insertMany?(session: Session, rows: readonly Row[]): Promise<void>;
  update(session: Session, before: Row, after: Row): Promise<void>;
  /** The record as the API shows it. */
  present(row: Row): View;
  /** What is searched of it, where its text is. */
  searched?(row: Row): Searched;
  /** Makes its rows what its events tell; gives what was wrong with them. */
  rebuild: Rebuilt["rebuild"];
}

/** A unique value is taken. Says by whom, to those who may see it, once that can be asked: after the rollback. */
class Taken<Row> extends Conflict {
  constructor(
    name: string,
    readonly unique: UniqueField<Row>,
    readonly row: Row,
    holder?: { id: string },
  ) {
    const { field } = unique;
    const members = { field, conflicting_id: holder?.id ?? null };
    super(`${field}_taken` as const, `Another ${name} has this ${field}.`, members);
  }
}

/** An event, as far as it takes to take back what it tells. */
export type Undone = Pick<RowOf<"events">, "type" | "entity_id" | "version" | "changes">;

/** What of an event could not be taken back, and why. */
export interface Left {
  field: string | null;
  code: string;
  message: string;
}

/** Whose events do not count as somebody's change since: those of the job that is undone, and of the one that undoes it. */
export interface Undoing {
  jobs: readonly string[];
  /** Those of some records (a JSON array of ids) to which something else points, so that they cannot go. */
  inUse?: (session: Session, ids: string) => Promise<ReadonlySet<string>>;
}

/**
 * The life of a record, alike for every resource: it is made, changed, hidden and brought back, each time as one
 * transaction with its event, by whoever the policy lets. What a resource adds are its rules: `begin` and `revise`.
 */
export abstract class RecordService<Row extends RecordRow, View extends Recorded, Input, Patch> {
  constructor(
    protected readonly store: Store,
    protected readonly policy: RecordPolicy<Row>,
    protected readonly kind: RecordKind<Row, View>,
  ) {}

  /** How their events rebuild all of them. */
  get rebuilt(): Rebuilt {
    const { name, resource, rebuild } = this.kind;
    return { name, table: resource.fields.resource, rebuild } as Rebuilt;
  }

  /** What a new record starts as at this instant. Runs within the transaction. @throws Invalid for what the rules forbid */
  protected abstract begin(session: Session, actor: Actor, input: Input, at: number): Promise<NewRecord<Row>>;

  /** What a patch changes about a record. Runs within the transaction. @throws Invalid for what the rules forbid */
  protected abstract revise(
    session: Session,
    actor: Actor,
    before: Row,
    patch: Patch,
    at: number,
  ): Promise<Partial<Row>>;

  /** One page of the records the actor may see, or of the deleted ones they may restore. */
  async list(actor: Actor, request: ListRequest): Promise<Page<View>> {
    const scopes = this.policy.listed(actor, request.deleted);
    const result = await listPage(this.store, this.kind.resource, request, scopes);
    return { data: result.rows.map(this.kind.present), pagination: pageOf(result, request) };
  }

  /** Walks through all the records of a list, from page to page. */
  walk(actor: Actor, request: ListRequest): Promise<Walk<View>> {
    const scopes = this.policy.listed(actor, request.deleted);
    return walkList(this.store, this.kind.resource, request, scopes, this.kind.present);
  }

  /** Searches the records the actor may see. @throws Error where no text of them is searched */
  async search(actor: Actor, search: Filter, options: Pick<Finding<Row>, "limit" | "facets">) {
    const { resource, searched, name } = this.kind;
    if (!searched) throw new Error(`The text of a ${name} is not searched.`);
    const findings = await findIn(this.store, {
      ...{ resource, search, scope: this.policy.readable(actor) },
      ...options,
    });
    return { ...findings, searched: searched as (item: { id: string }) => Searched };
  }

  /** Whether the actor's role lets them list such records at all. */
  mayList = (actor: Actor): boolean =>
    scopeOf(actor, `${this.kind.resource.fields.resource}.read`) !== undefined;

  /**
   * One record; with `asOf`, as it was at that instant, to whoever may see it now or restore it.
   * @throws NotFound when there is no such record or the actor may not see it, Gone when they may restore it
   * @throws GoneThen when it was deleted then, or what it was is no longer kept
   */
  async get(actor: Actor, id: string, asOf?: number): Promise<View> {
    if (asOf !== undefined) return this.#getAsOf(actor, id, asOf);
    return this.kind.present(this.#live(actor, await this.kind.find(this.store.read, id)));
  }

  /**
   * Adds a record.
   * @throws Invalid for what the resource's rules forbid
   * @throws Conflict with the other record's id when a unique value is taken
   */
  create(actor: Actor, input: Input): Promise<View> {
    return this.#write(actor, (session) => this.createIn(session, actor, input));
  }

  /** The same within a transaction; `at` is when it happened. */
  async createIn(session: Session, actor: Actor, input: Input, at = now()): Promise<View> {
    return this.insert(session, actor, await this.begin(session, actor, input, at), at);
  }

  /**
   * Applies a patch and records what changed; a patch that changes nothing leaves no trace.
   * @throws NotFound when the record does not exist or the actor may not see it
   * @throws Stale when `ifMatch` names an older version, with the fields changed since
   * @throws Invalid for what the resource's rules forbid
   * @throws Conflict with the other record's id when a unique value is taken
   */
  change(actor: Actor, id: string, patch: Patch, ifMatch: IfMatch): Promise<View> {
    return this.#write(actor, (session) => this.changeIn(session, actor, id, patch, ifMatch));
  }

  /** The same within a transaction; `at` is when it happened. */
  async changeIn(
    session: Session,
    actor: Actor,
    id: string,
    patch: Patch,
    ifMatch: IfMatch,
    at = now(),
  ): Promise<View> {
    return this.#changeTo(session, actor, await this.visible(session, actor, id), patch, ifMatch, at);
  }

  async #changeTo(
    session: Session,
    actor: Actor,
    before: Row,
    patch: Patch,
    ifMatch: IfMatch,
    at: number,
  ): Promise<View> {
    if (!this.policy.mayChange(actor, before)) throw this.#mayNot("change");
    await assertCurrent(session, this.kind.name, before, ifMatch);
    const change = await this.revise(session, actor, before, patch, at);
    return this.update(session, actor, "updated", before, change, at);
  }

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
      return this.#begun(await this.begin(session, actor, input, at), at);
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

  #begun(made: NewRecord<Row>, at: number): Row {
    const begun: RecordRow = {
      ...{ id: newId(), version: 1 },
      ...{ created_at: at, updated_at: at, deleted_at: null },
    };
    // The two parts of a Row: TypeScript does not put a generic one together again.
    return { ...made, ...begun } as unknown as Row;
  }

  /** Hides a record. Its unique values are free again at once. */
  async delete(actor: Actor, id: string, ifMatch: IfMatch): Promise<void> {
    await this.#write(actor, (session) => this.deleteIn(session, actor, id, ifMatch));
  }

  /** The same within a transaction; `at` is when it happened. */
  async deleteIn(session: Session, actor: Actor, id: string, ifMatch: IfMatch, at = now()): Promise<View> {
    const before = await this.visible(session, actor, id);
    if (!this.policy.mayDelete(actor, before)) throw this.#mayNot("delete");
    await assertCurrent(session, this.kind.name, before, ifMatch);
    return this.update(session, actor, "deleted", before, { deleted_at: at } as Partial<Row>, at);
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
      const after = await this.#changeTo(session, actor, before, change.set, ifMatch, at);
      return after.version !== before.version;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const [first] = error.details.errors ?? [];
      return left(first?.code ?? error.code, error.message, first?.field ?? null);
    }
  }

  /**
   * Brings a deleted record back; one that is not deleted stays as it is.
   * @throws Stale when `ifMatch` names an older version
   * @throws Conflict with the other record's id when a unique value is taken by now
   */
  restore(actor: Actor, id: string, ifMatch: IfMatch): Promise<View> {
    return this.#write(actor, async (session) => {
      const before = this.#known(actor, await this.kind.find(session, id));
      if (!this.policy.mayDelete(actor, before)) throw this.#mayNot("restore");
      await assertCurrent(session, this.kind.name, before, ifMatch);
      return this.update(session, actor, "restored", before, { deleted_at: null } as Partial<Row>);
    });
  }

  /** Whether there is a live record with this id that the actor may see. For other features, in their transaction. */
  sees = async (session: Session, actor: Actor, id: string): Promise<boolean> =>
    (await this.seen(session, actor, id)) !== undefined;

  /** The live record with this id, if the actor may see it. For other features, in their transaction. */
  async seen(session: Session, actor: Actor, id: string): Promise<Row | undefined> {
    const row = await this.current(session, id);
    return row && this.policy.mayRead(actor, row) ? row : undefined;
  }

  /** The live records among these that the actor may see. For other features, in their transaction. */
  async seenAmong(session: Session, actor: Actor, ids: readonly string[]): Promise<Row[]> {
    const rows = await this.kind.findMany(session, JSON.stringify(ids));
    return rows.filter((row) => row.deleted_at === null && this.policy.mayRead(actor, row));
  }

  /** The live record with this id, whoever asks: for the server's own work, which shows it to nobody. */
  async current(session: Session, id: string): Promise<Row | undefined> {
    const row = await this.kind.find(session, id);
    return row?.deleted_at === null ? row : undefined;
  }

  /**
   * Reads records once for whoever asks who may see them. A deleted record is for those who could see it until then: they
   * show it still.
   */
  async watchersOf(session: Session, ids: readonly string[]): Promise<(actor: Actor, id: string) => boolean> {
    const found = await Promise.all(ids.map((id) => this.kind.find(session, id)));
    const rows = new Map(found.flatMap((row) => (row ? [[row.id, row]] : [])));
    return (actor, id) => {
      const row = rows.get(id);
      return row !== undefined && this.policy.mayRead(actor, row);
    };
  }

  /** A live record, within a transaction. @throws NotFound, Gone as `get` does */
  async visible(session: Session, actor: Actor, id: string): Promise<Row> {
    return this.#live(actor, await this.kind.find(session, id));
  }

  /**
   * Takes back what events tell, one after the other, within a transaction: what they added is removed for good, what they
   * deleted is there again, and each field that they changed has its value of before. What somebody changed since stays.
   * @returns for each of them what stays, and why
   */
  undoIn = async (
    session: Session,
    actor: Actor,
    events: readonly Undone[],
    undoing: Undoing,
  ): Promise<Left[][]> => {
    const lefts: Left[][] = [];
    while (lefts.length < events.length) {
      const others = events.slice(lefts.length);
      const end = others.findIndex(({ type }) => actionOf(type) !== "created");
      const creations = end < 0 ? others : others.slice(0, end);
      if (creations.length > 0)
        lefts.push(...(await this.#undoCreations(session, actor, creations, undoing)));
      else lefts.push(await this.#undoOne(session, actor, others[0]!));
    }
    return lefts;
  };

  async #undoOne(session: Session, actor: Actor, event: Undone): Promise<Left[]> {
    const row = await this.kind.find(session, event.entity_id);
    if (!row) return [];
    const action = actionOf(event.type);
    const may = action === "updated" ? this.policy.mayChange(actor, row) : this.policy.mayDelete(actor, row);
    if (!may) return [this.#mayNotUndo()];
    if (action === "deleted") return this.#undoDeletion(session, actor, row);
    return action === "updated" ? this.#undoChange(session, actor, event, row) : [];
  }

  /** Adds a record within a transaction and records it. @throws Conflict when a unique value is taken */
  async insert(session: Session, actor: Actor, made: NewRecord<Row>, at = now()): Promise<View> {
    const { name, present } = this.kind;
    const row = this.#begun(made, at);
    await this.#naming(row, () => this.kind.insert(session, row));
    const view = present(row);
    await record(session, actor, `${name}.created`, null, view, at);
    return view;
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
    if (rows.some((row) => !this.policy.mayChange(actor, row))) throw this.#mayNot("change");
    const { name, present } = this.kind;
    await write(JSON.stringify(rows.map(({ id }) => id)), at);
    const changed = rows.map((row) => ({
      before: present(row),
      after: present({ ...row, ...change, updated_at: at, version: row.version + 1 }),
    }));
    await recordEach(session, actor, `${name}.updated`, changed, at);
  }

  /** Changes a record within a transaction and records it. @throws Conflict when a unique value is taken */
  update(
    session: Session,
    actor: Actor,
    action: "updated" | "deleted" | "restored",
    before: Row,
    change: Partial<Row>,
    at = now(),
  ): Promise<View> {
    return this.#update(session, actor, action, before, change, at);
  }

  /** The same, without what else follows from a change of such a record. */
  async #update(
    session: Session,
    actor: Actor,
    action: "updated" | "deleted" | "restored",
    before: Row,
    change: Partial<Row>,
    at = now(),
  ): Promise<View> {
    const { name, present } = this.kind;
    const changed: Row = { ...before, ...change };
    if (Bun.deepEquals(before, changed)) return present(before);
    const after: Row = { ...changed, version: before.version + 1, updated_at: at };
    await this.#naming(after, () => this.kind.update(session, before, after));
    const view = present(after);
    await record(session, actor, `${name}.${action}`, present(before), view, after.updated_at);
    return view;
  }

  /** What was added goes for good, all of it at once. */
  async #undoCreations(
    session: Session,
    actor: Actor,
    events: readonly Undone[],
    { jobs, inUse }: Undoing,
  ): Promise<Left[][]> {
    const { name, resource } = this.kind;
    const ids = JSON.stringify(events.map(({ entity_id }) => entity_id));
    const rows = new Map((await this.kind.findMany(session, ids)).map((row) => [row.id, row]));
    const changed = await changedByOthers(session, name, events, jobs);
    const used = await inUse?.(session, ids);
    const going: Row[] = [];
    const lefts = events.map(({ entity_id: id }) => {
      const row = rows.get(id);
      if (!row) return [];
      if (!this.policy.mayDelete(actor, row)) return [this.#mayNotUndo()];
      const since = changed.get(id);
      if (since) return [editedSince(since)];
      if (used?.has(id)) return [left("in_use", "Other records point to it by now.")];
      going.push(row);
      return [];
    });
    if (going.length === 0) return lefts;
    const purged = going.map(({ id, version }) => ({ id, version: version + 1 }));
    await remarkEach(session, actor, `${name}.purged`, purged);
    // What can be rebuilt from events can be removed: their tables have an id.
    const gone = JSON.stringify(going.map(({ id }) => id));
    await removeManyFrom(resource.fields.resource as RebuiltTable).all(session, { ids: gone });
    return lefts;
  }

  #mayNotUndo(): Left {
    return left("forbidden", `You may not take back what was done to this ${this.kind.name}.`);
  }

  async #undoDeletion(session: Session, actor: Actor, row: Row): Promise<Left[]> {
    if (row.deleted_at === null) return [];
    const change = { deleted_at: null } as Partial<Row>;
    const taken = await this.#takenBy(session, { ...row, ...change });
    if (taken) return [taken];
    await this.#update(session, actor, "restored", row, change);
    return [];
  }

  async #undoChange(session: Session, actor: Actor, event: Undone, row: Row): Promise<Left[]> {
    const view = this.kind.present(row);
    const kept: Left[] = [];
    const before: Record<string, unknown> = {};
    for (const [field, [was, became]] of Object.entries(event.changes)) {
      if (Bun.deepEquals(view[field] ?? null, became)) before[field] = was;
      else kept.push(left("edited_since", "It was changed since.", field));
    }
    const fields = Object.keys(before);
    if (fields.length === 0) return kept;
    const then = revived(this.kind.resource.fields.resource as RebuiltTable, before);
    const change = Object.fromEntries(
      fields.map((field) => [field, (then as Record<string, unknown>)[field]]),
    ) as Partial<Row>;
    const taken = row.deleted_at === null && (await this.#takenBy(session, { ...row, ...change }, fields));
    if (taken) return [...kept, taken];
    await this.#update(session, actor, "updated", row, change);
    return kept;
  }

  /**
   * Why a record cannot be as `row` says: another one has a value that is to be unique.
   * @param fields those that it did not have before; without, all of them
   */
  async #takenBy(session: Session, row: Row, fields?: readonly string[]): Promise<Left | undefined> {
    for (const unique of this.kind.unique) {
      const { field } = unique;
      if (row[field as keyof Row] === null || fields?.includes(field) === false) continue;
      const holder = await unique.holder(session, row);
      if (holder && holder.id !== row.id)
        return left(`${field}_taken`, `Another ${this.kind.name} has this ${field} by now.`, field);
    }
    return undefined;
  }

  async #takenByPatch(session: Session, before: Row, patch: Patch): Promise<Left | undefined> {
    const after: Row = { ...before, ...trimmed(this.kind.unique, patch as Record<string, unknown>) };
    const fields = this.kind.unique.map(({ field }) => field as keyof Row);
    const changed = fields.filter((field) => after[field] !== before[field]);
    return changed.length === 0 ? undefined : this.#takenBy(session, after, changed as string[]);
  }

  async #getAsOf(actor: Actor, id: string, instant: number): Promise<View> {
    const { name, present } = this.kind;
    const now = present(this.#known(actor, await this.kind.find(this.store.read, id)));
    const then = await recordAt(this.store.read, name, id, instant);
    if (then === "not_yet") throw new NotFound(name);
    if (then === "forgotten") throw new GoneThen("history_gone", name);
    // PostgreSQL keeps the names in an order of its own, and what has been added since was not there.
    const view = Object.fromEntries(
      Object.keys(now).map((field) => [field, then.told[field] ?? null]),
    ) as View;
    if (view["deleted_at"] !== null) throw new GoneThen("deleted_then", name, { version: view.version });
    return view;
  }

  /** What was found, if it is live and the actor may see it. */
  #live(actor: Actor, found: Row | undefined): Row {
    const row = this.#known(actor, found);
    if (row.deleted_at !== null) throw new Gone(this.kind.name, row.version);
    return row;
  }

  /** What was found, if the actor may see it, or restore it when it is deleted. */
  #known(actor: Actor, row: Row | undefined): Row {
    if (!row || !this.#mayKnow(actor, row)) throw new NotFound(this.kind.name);
    return row;
  }

  #mayKnow(actor: Actor, row: Row): boolean {
    return row.deleted_at === null ? this.policy.mayRead(actor, row) : this.policy.mayDelete(actor, row);
  }

  async #write<T>(actor: Actor, work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await write(this.store, actor, work);
    } catch (error) {
      if (!(error instanceof Taken)) throw error;
      // Asked after the rollback, because PostgreSQL's transaction is over with the first error.
      const { unique, row } = error as Taken<Row>;
      throw new Taken(this.kind.name, unique, row, await this.#holder(actor, unique, row));
    }
  }

  /** Who holds the value, if the actor may know: an id tells that there is such a record. */
  async #holder(actor: Actor, unique: UniqueField<Row>, row: Row): Promise<Row | undefined> {
    const holder = await unique.holder(this.store.read, row);
    const found = holder && (await this.kind.find(this.store.read, holder.id));
    return found && this.#mayKnow(actor, found) ? found : undefined;
  }

  /** Names the field whose value is taken. */
  async #naming(row: Row, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DbError) || error.kind !== "unique") throw error;
      const unique = this.kind.unique.find(({ column }) => column === error.field);
      throw unique ? new Taken(this.kind.name, unique, row) : error;
    }
  }

  #mayNot(verb: string) {
    return new Forbidden(`You may see this ${this.kind.name}, but not ${verb} it.`);
  }
}

/** All that a refusal finds wrong, each by itself. */
export const leftsOf = ({ code, message, details }: Refusal): Left[] =>
  details.errors?.map((error) => left(error.code, error.message, error.field)) ?? [left(code, message)];

const editedSince = (fields: readonly string[]): Left =>
  left(
    "edited_since",
    `It was changed since it was added${fields.length > 0 ? `: ${fields.join(", ")}` : ""}.`,
  );

const left = (code: string, message: string, field: string | null = null): Left => ({ field, code, message });

/** The unique values of a patch, in the form in which they are compared. */
const trimmed = (unique: readonly { field: string }[], patch: Record<string, unknown>): object =>
  Object.fromEntries(
    unique.flatMap(({ field }) => {
      const value = patch[field];
      return typeof value === "string" ? [[field, value.trim()]] : [];
    }),
  );
