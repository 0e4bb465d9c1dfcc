/** What the index has: after an upgrade, after it took over what waited, after a record was removed. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Store } from "../../../src/db/store";
import { clientSearch } from "../../../src/features/clients/search";
import { Indexer, indexNext, mergeNext } from "../../../src/search/indexer";
import { client, list, openSearched } from "../list/support";

setDefaultTimeout(60_000);

let both: Awaited<ReturnType<typeof openSearched>>;
const rows = Array.from({ length: 2_500 }, (_, i) =>
  client({
    name: `${i % 2 === 0 ? "Müller" : "Đặng"} ${i}`,
    notes: i === 7 ? "needle in the notes" : null,
    deleted_at: i === 9 ? 1 : null,
  }),
);

beforeAll(async () => {
  both = await openSearched(rows);
});
afterAll(() => both.close());

const found = async (store: Store, query: string) => (await list(store, query)).rows.map(({ id }) => id);
const run = (store: Store, text: string) =>
  store.tx(async (session) => session.run({ text, bind: () => [] }, []));

test("what was there before is found", async () => {
  for (const store of both.stores) {
    expect(await found(store, "q=needle")).toEqual([rows[7]!.id]);
    expect((await list(store, "q=muller&count=exact")).total).toBe(1_250);
    expect((await list(store, "q=dang&count=exact&deleted=with")).total).toBe(1_250);
    expect(await found(store, "q=dang+9&deleted=only")).toEqual([rows[9]!.id]);
  }
});

test("what waits to be indexed is found as what is, and once", async () => {
  const sqlite = both.stores[0]!;
  const { id } = rows[3]!;
  for (const name of ["Zanzibar", "Madagascar"]) {
    await sqlite.tx((session) => clientSearch.put(session, id, { title: name, more: [], rest: [] }));
    for (const isIndexed of [false, true]) {
      if (isIndexed) while ((await sqlite.tx((session) => indexNext(session, "clients"))) > 0);
      expect([name, isIndexed, await found(sqlite, `q=${name.slice(1)}`)]).toEqual([name, isIndexed, [id]]);
      expect(await found(sqlite, `q=${name === "Zanzibar" ? "madagascar" : "zanzibar"}`)).toEqual([]);
    }
  }
});

test("merged bit by bit, the index leads to the same", async () => {
  const sqlite = both.stores[0]!;
  await run(sqlite, "INSERT INTO clients_trigrams (clients_trigrams, rank) VALUES ('automerge', 0)");
  const changed = rows.slice(10, 20).map(({ id }) => id);
  for (const [i, id] of changed.entries()) {
    await sqlite.tx((session) =>
      clientSearch.put(session, id, { title: `Kilimanjaro ${i}`, more: [], rest: [] }),
    );
    await sqlite.tx((session) => indexNext(session, "clients"));
  }
  const segments = async () => (await run(sqlite, "SELECT DISTINCT segid FROM clients_trigrams_idx")).length;
  const before = await segments();
  expect(before).toBeGreaterThanOrEqual(changed.length);
  while (await sqlite.tx((session) => mergeNext(session, "clients")));
  expect(await segments()).toBeLessThan(before / 2);
  expect((await found(sqlite, "q=kilimanjaro")).toSorted()).toEqual(changed.toSorted());
  expect(await found(sqlite, "q=kilimanjaro+3")).toEqual([changed[3]!]);
  await run(sqlite, "INSERT INTO clients_trigrams (clients_trigrams) VALUES ('integrity-check')");
});

const parts = async (store: Store) =>
  (await run(store, "SELECT DISTINCT segid FROM clients_trigrams_idx")).length;

test("what was there before is in one part, and few are left once nothing is indexed any more", async () => {
  const opened = await openSearched(rows.slice(0, 100));
  const sqlite = opened.stores[0]!;
  expect(await parts(sqlite)).toBe(1);
  const changed = rows.slice(10, 50).map(({ id }) => id);
  for (const [i, id] of changed.entries()) {
    await sqlite.tx((session) =>
      clientSearch.put(session, id, { title: `Serengeti ${i}`, more: [], rest: [] }),
    );
    await sqlite.tx((session) => indexNext(session, "clients"));
  }
  const indexer = new Indexer(sqlite, 0);
  indexer.start();
  while ((await parts(sqlite)) > 7) await Bun.sleep(5);
  await indexer.close();
  expect((await found(sqlite, "q=serengeti&limit=100")).toSorted()).toEqual(changed.toSorted());
  await run(sqlite, "INSERT INTO clients_trigrams (clients_trigrams) VALUES ('integrity-check')");
  await opened.close();
});

test("while others write, up to a million letters wait; then they are indexed", async () => {
  const opened = await openSearched(rows.slice(0, 250));
  const sqlite = opened.stores[0]!;
  const waiting = async () =>
    (await run(sqlite, "SELECT count(*) AS n FROM clients_unindexed"))[0]!["n"] as number;
  const changed = rows.slice(10, 210).map(({ id }) => id);
  const rest = ["lorem ipsum ".repeat(800)];
  await sqlite.tx(async (session) => {
    for (const id of changed) await clientSearch.put(session, id, { title: "Okavango", more: [], rest });
  });
  expect(await waiting()).toBe(200);
  const busy = new Indexer(sqlite, 0, Infinity);
  busy.nudge();
  busy.start();
  while ((await waiting()) > 100) await Bun.sleep(5);
  // Nothing would tell that no more follows, so it is given the time for some.
  await Bun.sleep(300);
  await busy.close();
  expect(await waiting()).toBeWithin(50, 101);
  expect((await list(sqlite, "q=okavango&count=exact&limit=1")).total).toBe(200);
  const quiet = new Indexer(sqlite, 0, 0);
  quiet.start();
  while ((await waiting()) > 0) await Bun.sleep(5);
  await quiet.close();
  expect((await list(sqlite, "q=okavango&count=exact&limit=1")).total).toBe(200);
  await opened.close();
});

test("a removed record leaves nothing", async () => {
  const sqlite = both.stores[0]!;
  const { id } = rows[7]!;
  await sqlite.tx(async (session) => {
    await session.run({ text: "DELETE FROM clients WHERE id = ?", bind: () => [] }, [id]);
  });
  expect(await found(sqlite, "q=needle")).toEqual([]);
  const left = "SELECT rowid FROM clients_trigrams WHERE clients_trigrams MATCH '\"dle\"'";
  expect(await run(sqlite, left)).toEqual([]);
});
