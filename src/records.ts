import { now } from "./clock";
import { DbError } from "./db/errors";
import { listPage, pageOf } from "./db/list";
import { walkList, type Walk } from "./db/list-walk";
import type { Session, Store } from "./db/store";
import { write } from "./db/write";
import { Conflict, Forbidden, Gone, GoneThen, NotFound } from "./errors";
import { assertCurrent, type IfMatch } from "./events/current";
import type { Rebuilt } from "./events/replay";
import { recordAt } from "./events/history";
import { record, type Recorded } from "./events/record";
import { findIn, type Finding } from "./db/search-find";
import type { Filter, ListRequest, Page } from "./list";
import type { Searched } from "./search/document";
import { newId } from "./ids";
import { scopeOf, type Actor } from "./policy";
import type { NewRecord, RecordKind, RecordPolicy, RecordRow, UniqueField } from "./record-kind";

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
    return this.changeTo(session, actor, await this.visible(session, actor, id), patch, ifMatch, at);
  }

  /** The same for a record as it is in this transaction. */
  protected async changeTo(
    session: Session,
    actor: Actor,
    before: Row,
    patch: Patch,
    ifMatch: IfMatch,
    at: number,
  ): Promise<View> {
    if (!this.policy.mayChange(actor, before)) throw this.mayNot("change");
    await assertCurrent(session, this.kind.name, before, ifMatch);
    const change = await this.revise(session, actor, before, patch, at);
    return this.update(session, actor, "updated", before, change, at);
  }

  /** What a new record is made from, with the columns that every record has. */
  protected begun(made: NewRecord<Row>, at: number): Row {
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
    if (!this.policy.mayDelete(actor, before)) throw this.mayNot("delete");
    await assertCurrent(session, this.kind.name, before, ifMatch);
    return this.update(session, actor, "deleted", before, { deleted_at: at } as Partial<Row>, at);
  }

  /**
   * Brings a deleted record back; one that is not deleted stays as it is.
   * @throws Stale when `ifMatch` names an older version
   * @throws Conflict with the other record's id when a unique value is taken by now
   */
  restore(actor: Actor, id: string, ifMatch: IfMatch): Promise<View> {
    return this.#write(actor, async (session) => {
      const before = this.#known(actor, await this.kind.find(session, id));
      if (!this.policy.mayDelete(actor, before)) throw this.mayNot("restore");
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
    return row && this.shows(actor, row) ? row : undefined;
  }

  /** Whether the actor may see this record, which is live. For other features. */
  shows = (actor: Actor, row: Row): boolean => this.policy.mayRead(actor, row);

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
    const found = await this.kind.findMany(session, JSON.stringify(ids));
    const rows = new Map(found.map((row) => [row.id, row]));
    return (actor, id) => {
      const row = rows.get(id);
      return row !== undefined && this.policy.mayRead(actor, row);
    };
  }

  /** A live record, within a transaction. @throws NotFound, Gone as `get` does */
  async visible(session: Session, actor: Actor, id: string): Promise<Row> {
    return this.#live(actor, await this.kind.find(session, id));
  }

  /** Adds a record within a transaction and records it. @throws Conflict when a unique value is taken */
  async insert(session: Session, actor: Actor, made: NewRecord<Row>, at = now()): Promise<View> {
    const { name, present } = this.kind;
    const row = this.begun(made, at);
    await this.#naming(row, () => this.kind.insert(session, row));
    const view = present(row);
    await record(session, actor, `${name}.created`, null, view, at);
    return view;
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
    return this.updateAlone(session, actor, action, before, change, at);
  }

  /** The same, without what else follows from a change of such a record. */
  protected async updateAlone(
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

  /** What is told to somebody who sees a record and wants more. */
  protected mayNot(verb: string) {
    return new Forbidden(`You may see this ${this.kind.name}, but not ${verb} it.`);
  }
}
