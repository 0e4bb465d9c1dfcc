import { afterAll, beforeAll, expect, test } from "bun:test";
import { listPage } from "../../../src/db/list";
import type { Store } from "../../../src/db/store";
import type { ClientRow } from "../../../src/features/clients/store";
import { clientFields } from "../../../src/features/clients/fields";
import { client, clients, everything, insertAll, list, openBoth, parse, queryOf, users } from "./support";
import { statement, watched } from "./watched";

const amount = 2_000;
const statuses = ["prospect", "active", "inactive", "customer"] as const;

let both: Awaited<ReturnType<typeof openBoth>>;
beforeAll(async () => {
  both = await openBoth();
  const rows = Array.from({ length: amount }, (_, i) =>
    client({
      name: `Name ${(i * 7919) % amount}`,
      company: i % 3 === 0 ? null : `Company ${i % 97}`,
      email: i % 2 === 0 ? null : `${(i * 31) % amount}@example.com`,
      status: statuses[i % 4],
      assigned_to: i % 4 === 3 && i % 5 === 0 ? users.lan : null,
      created_at: 1_700_000_000_000 + ((i * 7919) % amount),
      updated_at: 1_700_000_000_000 + ((i * 104_729) % amount),
    }),
  );
  for (const store of both.stores) {
    await insertAll(store, rows);
    await store.tx(async (session) => void (await session.run(statement("ANALYZE"), [])));
  }
});
afterAll(() => both.close());

/** What the engine does for one page of a list: its plan, as it tells it. */
async function explain(store: Store, query: string): Promise<{ plan: string; nextCursor: string | null }> {
  const { session, plans } = watched(store);
  const both = { read: session, aside: () => session };
  const { nextCursor } = await listPage<ClientRow>(both, clients, parse(query), everything("none"));
  return { plan: plans.join("\n"), nextCursor };
}

const sorts = clientFields.sortKeys.flatMap((key) => [key, `-${key}`]);

test.each(sorts)("sorted by %s, a page is read from the index, wherever it starts", async (sort) => {
  for (const store of both.stores) {
    const { nextCursor: early } = await list(store, queryOf({ sort, limit: 50 }));
    const { nextCursor: late } = await list(store, queryOf({ sort, limit: 200, page: 9 })); // Among the nulls.
    const starts = [{}, { page: 2 }, { cursor: early! }, { cursor: late! }];
    for (const start of starts) {
      const { plan } = await explain(store, queryOf({ sort, limit: 20, count: "none", ...start }));
      expect(plan).toMatch(/clients_by_\w+/);
      expect(plan).not.toMatch(/TEMP B-TREE|\bSort\b/i);
    }
  }
});

test.each(["created_at", "-created_at", "name", "-email", "company"])(
  "by %s, a cursor deep in the list is found without reading what comes before",
  async (sort) => {
    for (const store of both.stores) {
      const { nextCursor } = await list(store, queryOf({ sort, limit: 200, page: 4 }));
      const { plan } = await explain(store, queryOf({ sort, count: "none", cursor: nextCursor! }));
      const found =
        store.engine === "sqlite" ? /SEARCH clients USING INDEX .*id\)[<>]/ : /Index Cond: .*ROW\(/;
      expect(plan).toMatch(found);
    }
  },
);

test("two ways at once, the first key still bounds what is read", async () => {
  for (const store of both.stores) {
    const sort = "name,-created_at";
    const { nextCursor } = await list(store, queryOf({ sort, limit: 200, page: 4 }));
    const { plan } = await explain(store, queryOf({ sort, count: "none", cursor: nextCursor! }));
    expect(plan).toMatch(
      store.engine === "sqlite" ? /SEARCH clients USING INDEX clients_by_name/ : /Index Cond/,
    );
  }
});

test("somebody's clients of a status are found in an index that has both", async () => {
  for (const store of both.stores) {
    const { plan } = await explain(store, `status=active&assigned_to=${users.lan}`);
    const found =
      store.engine === "sqlite"
        ? /SEARCH clients USING INDEX clients_by_assignee/
        : /Index Cond: .*assigned_to = .* AND .*status = /;
    expect(plan).toMatch(found);
  }
});

test.each<[query: string, total: number | null, capped: boolean]>([
  ["", 1_000, true],
  ["page=60", 1_000, true],
  ["page=100", 1_000, true],
  ["count=exact", amount, false],
  ["count=exact&page=100", amount, false],
  ["count=none", null, false],
  ["status=active", 500, false],
  ["filter[company][is_null]=false&sort=company", 1_000, true],
  ["page=101", 1_000, true],
])("%s counts %p", async (query, total, capped) => {
  for (const store of both.stores) {
    const result = await list(store, query);
    expect([result.total, result.totalCapped]).toEqual([total, capped]);
  }
});
