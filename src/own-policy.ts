import { and, eq, isNotNull, isNull, or, sql, type SQL } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { ListScope } from "./db/list";
import type { ListParams } from "./db/list-filters";
import type { Shape } from "./db/hot";
import type { DeletedMode } from "./list";
import { isUser, scopeOf, type Actor, type Scope } from "./policy";
import type { RecordPolicy } from "./record-kind";

/** How far an actor reaches: not at all, to their own records, or to all. */
export type Reach = Scope | "none";

/** A record that belongs to whoever made it and whoever works on it. */
export interface OwnedRow {
  created_by: string;
  assigned_to: string | null;
}

/** Who sees records of one kind. */
export type Readers = Pick<RecordPolicy<never>, "readable">;

/** The tables of such records. */
type OwnedTable = "clients" | "tasks";

/**
 * Grants that reach to one's own records or to all: `<table>.read`, `.update` and `.delete`. Own means created by the
 * actor or assigned to them. One predicate for a record, and the same as a condition for a query.
 */
export class OwnPolicy<Row extends OwnedRow> implements RecordPolicy<Row> {
  /**
   * @param narrowed how far reading reaches, where a setting narrows what is granted
   * @param related who sees the records that these point to, by the name of the relation
   */
  constructor(
    private readonly table: OwnedTable,
    private readonly narrowed: (actor: Actor, granted: Reach) => Reach = (_, granted) => granted,
    private readonly related: Readonly<Record<string, Readers>> = {},
  ) {}

  /** For a live record. */
  mayRead(actor: Actor, row: OwnedRow): boolean {
    return reaches(this.#reading(actor), actor, row);
  }

  mayChange(actor: Actor, row: Row): boolean {
    return reaches(this.#granted(actor, "update"), actor, row);
  }

  /** Whoever may delete a record may restore it. */
  mayDelete(actor: Actor, row: Row): boolean {
    return reaches(this.#granted(actor, "delete"), actor, row);
  }

  /** Live records that the actor may see, deleted ones that they may restore. */
  listed(actor: Actor, deleted: DeletedMode): ListScope[] {
    if (deleted === "none") return [this.readable(actor)];
    const restorable = this.#scope(actor, "deleted", this.#granted(actor, "delete"));
    return deleted === "only" ? [restorable] : [this.readable(actor), restorable];
  }

  /** Live records that the actor may see. */
  readable(actor: Actor): ListScope {
    return this.#scope(actor, "live", this.#reading(actor));
  }

  /** How far the actor reaches among these records, deleted or not: for what belongs to one, and follows its policy. */
  reach(actor: Actor, action: "read" | "update"): Reach {
    return action === "read" ? this.#reading(actor) : this.#granted(actor, "update");
  }

  #scope(actor: Actor, state: "live" | "deleted", reach: Reach): ListScope {
    const related = Object.entries(this.related).map(
      ([name, readers]) => [name, readers.readable(actor)] as const,
    );
    return {
      shape: [`${state} ${reach}`, ...related.map(([name, { shape }]) => `${name} ${shape}`)].join(", "),
      related: Object.fromEntries(related),
      // A share link and a user can have the same id: only a user owns anything.
      args: {
        ...Object.assign({}, ...related.map(([, { args }]) => args)),
        me: actor.kind === "user" ? actor.userId : null,
      },
      caller: `${actor.kind} ${actor.userId}`,
      ...(reach === "own" && state === "live" && { own: (shape, p) => this.#own(shape, p) }),
      where: ({ t }, p) => {
        const records = t[this.table];
        const mine = isMine(records, p);
        const isInState = state === "live" ? isNull(records.deleted_at) : isNotNull(records.deleted_at);
        return and(isInState, within(reach, mine));
      },
    };
  }

  #own({ t, dialect }: Shape, p: ListParams): SQL[] {
    const records = t[this.table];
    const ways = [records.created_by, records.assigned_to];
    return ways.map((column) => and(isNull(records.deleted_at), dialect.rare(eq(column, p.me!)))!);
  }

  #granted(actor: Actor, action: "read" | "update" | "delete"): Reach {
    return scopeOf(actor, `${this.table}.${action}`) ?? "none";
  }

  #reading(actor: Actor): Reach {
    return this.narrowed(actor, this.#granted(actor, "read"));
  }
}

/** Whether a record is the caller's own, who is `me`. */
export const isMine = (records: Record<keyof OwnedRow, PgColumn>, p: ListParams): SQL =>
  or(eq(records.created_by, p.me!), eq(records.assigned_to, p.me!))!;

/** Whether an actor who reaches so far reaches this record. */
export const reaches = (reach: Reach, actor: Actor, { created_by, assigned_to }: OwnedRow) =>
  reach === "all" || (reach === "own" && (isUser(actor, created_by) || isUser(actor, assigned_to)));

const within = (reach: Reach, mine: SQL | undefined) =>
  reach === "all" ? undefined : reach === "own" ? mine : sql`1 = 0`;
