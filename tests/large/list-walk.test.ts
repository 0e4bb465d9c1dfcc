import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq, notInArray } from "drizzle-orm";
import { walkList } from "../../src/db/list-walk";
import type { Store } from "../../src/db/store";
import type { ClientRow } from "../../src/features/clients/store";
import { expected } from "../unit/list/model";
import { Picker, randomClient, randomGroups, randomQuery } from "../unit/list/random";
import { clients, everything, insertAll, list, openBoth, parse, queryOf, stored } from "../unit/list/support";

setDefaultTimeout(60_000);

const seed = Number(process.env.SEED ?? 20260301);
const queries = 150;

let both: Awaited<ReturnType<typeof openBoth>>;
beforeAll(async () => void (both = await openBoth()));
afterAll(() => both.close());

type Query = Record<string, string>;

/** Walks by cursor; `between` runs while each page is read. */
async function walk(store: Store, query: Query, limit: () => number, between = async () => {}) {
  const seen: ClientRow[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = list(store, queryOf({ ...query, limit: limit(), count: "none", cursor }));
    const [{ rows, nextCursor }] = await Promise.all([page, between()]);
    seen.push(...rows);
    cursor = nextCursor;
  }
  return seen;
}

/** Turns pages by their number. */
async function turn(store: Store, query: Query, limit: number) {
  const seen: ClientRow[] = [];
  const totals = new Set<number | null>();
  for (let page = 1; ; page++) {
    const { rows, nextCursor, total } = await list(store, queryOf({ ...query, limit, page }));
    seen.push(...rows);
    totals.add(total);
    if (nextCursor === null) return { seen, totals: [...totals] };
  }
}

const ids = (rows: ClientRow[]) => rows.map(({ id }) => id);

/** Walks as exports and bulk changes do. */
async function walkOn(store: Store, query: Query, limit: () => number, between: () => Promise<void>) {
  const scopes = everything("none");
  const next = await walkList<ClientRow, ClientRow>(
    store,
    clients,
    parse(queryOf(query)),
    scopes,
    (row) => row,
  );
  const seen: ClientRow[] = [];
  for (;;) {
    const [rows] = await Promise.all([next(limit()), between()]);
    if (rows.length === 0) return seen;
    seen.push(...rows);
  }
}

test(`${queries} random queries answer what the model answers, by cursor and by page, on both engines`, async () => {
  const pick = new Picker(seed);
  const clients = Array.from({ length: 80 }, () => randomClient(pick));
  for (const store of both.stores) await insertAll(store, clients);
  for (let i = 0; i < queries; i++) {
    const query = randomQuery(pick);
    const wanted = expected(clients, parse(queryOf(query)));
    const limit = pick.number(1, 30);
    for (const store of both.stores) {
      const what = `seed ${seed}: ${store.engine} ${queryOf(query)}`;
      expect([what, ids(await walk(store, query, () => pick.number(1, 30)))]).toEqual([what, ids(wanted)]);
      const { seen, totals } = await turn(store, query, limit);
      expect([what, totals, ids(seen)]).toEqual([what, [wanted.length], ids(wanted)]);
    }
  }
});

describe("a walk while others write", () => {
  test.each([
    "name",
    "-company,email",
    "company",
    "-created_at",
    "status,-company,name",
    "email,-updated_at",
  ])("by %s returns each untouched record exactly once, in order", async (sort) => {
    const pick = new Picker(seed);
    for (const store of both.stores) {
      await store.tx(async ({ q, t }) => void (await q.delete(t.clients)));
      const clients = Array.from({ length: 120 }, () => ({ ...randomClient(pick), deleted_at: null }));
      const untouched = clients.filter((_, i) => i % 2 === 0);
      const victims = clients.filter((_, i) => i % 2 === 1);
      await insertAll(store, clients);
      const seen = await walk(
        store,
        { sort },
        () => pick.number(1, 9),
        () => disturb(store, pick, victims),
      );
      const stay = new Set(ids(untouched));
      const order = ids(expected(untouched, parse(`sort=${sort}`)));
      expect(ids(seen).filter((id) => stay.has(id))).toEqual(order);
    }
  });
});

test("random filters in groups say what the model says, and are walked whole while others write", async () => {
  const pick = new Picker(seed + 1);
  const untouched = Array.from({ length: 60 }, () => ({ ...randomClient(pick), deleted_at: null }));
  const stay = new Set(ids(untouched));
  for (const store of both.stores) {
    await store.tx(async ({ q, t }) => void (await q.delete(t.clients)));
    await insertAll(store, untouched);
  }
  for (let i = 0; i < 60; i++) {
    const { deleted: _, ...alone } = randomQuery(pick);
    // No more conditions than a query takes.
    const query = Object.fromEntries(Object.entries({ ...alone, ...randomGroups(pick) }).slice(0, 20));
    const wanted = ids(expected(untouched, parse(queryOf(query))));
    for (const store of both.stores) {
      const what = `seed ${seed}: ${store.engine} ${queryOf(query)}`;
      const limit = () => pick.number(1, 12);
      const victims = Array.from({ length: 20 }, () => ({ ...randomClient(pick), deleted_at: null }));
      await insertAll(store, victims);
      const disturbed = () => disturb(store, pick, victims);
      for (const way of [walk, walkOn]) {
        const seen = ids(await way(store, query, limit, disturbed)).filter((id) => stay.has(id));
        expect([what, way.name, seen]).toEqual([what, way.name, wanted]);
      }
      await store.tx(async ({ q, t }) => {
        await q.delete(t.clients).where(notInArray(t.clients.id, [...stay]));
      });
      const { total } = await list(store, queryOf({ ...query, count: "exact" }));
      expect([what, total]).toEqual([what, wanted.length]);
    }
  }
});

/** Changes one of the victims in every column, deletes one, hides one, and adds one to them. */
async function disturb(store: Store, pick: Picker, victims: ClientRow[]) {
  const added = randomClient(pick);
  const [changed, deleted, hidden] = [pick.of(victims), pick.of(victims), pick.of(victims)];
  victims.push(added);
  await store.tx(async ({ q, t: { clients } }) => {
    await q
      .update(clients)
      .set({ ...stored(randomClient(pick)), id: changed.id })
      .where(eq(clients.id, changed.id));
    await q.delete(clients).where(eq(clients.id, deleted.id));
    await q.update(clients).set({ deleted_at: 1 }).where(eq(clients.id, hidden.id));
    await q.insert(clients).values(stored(added));
  });
}
