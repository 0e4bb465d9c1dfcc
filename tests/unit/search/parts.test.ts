/** Which parts of what is asked for the index is asked for, and that it never matters to what is found. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { rarest } from "../../../src/db/search-parts";
import type { Wanted } from "../../../src/db/search-engine";
import { clientSearch } from "../../../src/features/clients/search";
import { indexNext } from "../../../src/search/indexer";
import { client, list, openSearched } from "../list/support";

setDefaultTimeout(60_000);

/** How common parts are among 100,000 records. */
const counts: Record<string, number> = {
  com: 100_000,
  han: 19_000,
  sen: 10_000,
  "123": 370,
  "345": 360,
  rhi: 1_000,
  xam: 1_000,
  ple: 1_000,
  none: 0,
};
const frequencies = { all: 100_000, of: (part: string) => counts[part]! };

test.each<[string, Wanted, Wanted]>([
  ["rare parts are enough", [[["han", "sen", "com"]], [["123", "345"]]], [[["345"]], [["123"]]]],
  ["one of which there are none is enough", [[["han", "none", "123"]]], [[["none"]]]],
  ["a part that stands alone is asked for, however common", [[["com"]]], [[["com"]]]],
  ["common parts together spare comparing", [[["han", "com", "sen"]]], [[["sen"]], [["han"]]]],
  [
    "of each way something is asked for",
    [
      [
        ["com", "123"],
        ["345", "han"],
      ],
    ],
    [[["123"], ["345"]]],
  ],
  ["ways that are common add nothing to what is rare", [[["com"], ["han"]], [["345"]]], [[["345"]]]],
  [
    "ways that lead to few are left out where a part does so for less",
    [
      [
        ["rhi", "sen"],
        ["xam", "sen"],
        ["ple", "sen"],
      ],
      [["345"]],
    ],
    [[["345"]]],
  ],
  ["what two words have in common is asked for once", [[["123"]], [["123"]]], [[["123"]]]],
  ["ways that are rare lead", [[["123"], ["none"]], [["com"]]], [[["123"], ["none"]]]],
])("%s", (_, wanted, chosen) => {
  expect(rarest(wanted, frequencies).parts).toEqual(chosen);
});

test("nothing is chosen of nothing", () => {
  expect(rarest([], frequencies).parts).toEqual([]);
});

let both: Awaited<ReturnType<typeof openSearched>>;
const long = "donaudampfschifffahrtsgesellschaftskapitaen";
const rows = Array.from({ length: 600 }, (_, i) =>
  client({ name: `${i % 3 === 0 ? "Hansen" : "Smith"} ${i}`, notes: i === 401 ? long : null }),
);

beforeAll(async () => {
  both = await openSearched(rows);
});
afterAll(() => both.close());

test("what was rare and no longer is, is found all the same", async () => {
  for (const store of both.stores) {
    expect((await list(store, "q=zanzibar+smith")).total).toBe(0);
    for (const { id, name } of rows.slice(0, 300)) {
      await store.tx((session) =>
        clientSearch.put(session, id, { title: `${name} Zanzibar`, more: [], rest: [] }),
      );
    }
    for (const isIndexed of [false, true]) {
      if (isIndexed && store.engine === "sqlite")
        while ((await store.tx((session) => indexNext(session, "clients"))) > 0);
      expect([isIndexed, (await list(store, "q=zanzibar+smith")).total]).toEqual([isIndexed, 200]);
      expect([isIndexed, (await list(store, "q=zanzibar")).total]).toEqual([isIndexed, 300]);
    }
  }
});

test("a wrong letter is forgiven anywhere in a long word", async () => {
  for (const store of both.stores) {
    for (let i = 0; i < long.length; i++) {
      const other = `${long.slice(0, i)}q${long.slice(i + 1)}`;
      expect([other, (await list(store, `q=${other}`)).rows.map(({ id }) => id)]).toEqual([
        other,
        [rows[401]!.id],
      ]);
    }
  }
});

test("what has to be right beside a wrong letter is right", async () => {
  for (const store of both.stores) {
    expect((await list(store, "q=hanxen+501")).rows.map(({ id }) => id)).toEqual([rows[501]!.id]);
    expect((await list(store, "q=hanxen+502")).total).toBe(0);
    expect((await list(store, "q=hanxen+-501&count=exact")).total).toBe(199);
  }
});
