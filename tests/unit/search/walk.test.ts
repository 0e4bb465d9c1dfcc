/** Walks through what a search finds: what exports and bulk changes do with `q`. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { walkList } from "../../../src/db/list-walk";
import type { ClientRow } from "../../../src/features/clients/store";
import { fillSearch } from "../../../src/search/fill";
import { client, clients, everything, insertAll, list, openBoth, parse } from "../list/support";
import { watched } from "../list/watched";

setDefaultTimeout(60_000);

let both: Awaited<ReturnType<typeof openBoth>>;
/** More have the word than a page would gather. */
const rows = Array.from({ length: 6_000 }, (_, i) =>
  client({ name: `${i % 2 === 0 ? "Müller" : "Đặng"} ${i}`, status: i % 4 === 0 ? "active" : "customer" }),
);

beforeAll(async () => {
  both = await openBoth();
  for (const store of both.stores) {
    await insertAll(store, rows);
    await store.tx(fillSearch);
  }
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
