import { and, eq, isNull } from "drizzle-orm";
import { setImmediate } from "node:timers/promises";
import { hot, type Params, type Query } from "./db/hot";
import { recordColumns, type RecordOf } from "./db/rows";
import type { Session } from "./db/store";
import { Conflict } from "./errors";
import type { Recorded } from "./events/record";
import type { Actor } from "./policy";
import type { RecordService } from "./records";

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

/** How many are changed before the event loop takes a turn: reads go on meanwhile. */
const turn = 50;

/** What is assigned to somebody in this table; `service` knows its rules. */
export function assignments<Table extends AssignedTable, View extends Recorded, Input, Patch>(
  table: Table,
  service: RecordService<RecordOf<Table>, View, Input, Patch>,
): Assignments {
  const assigned = assignedIn(table);
  return {
    async handOver(session, actor, from, to) {
      const rows = await assigned.all(session, { assigned_to: from, most: mostAtOnce + 1 });
      if (rows.length > mostAtOnce) throw tooMany(table);
      for (const [i, row] of rows.entries()) {
        await service.amend(session, actor, row, { assigned_to: to } as Partial<RecordOf<Table>>);
        if (i % turn === turn - 1) await setImmediate();
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

const tooMany = (table: AssignedTable) =>
  new Conflict(
    "too_many_to_hand_over",
    `More than ${mostAtOnce} ${table} are theirs. Give some to others first, or leave out reassign_to.`,
    { most: mostAtOnce },
  );
