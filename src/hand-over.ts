import { and, eq, isNull, sql } from "drizzle-orm";
import { setImmediate } from "node:timers/promises";
import { hot, value, type Params, type Query } from "./db/hot";
import { recordColumns, type RecordOf } from "./db/rows";
import type { Session } from "./db/store";
import { Conflict } from "./errors";
import type { Recorded } from "./events/record";
import type { Actor } from "./policy";
import type { ManyRecordService } from "./many-records";

/** Live records that somebody works on, and that go to somebody else when they leave. */
export interface Assignments {
  /**
   * Gives them from one person to another within a transaction, each by the rules of its kind and with its own event.
   * @throws Forbidden when the actor may not change one of them
   * @throws Conflict when they are more than one transaction takes
   */
  handOver(session: Session, actor: Actor, from: string, to: string): Promise<void>;
}

/** The kinds of records that are assigned to people. */
type AssignedTable = "clients" | "tasks";

/** All or nothing is one transaction, during which SQLite lets nobody else write: so many take it less than a second. */
const mostAtOnce = 2_000;

/** How many are changed with one statement, before the event loop takes a turn: reads go on meanwhile. */
const turn = 100;

/** What is assigned to somebody in this table; `service` knows its rules. */
export function assignments<Table extends AssignedTable, View extends Recorded, Input, Patch>(
  table: Table,
  service: ManyRecordService<RecordOf<Table>, View, Input, Patch>,
): Assignments {
  const assigned = assignedIn(table);
  const give = giveIn(table);
  return {
    async handOver(session, actor, from, to) {
      const rows = await assigned.all(session, { assigned_to: from, most: mostAtOnce + 1 });
      if (rows.length > mostAtOnce) throw tooMany(table);
      const change = { assigned_to: to };
      const write = (ids: string, updated_at: number) => give.all(session, { ...change, ids, updated_at });
      for (let done = 0; done < rows.length; done += turn) {
        if (done > 0) await setImmediate();
        const some = rows.slice(done, done + turn);
        await service.amendMany(session, actor, some, change as Partial<RecordOf<Table>>, write);
      }
    },
  };
}

const assignedIn = <Table extends AssignedTable>(name: Table) =>
  hot(({ t, q }, p: Params<{ assigned_to: string; most: number }>) => {
    const table = t[name as "clients"];
    return q
      .select(recordColumns(name as "clients")(t))
      .from(table)
      .where(and(eq(table.assigned_to, p.assigned_to), isNull(table.deleted_at)))
      .limit(p.most) as PromiseLike<unknown> as Query<RecordOf<Table>>;
  });

/** Gives records to somebody; `ids` is a JSON array. */
const giveIn = (name: AssignedTable) =>
  hot(({ t, q, dialect }, p: Params<{ ids: string; assigned_to: string; updated_at: number }>) => {
    const table = t[name as "clients"];
    return q
      .update(table)
      .set({
        assigned_to: value(table.assigned_to, p.assigned_to),
        updated_at: value(table.updated_at, p.updated_at),
        version: sql`${table.version} + 1`,
      })
      .where(dialect.isAmong(table.id, p.ids)) as PromiseLike<unknown> as Query<never>;
  });

const tooMany = (table: AssignedTable) =>
  new Conflict(
    "too_many_to_hand_over",
    `More than ${mostAtOnce} ${table} are theirs. Give some to others first, or leave out reassign_to.`,
    { most: mostAtOnce },
  );
