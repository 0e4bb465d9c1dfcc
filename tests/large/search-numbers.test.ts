/** Lists of much that is found, in an order of their own: by the numbers of rows where these can be trusted, and the same without. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { and, isNull, ne } from "drizzle-orm";
import { DbError } from "../../src/db/errors";
import { listPage } from "../../src/db/list";
import type { ListScope } from "../../src/db/list-scope";
import { walkList } from "../../src/db/list-walk";
import { numbersAgree } from "../../src/db/search-numbers";
import type { Store } from "../../src/db/store";
import { clientSearch, searchedOfClient } from "../../src/features/clients/search";
import { insertClients, type ClientRow } from "../../src/features/clients/store";
import { taskFields } from "../../src/features/tasks/fields";
import { searchedOfTask, taskSearch } from "../../src/features/tasks/search";
import { insertTasks, taskColumns, wholeTask, type TaskRow } from "../../src/features/tasks/store";
import { newId } from "../../src/ids";
import { parseList } from "../../src/list";
import { indexNext } from "../../src/search/indexer";
import { fold } from "../../src/text";
import {
  client,
  clients,
  everything,
  insertAll,
  list,
  openBoth,
  openSearched,
  parse,
  start,
  users,
} from "../unit/list/support";
import { watched } from "../unit/list/watched";

setDefaultTimeout(60_000);

/** Most stand behind all others by name, so that the next records of a list rarely fill a page. */
const first = ["Anna", "Bea", "Zoé", "Zoé", "Zoé"];
const rows = Array.from({ length: 7_000 }, (_, i) =>
  client({
    name: `${first[(i * 7) % 5]} ${(i * 7_919) % 500}`,
    company: i % 3 === 0 ? null : `Company ${(i * 31) % 40}`,
    status: (["prospect", "active", "inactive", "customer"] as const)[(i >> 2) % 4],
    assigned_to: i % 7 === 0 ? users.lan : null,
  }),
);
/** Not in the order of their ids. */
const shuffled = rows.toSorted((a, b) => (Bun.hash(a.id) < Bun.hash(b.id) ? -1 : 1));

const run = (store: Store, text: string) =>
  store.tx(async (session) => session.run({ text, bind: () => [] }, []));
/** Of how many clients the row has another number than what is searched of it. */
const different = async (store: Store) =>
  (await run(store, "select count(*) as n from clients as c join clients_search as s on s.id = c.id where s.doc <> c.rowid"))[0]!["n"]; // prettier-ignore

let agreeing: Awaited<ReturnType<typeof openSearched>>;
let older: Awaited<ReturnType<typeof openSearched>>;
const sqliteOf = ({ stores }: typeof agreeing) => stores[0]!;

beforeAll(async () => {
  [agreeing, older] = [await openSearched(shuffled), await openSearched(shuffled)];
  // As a version before or a copy of the file may have left it.
  await run(sqliteOf(older), "update clients set rowid = rowid - 3");
  for (const store of [...agreeing.stores, sqliteOf(older)]) {
    const changed = rows.filter((_, i) => i % 500 === 3);
    await store.tx(async (session) => {
      for (const { id } of changed)
        await clientSearch.put(session, id, { title: "Anna", more: [], rest: [] });
    });
  }
});
afterAll(async () => {
  await agreeing.close();
  await older.close();
});

/** Of those that were changed, the text that is searched is another. */
const isFound = (_: ClientRow, i: number) => first[(i * 7) % 5] === "Zoé" && i % 500 !== 3;
const nullsLast = (a: string | null, b: string | null) =>
  a === b ? 0 : a === null ? 1 : b === null ? -1 : fold(a) < fold(b) ? -1 : 1;
const byId = (a: ClientRow, b: ClientRow) => (a.id < b.id ? -1 : 1);

const orders: [sort: string, compare: (a: ClientRow, b: ClientRow) => number][] = [
  ["name", (a, b) => nullsLast(a.name, b.name) || byId(a, b)],
  ["-name", (a, b) => -nullsLast(a.name, b.name) || -byId(a, b)],
  ["company", (a, b) => nullsLast(a.company, b.company) || byId(a, b)],
  ["status,name", (a, b) => nullsLast(a.status, b.status) || nullsLast(a.name, b.name) || byId(a, b)],
  ["name,-company", (a, b) => nullsLast(a.name, b.name) || (a.company === null || b.company === null ? nullsLast(a.company, b.company) : -nullsLast(a.company, b.company)) || -byId(a, b)], // prettier-ignore
];
const filters: [filter: string, lets: (row: ClientRow) => boolean][] = [
  ["", () => true],
  ["&status=active", ({ status }) => status === "active"],
  ["&filter[company][ne]=company 7", ({ company }) => company !== "Company 7"],
  ["&filter[company][contains]=3", ({ company }) => company?.includes("3") ?? false],
];

const cases = orders.flatMap(([sort, compare]) =>
  filters.map(([filter, lets]) => ({ sort, compare, filter, lets })),
);

test.each(cases)(
  "q=zoe$filter by $sort is the same however it is read",
  async ({ sort, compare, filter, lets }) => {
    const wanted = rows.filter((row, i) => isFound(row, i) && lets(row)).toSorted(compare).map(({ id }) => id); // prettier-ignore
    const query = `q=zoe${filter}&sort=${sort}`;
    for (const store of [...agreeing.stores, sqliteOf(older)]) {
      const seen: string[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        const page = await list(store, `${query}&limit=200${cursor && `&cursor=${cursor}`}`);
        expect(page.total).toBe(Math.min(1_000, wanted.length));
        seen.push(...page.rows.map(({ id }) => id));
        cursor = page.nextCursor;
      }
      expect(seen).toEqual(wanted);
      const third = await list(store, `${query}&limit=20&page=3&count=exact`);
      expect([third.total, third.rows.map(({ id }) => id)]).toEqual([wanted.length, wanted.slice(40, 60)]);
    }
  },
);

test("who may see some of them sees these, in the same order", async () => {
  const wanted = rows.filter((row, i) => isFound(row, i) && row.status !== "customer").toSorted(orders[1]![1]); // prettier-ignore
  const [all] = everything("none");
  const scope: ListScope = {
    ...{ ...all!, shape: "most" },
    where: (shape, p) => and(all!.where(shape, p), ne(shape.t.clients.status, "customer")),
  };
  for (const store of [...agreeing.stores, sqliteOf(older)]) {
    const request = parse("q=zoe&sort=-name&limit=100&page=7");
    const page = await listPage<ClientRow>(store, clients, request, [scope]);
    expect(page.rows.map(({ id }) => id)).toEqual(wanted.slice(600, 700).map(({ id }) => id));
    const next = await walkList<ClientRow, string>(store, clients, parse("q=zoe&sort=-name"), [scope], ({ id }) => id); // prettier-ignore
    expect(await next(5_000)).toEqual(wanted.map(({ id }) => id));
  }
});

test("what is added later has the number of its row, one by one and many at once", async () => {
  const store = sqliteOf(agreeing);
  const added = Array.from({ length: 8 }, (_, i) => client({ name: `Late ${i}` }));
  await store.tx((session) => insertClients(session, added.slice(0, 5), null));
  await store.tx((session) => insertClients(session, added.slice(5, 6), null));
  await run(store, `delete from clients where id in ('${added[5]!.id}', '${added[2]!.id}')`);
  // The newest goes, and its number is given again; what is put right later takes its own.
  await store.tx((session) => insertClients(session, added.slice(6), null));
  await run(store, `delete from clients_search where id = '${added[3]!.id}'`);
  for (const row of [added[3]!, added[0]!]) {
    await store.tx((session) => clientSearch.put(session, row.id, searchedOfClient(row)));
  }
  expect(await different(store)).toBe(0);
  while ((await store.tx((session) => indexNext(session, "clients"))) > 0);
  expect((await list(store, "q=late&sort=name")).rows.map(({ name }) => name)).toEqual(
    [0, 1, 3, 4, 6, 7].map((i) => `Late ${i}`),
  );
});

test("where numbers differ, each new one has one that nobody else has", async () => {
  const store = sqliteOf(older);
  const before = Number(await different(store));
  expect(before).toBe(rows.length);
  const added = Array.from({ length: 12 }, (_, i) => client({ name: `Late ${i}` }));
  await store.tx((session) => insertClients(session, added.slice(0, 5), null));
  for (const row of added.slice(5, 8)) await store.tx((session) => insertClients(session, [row], null));
  await store.tx((session) => insertClients(session, added.slice(8), null));
  expect((await list(store, "q=late&count=exact")).total).toBe(12);
  expect((await list(store, "q=zoe&count=exact")).total).toBe(rows.filter(isFound).length);
});

test("tasks agree as clients do", async () => {
  const both = await openBoth();
  try {
    const store = sqliteOf(both);
    const task = (title: string) =>
      wholeTask({
        ...{ id: newId(), external_id: null, title, description: null, client_id: null, assigned_to: null },
        ...{
          status: "todo",
          priority: "low",
          due_date: null,
          remind_at: null,
          recurrence: null,
          completed_at: null,
        },
        ...{ created_by: users.lan, created_at: start, updated_at: start, deleted_at: null, version: 1 },
      } as TaskRow);
    const tasks = Array.from({ length: 3_000 }, (_, i) => task(`${i < 300 ? "Ask" : "Call"} ${i}`));
    await store.tx(async (session) => {
      await insertTasks(session, tasks);
      await taskSearch.putNew(session, tasks.map((row) => ({ id: row.id, searched: searchedOfTask(row) }))); // prettier-ignore
    });
    expect(await numbersAgree(store, store.read, "tasks")).toBe(true);
    const request = parseList(taskFields, "q=call&sort=title&limit=10&page=2", { timeZone: "UTC", now: start, country: null }); // prettier-ignore
    const scope: ListScope = { shape: "all", where: ({ t }) => isNull(t.tasks.deleted_at), args: {}, caller: "somebody" }; // prettier-ignore
    const page = await listPage<TaskRow>(store, { fields: taskFields, columns: taskColumns }, request, [scope]); // prettier-ignore
    const titles = tasks.slice(300).map(({ title }) => title).toSorted(); // prettier-ignore
    expect(page.rows.map(({ title }) => title)).toEqual(titles.slice(10, 20));
  } finally {
    await both.close();
  }
});

test("where there is no time to look, that is tried again a moment later", async () => {
  const store = sqliteOf(agreeing);
  const [session, another] = [store.read, { read: store.read }];
  const late = { ...{ t: session.t, q: session.q, dialect: session.dialect }, run: () => Promise.reject(new DbError("deadline")) }; // prettier-ignore
  expect(await numbersAgree(another, late, "clients")).toBe(false);
  expect(await numbersAgree(another, session, "clients")).toBe(false);
  await Bun.sleep(1_100);
  expect(await numbersAgree(another, session, "clients")).toBe(true);
  expect(await numbersAgree(another, late, "clients")).toBe(true);
});

test("an empty database agrees, and goes on to", async () => {
  const both = await openBoth();
  try {
    const store = sqliteOf(both);
    expect(await numbersAgree(store, store.read, "clients")).toBe(true);
    await insertAll(store, shuffled.slice(0, 50));
    expect(await different(store)).toBe(0);
  } finally {
    await both.close();
  }
});

// What explains statements keeps a connection at what it saw, so these come last.
test("what the index leads to is looked up once where numbers agree, and each text is asked where not", async () => {
  for (const [both, isNumbered] of [
    [agreeing, true],
    [older, false],
  ] as const) {
    const { session, plans } = watched(sqliteOf(both));
    const [store, request] = [{ read: session, aside: () => session }, parse("q=zoe&sort=name")];
    expect(await numbersAgree(store, session, "clients")).toBe(isNumbered);
    await listPage<ClientRow>(store, clients, request, everything("none"));
    const [next, page] = plans.slice(-2) as [string, string];
    expect(next).toContain("SEARCH clients USING INTEGER PRIMARY KEY");
    expect(page).toContain("SCAN clients USING INDEX clients_by_name");
    expect(page.includes("clients_trigrams")).toBe(isNumbered);
  }
});

test("what is searched leads to records by their numbers, once these are known to agree", async () => {
  for (const [both, agree] of [
    [agreeing, true],
    [older, false],
  ] as const) {
    const { session, plans } = watched(sqliteOf(both));
    const store = { read: session, aside: () => session };
    await numbersAgree(store, session, "clients");
    await listPage<ClientRow>(store, clients, parse("q=zoe"), everything("none"));
    const gathering = plans.findLast((plan) => plan.includes("SCAN clients_trigrams"));
    expect(gathering?.includes("SEARCH clients USING INTEGER PRIMARY KEY")).toBe(agree);
  }
});

test("where the next records of the order fill a page, no others are looked up", async () => {
  const { session, plans } = watched(sqliteOf(agreeing));
  const store = { read: session, aside: () => session };
  await listPage<ClientRow>(store, clients, parse("q=zoe&sort=-name"), everything("none"));
  expect(plans.at(-1)).toContain("SEARCH clients USING INTEGER PRIMARY KEY");
  expect(plans.at(-1)).not.toContain("clients_trigrams");
});
