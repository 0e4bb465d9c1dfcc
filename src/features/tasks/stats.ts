import { and, isNull, sql } from "drizzle-orm";
import { now } from "../../clock";
import { count } from "../../db/count";
import { hotByShape, type Query } from "../../db/hot";
import { settled, type ListScope } from "../../db/list-scope";
import { bindFilters, filterConditions, filterShape } from "../../db/list-filters";
import type { Store } from "../../db/store";
import { searchIn } from "../../db/list-search";
import { searched } from "../../db/search";
import { queryOf, rankOf, readInstant, type Filter } from "../../list";
import { taskFields } from "./fields";
import { pendingStatuses, taskPriorities, taskStatuses, type TaskStats, type TaskStatus } from "./schema";

/** The tasks of one status and priority. */
interface Group {
  status: TaskStatus;
  priority_key: number;
  total: number;
  overdue: number;
  due_today: number;
  unassigned: number;
}

const groups = hotByShape<Group>();

/** Counts tasks, off the event loop where they are many: those in the scope that `given` lets through, days by `timeZone`. */
export async function countTasks(
  store: Pick<Store, "read" | "aside">,
  given: readonly Filter[],
  listed: ListScope,
  timeZone: string,
): Promise<TaskStats> {
  const { search, filters } = searchIn(given);
  const own = await settled(store, "tasks", listed);
  const within = { table: "tasks", scope: own, isIndexed: true } as const;
  const scope = search ? await searched(store, store.aside(listed.caller), queryOf(search), within) : own;
  const clock = { now: now(), timeZone };
  const args = {
    ...scope.args,
    now: clock.now,
    today: readInstant("today", clock),
    tomorrow: readInstant("today+1d", clock),
  };
  bindFilters(filters, args);
  const found = await groups.all(
    scope.isFew ? store.read : store.aside(scope.caller),
    `${filterShape(filters)}|${scope.shape}`,
    (shape, p) => {
      const { tasks } = shape.t;
      return shape.q
        .select({
          status: tasks.status,
          priority_key: tasks.priority_key,
          total: count(),
          overdue: count(sql`${tasks.due_date} < ${p.now}`),
          due_today: count(sql`${tasks.due_date} >= ${p.today} and ${tasks.due_date} < ${p.tomorrow}`),
          unassigned: count(isNull(tasks.assigned_to)),
        })
        .from(tasks)
        .where(
          and(scope.where(shape, p), ...filterConditions(shape, p, { fields: taskFields, scope }, filters)),
        )
        .groupBy(tasks.status, tasks.priority_key) as unknown as Query<Group>;
    },
    args,
  );
  return summary(found);
}

function summary(found: Group[]): TaskStats {
  const pending = found.filter(({ status }) => (pendingStatuses as readonly string[]).includes(status));
  const having = (status: TaskStatus) => found.filter((group) => group.status === status);
  const ranked = (priority: (typeof taskPriorities)[number]) =>
    found.filter(({ priority_key }) => priority_key === rankOf(taskPriorities, priority));
  return {
    total: sum(found, "total"),
    by_status: each(taskStatuses, (status) => sum(having(status), "total")),
    by_priority: each(taskPriorities, (priority) => sum(ranked(priority), "total")),
    pending: sum(pending, "total"),
    completed: sum(having("done"), "total"),
    overdue: sum(pending, "overdue"),
    due_today: sum(pending, "due_today"),
    unassigned: sum(pending, "unassigned"),
  };
}

const sum = (found: Group[], what: "total" | "overdue" | "due_today" | "unassigned") =>
  found.reduce((total, group) => total + group[what], 0);

const each = <Name extends string>(names: readonly Name[], valueOf: (name: Name) => number) =>
  Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<Name, number>;
