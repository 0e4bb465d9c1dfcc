import { expect, test } from "bun:test";
import { insertManyInto } from "../../src/db/rows";
import { recordsIn, walked } from "../support/exports";
import { inWorld } from "../support/scenario";
import { Picker, randomClient, randomQuery } from "../unit/list/random";
import { queryOf, stored, users } from "../unit/list/support";

const seed = Number(process.env.SEED ?? 20260407);
const queries = 40;

const insertClients = insertManyInto("clients");
const insertTags = insertManyInto("client_tags");

inWorld("random exports", {}, (world) => {
  test(`${queries} with random filters, orders and columns are what a walk by cursor gives`, async () => {
    const { server, people } = world();
    const pick = new Picker(seed);
    const owners: Record<string, string> = { [users.lan]: people.lan.id, [users.minh]: people.minh.id };
    const rows = Array.from({ length: 300 }, () => randomClient(pick)).map((row) =>
      stored({
        ...row,
        assigned_to: row.assigned_to && owners[row.assigned_to]!,
        created_by: pick.of([people.lan.id, people.minh.id]),
      }),
    );
    const tags = rows.flatMap(({ id, tags }) =>
      [...new Set(tags.map((tag) => tag.toLowerCase()))].map((tag_key) => ({ client_id: id, tag_key })),
    );
    await server.parts.store.tx(async (session) => {
      await insertClients(session, rows);
      await insertTags(session, tags);
    });
    for (let i = 0; i < queries; i++) {
      const by = pick.of(["admin", "lan", "stranger"] as const);
      const query = queryOf(randomQuery(pick));
      const format = pick.of(["csv", "json", "ndjson"]);
      const columns = [
        ...new Set([...pick.some(["name", "tags", "created_at", "company"], 4), "id", "version"]),
      ];
      const wanted = await walked(world(), by, "/api/clients", query);
      const path = `/api/export/clients?format=${format}&columns=${columns.join()}&${query}`;
      const { text } = await world().send(by, "GET", path);
      const what = `seed ${seed}: ${by} ${path}`;
      const chosen = wanted.map((record) => Object.fromEntries(columns.map((name) => [name, record[name]])));
      expect([what, recordsIn(format, text)]).toEqual([what, chosen]);
    }
  });
});
