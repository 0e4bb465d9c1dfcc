/** Lists of more records than are gathered and sorted: walked in their order, stretch by stretch. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { listPage } from "../../src/db/list";
import type { Store } from "../../src/db/store";
import type { ClientRow } from "../../src/features/clients/store";
import { expected } from "../unit/list/model";
import { client, clients, everything, list, openSearched, parse, start, users } from "../unit/list/support";
import { statement, watched } from "../unit/list/watched";

const amount = 4_400;
const rows = Array.from({ length: amount }, (_, i) =>
  client({
    name: `${i % 2 === 0 ? "Ada" : "Bo"} ${(i * 7919) % amount}`,
    company: i % 5 < 3 ? null : `Company ${i % 1_001}`,
    email: i % 3 === 0 ? null : `${(i * 31) % 500}@example.com`,
    phone: i % 7 === 0 ? `+8490${i}` : null,
    external_id: `x-${i}`,
    // Many are active, many customers, few inactive; of those from the first half, none is a customer.
    status: i % 50 === 0 ? "inactive" : i < amount / 2 ? "active" : "customer",
    assigned_to: i % 2 === 0 ? users.lan : null,
    tags: i % 100 === 0 ? ["vip", "rare"] : i % 4 === 0 ? [] : ["vip"],
    created_at: start - ((i * 7919) % 1_000),
    updated_at: start - i,
    deleted_at: i % 997 === 0 ? start : null,
  }),
);

let both: Awaited<ReturnType<typeof openSearched>>;
beforeAll(async () => {
  both = await openSearched(rows);
  for (const store of both.stores)
    await store.tx(async (session) => void (await session.run(statement("ANALYZE"), [])));
}, 60_000);
afterAll(() => both.close());

const ids = (found: ClientRow[]) => found.map(({ id }) => id);

/** Two pages by number, deep enough to cross from one stretch to the next, and the walk from the first by cursor. */
async function assertExact(store: Store, query: string) {
  const wanted = ids(expected(rows, parse(query)));
  const what = `${store.engine} ${query}`;
  const exact = await list(store, `${query}&count=exact&limit=1`);
  expect([what, exact.total]).toEqual([what, wanted.length]);
  const capped = await list(store, `${query}&limit=1`);
  expect([what, capped.total]).toEqual([what, Math.min(wanted.length, 1_000)]);
  for (const page of [2, 15]) {
    const { rows } = await list(store, `${query}&limit=190&page=${page}`);
    expect([what, page, ids(rows)]).toEqual([what, page, wanted.slice(190 * (page - 1), 190 * page)]);
  }
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page = await list(store, `${query}&limit=200&count=none${cursor && `&cursor=${cursor}`}`);
    seen.push(...ids(page.rows));
    cursor = page.nextCursor;
  }
  expect([what, seen]).toEqual([what, wanted]);
}

describe("shows the same as plain arrays, by page and by cursor", () => {
  test.each([
    "sort=status,-created_at",
    "sort=-status,company,-name",
    "sort=company,status,email",
    "sort=status,name&filter[status][ne]=active",
    "status=active&sort=status,-email",
    "filter[status]=customer&filter[updated_at][gte]=now-2h&sort=-name",
    "filter[company][is_null]=true",
    "filter[name][contains]=ada&sort=email",
    "filter[name][contains]=ada&status=active",
    "filter[name][contains]=77&status=active",
    "filter[tags]=rare&status=inactive",
    "filter[tags][in]=rare,none&sort=-name",
    "filter[tags][all]=vip,rare",
    "filter[tags][all]=vip,none",
    "filter[tags]=vip&filter[name][contains]=bo&sort=status,name",
    `assigned_to=${users.lan}&status=customer`,
    `assigned_to=${users.lan}&status=inactive&sort=email,name`,
    "deleted=with&sort=status,name",
    "filter[or][0][external_id]=x-77&filter[or][1][phone][starts_with]=%2B8490&sort=name",
    "filter[or][0][status]=active&filter[or][1][name][contains]=77&sort=-updated_at",
    "filter[or][0][tags]=rare&filter[or][1][or][0][external_id]=x-1&filter[or][1][or][1][email]=7@example.com",
    "filter[or][0][status]=inactive&filter[or][1][company][ne]=company 1",
  ])(
    "%s",
    async (query) => {
      for (const store of both.stores) await assertExact(store, query);
    },
    60_000,
  );
});

/** What SQLite does for a page of a list and its count: it plans by averages, so the statement leaves it no choice. */
async function plansOf(query: string): Promise<string[]> {
  const store = both.stores.find(({ engine }) => engine === "sqlite")!;
  const { session, plans } = watched(store);
  const request = parse(query);
  await listPage<ClientRow>({ read: session, aside: () => session }, clients, request, everything("none"));
  return plans;
}

describe("many are read in the order of the list", () => {
  test.each([
    ["filter[company][is_null]=true", "clients_by_creation"],
    ["filter[name][starts_with]=ada&sort=email", "clients_by_email"],
    ["filter[name][contains]=ada", "clients_by_creation"],
    ["filter[tags]=vip&sort=name", "clients_by_name"],
    ["status=active&sort=name", "clients_by_name"],
    ["status=active&filter[external_id][contains]=x", "clients_by_status_creation"],
    ["sort=status,-created_at", "clients_by_status_creation"],
    ["sort=status,-updated_at", "clients_by_update"],
    ["sort=status,-company", "clients_by_company"],
  ])("%s along %s", async (query, index) => {
    const plans = await plansOf(query);
    expect(plans.some((plan) => plan.includes(`USING INDEX ${index}`))).toBe(true);
    for (const plan of plans) expect(plan).not.toMatch(/TEMP B-TREE|SCAN clients\b(?! USING)/);
  });
});

describe("few are found by the index of their filter", () => {
  test.each([
    ["filter[external_id]=x-77", /SEARCH clients USING INDEX clients_by_external_id/],
    ["filter[phone][contains]=90777", /SCAN clients USING INDEX clients_by_phone/],
    ["filter[name][contains]=ada 777&sort=email", /SCAN clients_trigrams VIRTUAL TABLE INDEX/],
    ["filter[external_id][contains]=777&status=active", /SCAN clients_trigrams VIRTUAL TABLE INDEX/],
    ["filter[name][contains]=a 77&sort=email", /SCAN clients_trigrams VIRTUAL TABLE INDEX/],
    ["filter[name][contains]=77&sort=email", /SCAN clients USING INDEX clients_by_name/],
    ["filter[name][starts_with]=ada 77", /SEARCH clients USING INDEX clients_by_name/],
    ["filter[tags]=rare&status=active", /SEARCH client_tags USING COVERING INDEX client_tags_by_tag/],
    ["filter[tags][all]=vip,none", /SEARCH client_tags USING COVERING INDEX client_tags_by_tag/],
    ["status=inactive&sort=name", /SEARCH clients USING INDEX clients_by_status/],
    [
      "filter[or][0][external_id]=x-77&filter[or][1][phone]=%2B84907",
      /SEARCH clients USING INDEX clients_by_external_id[^]*SEARCH clients USING INDEX clients_by_phone/,
    ],
    [
      "filter[or][0][status]=customer&filter[or][0][name]=ada 77&filter[or][1][tags]=rare&status=inactive",
      /SEARCH clients USING INDEX clients_by_name[^]*SEARCH client_tags USING COVERING INDEX client_tags_by_tag/,
    ],
  ])("%s", async (query, way) => {
    const plans = await plansOf(query);
    expect(plans.some((plan) => way.test(plan))).toBe(true);
    const page = plans.at(-1)!;
    expect(page).toMatch(/SEARCH clients USING INDEX sqlite_autoindex_clients_1 \(id=\?\)/);
    for (const plan of plans) expect(plan).not.toMatch(/SCAN clients\b(?! USING)/);
  });
});

test("all are counted in an index", async () => {
  const [count] = (await plansOf("count=exact")).slice(-1);
  expect(count).toMatch(/SCAN clients USING INDEX clients_by_creation/);
});
