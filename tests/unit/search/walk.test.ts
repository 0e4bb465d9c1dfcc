/** Walks through what a search finds: what exports and bulk changes do with `q`. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { walkList } from "../../../src/db/list-walk";
import type { ClientRow } from "../../../src/features/clients/store";
import { fold } from "../../../src/text";
import { client, clients, everything, list, openSearched, parse } from "../list/support";
import { watched } from "../list/watched";

setDefaultTimeout(60_000);

let both: Awaited<ReturnType<typeof openSearched>>;
/** More have the word than a page would gather. */
const rows = Array.from({ length: 6_000 }, (_, i) =>
  client({ name: `${i % 2 === 0 ? "Müller" : "Đặng"} ${i}`, status: i % 4 === 0 ? "active" : "customer" }),
);

beforeAll(async () => {
  both = await openSearched(rows);
});
afterAll(() => both.close());

test.each([
  ["q=muller&sort=name", (i: number) => i % 2 === 0],
  ["q=muller&status=active", (i: number) => i % 4 === 0],
  ["q=muller+-6&sort=-name", (i: number) => i % 2 === 0 && i !== 6],
])("%s gives each once, and begins with the search", async (query, isFound) => {
  for (const store of both.stores) {
    const { session, plans } = watched(store);
    const next = await walkList<ClientRow, string>(
      { aside: () => session },
      clients,
      parse(query),
      everything("none"),
      ({ id }) => id,
    );
    const found: string[] = [];
    const planned = plans.length;
    for (let some = await next(500); some.length > 0; some = await next(500)) found.push(...some);
    expect(found).toHaveLength(new Set(found).size);
    expect(new Set(found)).toEqual(new Set(rows.filter((_, i) => isFound(i)).map(({ id }) => id)));
    // Its pages are read by id: no text is looked at again.
    for (const plan of plans.slice(planned)) expect(plan).not.toContain("clients_search");
  }
});

test.each([
  ["many", "status=active&filter[name][contains]=1", (i: number) => i % 4 === 0 && `${i}`.includes("1")],
  ["a few in a hundred", "filter[name][contains]=77", (i: number) => i % 2 === 0 && `${i}`.includes("77")],
  ["a seventh", "filter[name][contains]=r 1", (i: number) => i % 2 === 0 && `${i}`.startsWith("1")],
  ["one", "filter[name]=müller 42", (i: number) => i === 42],
  ["none", "filter[name][contains]=đặng", () => false],
  ["groups", "filter[or][0][status]=active&filter[or][1][name][contains]=7", (i: number) => i % 4 === 0 || (i % 2 === 0 && `${i}`.includes("7"))], // prettier-ignore
])("of the many that a search finds, filters let %s through", async (_, filters, isFound) => {
  const wanted = rows.filter((_, i) => isFound(i));
  for (const store of both.stores) {
    for (const [sort, inOrder] of [
      ["name", wanted.toSorted((a, b) => (fold(a.name) < fold(b.name) ? -1 : 1))],
      ["-name", wanted.toSorted((a, b) => (fold(a.name) < fold(b.name) ? 1 : -1))],
    ] as const) {
      const query = `q=muller&${filters}&sort=${sort}`;
      const ids = inOrder.map(({ id }) => id);
      const found: string[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        const page = await list(store, `${query}&limit=170${cursor && `&cursor=${cursor}`}`);
        expect([query, page.total, page.totalCapped]).toEqual([query, Math.min(ids.length, 1_000), ids.length > 1_000]); // prettier-ignore
        found.push(...page.rows.map(({ id }) => id));
        cursor = page.nextCursor;
      }
      expect([query, found]).toEqual([query, ids]);
      const second = await list(store, `${query}&limit=20&page=2&count=exact`);
      expect([query, second.total]).toEqual([query, ids.length]);
      expect([query, second.rows.map(({ id }) => id)]).toEqual([query, ids.slice(20, 40)]);
    }
  }
});

test("a list of so many asks each in its order, by cursor and with a count", async () => {
  for (const store of both.stores) {
    const found: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page = await list(store, `q=muller&sort=-name&limit=200${cursor && `&cursor=${cursor}`}`);
      expect([page.total, page.totalCapped]).toEqual([1_000, true]);
      found.push(...page.rows.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(found).toHaveLength(3_000);
    expect(new Set(found)).toEqual(new Set(rows.filter((_, i) => i % 2 === 0).map(({ id }) => id)));
    expect((await list(store, "q=muller&status=active&count=exact")).total).toBe(1_500);
    expect((await list(store, "q=muller&count=exact")).total).toBe(3_000);
  }
});
