/** Lists of one's own records: found through who owns them when they are few, in the order of the list when they are many. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { listPage, type Resource } from "../../../src/db/list";
import { insertManyInto } from "../../../src/db/rows";
import { taskFields } from "../../../src/features/tasks/fields";
import { clientPolicy } from "../../../src/features/clients/policy";
import { taskPolicy } from "../../../src/features/tasks/policy";
import { countTasks } from "../../../src/features/tasks/stats";
import { taskColumns, wholeTask, type TaskRow } from "../../../src/features/tasks/store";
import { parseList } from "../../../src/list";
import { newId } from "../../../src/ids";
import type { Actor } from "../../../src/policy";
import { openBoth, queryOf, start, users } from "./support";
import { statement, watched } from "./watched";

setDefaultTimeout(60_000);

const amount = 6_000;
const resource: Resource<TaskRow> = { fields: taskFields, columns: taskColumns };

const task = (i: number, owner: string): TaskRow => ({
  ...{
    id: newId(),
    external_id: null,
    description: null,
    client_id: null,
    remind_at: null,
    recurrence: null,
  },
  ...{ title: `Task ${(i * 7919) % amount}`, priority: (["low", "high"] as const)[i % 2]! },
  status: (["todo", "in_progress", "done", "cancelled"] as const)[i % 4]!,
  completed_at: i % 4 === 2 ? start + i : null,
  due_date: i % 3 === 0 ? null : start + ((i * 104_729) % amount),
  // Made by one and done by another, by oneself, or by nobody.
  created_by: i % 2 === 0 ? owner : users.lan,
  assigned_to: i % 3 === 0 ? owner : i % 2 === 0 ? null : owner,
  ...{
    created_at: start + i,
    updated_at: start + ((i * 31) % amount),
    deleted_at: i % 50 === 0 ? start : null,
  },
  version: 1,
});

let both: Awaited<ReturnType<typeof openBoth>>;
const rows: TaskRow[] = [];
beforeAll(async () => {
  both = await openBoth();
  for (let i = 0; i < amount; i++) rows.push(task(i, i % 600 === 7 ? users.minh : users.lan));
  for (const store of both.stores) {
    await store.tx((session) => insertManyInto("tasks")(session, rows.map(wholeTask)));
    await store.tx(async (session) => void (await session.run(statement("ANALYZE"), [])));
  }
});
afterAll(() => both.close());

const actor = (userId: string): Actor => ({
  ...{ kind: "user", userId, sessionId: null, timeZone: "UTC", requestId: "own-records" },
  grants: { "tasks.read": "own" },
});
const owners = { lan: "many", minh: "few" } as const;
const policy = taskPolicy(clientPolicy(() => "all"));
const isOwn = (row: TaskRow, id: string) =>
  row.deleted_at === null && (row.created_by === id || row.assigned_to === id);

test.each(Object.entries(owners))(
  "%s, who has %s, sees the own ones and no others, in any order",
  async (name) => {
    const id = users[name as keyof typeof owners];
    const own = rows.filter((row) => isOwn(row, id));
    const pending = own.filter(({ status }) => /todo|in_progress/.test(status)).map((row) => row.id);
    for (const store of both.stores) {
      for (const sort of taskFields.sortKeys.flatMap((key) => [key, `-${key}`])) {
        const seen: string[] = [];
        for (let cursor: string | undefined, isDone = false; !isDone; isDone = cursor === undefined) {
          const query = queryOf({ sort, limit: 200, cursor, status: "pending", count: "exact" });
          const request = parseList(taskFields, query, { timeZone: "UTC" });
          const page = await listPage(store, resource, request, policy.listed(actor(id), "none"));
          seen.push(...page.rows.map((row) => row.id));
          cursor = page.nextCursor ?? undefined;
          expect(page.total).toBe(pending.length);
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.toSorted()).toEqual(pending.toSorted());
      }
      const stats = await countTasks(store, [], policy.readable(actor(id)), "UTC");
      expect(stats.total).toBe(own.length);
    }
  },
);

test("few are found through their owner, whatever the order and the filter", async () => {
  for (const store of both.stores) {
    for (const sort of [...taskFields.sortKeys, "-created_at", "priority,-title"]) {
      for (const filter of ["", "&status=pending", "&filter[title][contains]=1", "&count=exact"]) {
        const { session, plans } = watched(store);
        const request = parseList(taskFields, `sort=${sort}${filter}`, { timeZone: "UTC" });
        const aside = () => {
          throw new Error("Few records are no long read.");
        };
        await listPage({ read: session, aside }, resource, request, policy.listed(actor(users.minh), "none"));
        for (const plan of plans) {
          expect(plan).toMatch(/tasks_by_creator/);
          expect(plan).toMatch(/tasks_by_assignee/);
          expect(plan).not.toMatch(/SCAN tasks|Seq Scan/);
        }
      }
    }
  }
});

test("many are read in the order of the list", async () => {
  for (const store of both.stores) {
    for (const sort of taskFields.sortKeys) {
      const { session, plans } = watched(store);
      const request = parseList(taskFields, `sort=${sort}&count=none`, { timeZone: "UTC" });
      const read = { read: store.read, aside: () => session };
      await listPage(read, resource, request, policy.listed(actor(users.lan), "none"));
      for (const plan of plans) expect(plan).not.toMatch(/TEMP B-TREE|\bSort\b|Seq Scan/);
    }
  }
});
