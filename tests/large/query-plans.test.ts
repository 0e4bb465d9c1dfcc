/**
 * What the engines do for every list in each of its orders and with each of its filters: no table is read as a whole, and
 * no single documented sort key needs a sort of its own. What else the server asks is explained where every route is.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { describedRoutes } from "../../src/described";
import { declaredRoutes } from "../../src/http/declared";
import type { Fields } from "../../src/list";
import { upload } from "../support/files";
import { explainAll, planningDatabase, readWhole, sortsAll, type Explained } from "../support/plans";
import { bringPeople, password, type Name } from "../support/people";
import { newWorld, type World } from "../support/scenario";
import { share } from "../support/shares";
import { engines, startTestServer } from "../support/servers";
import { neocrm } from "../support/terminal";

setDefaultTimeout(60_000);

const lists = declaredRoutes(describedRoutes()).filter(({ list }) => list !== undefined);

describe.each(engines)("every query [%s]", (engine) => {
  let world: World;
  let explained: Map<string, Explained>;
  /** What was explained while `work` went on. */
  const during = async (work: () => Promise<unknown>): Promise<Explained[]> => {
    explained.clear();
    await work();
    return [...explained.values()];
  };

  beforeAll(async () => {
    const url = await planningDatabase(engine);
    const server = await startTestServer(engine, {}, url);
    world = newWorld(server, await bringPeople(server));
    const env = { DATA_DIR: server.dataDir, ...(url && { DATABASE_URL: url }) };
    const { code, err } = await neocrm(["seed", "--demo", "--password-stdin"], {
      env,
      stdin: `${password}\n`,
    });
    expect([code, err]).toEqual([0, ""]);
    for (const by of bys) {
      files[by] = (await upload(world, by, "shared.txt")).id;
      for (let i = 0; i < 3; i++) await share(world, by, "shared", {});
    }
    explained = explainAll(server);
  }, 60_000);
  afterAll(() => world.server.stop());

  const bys: Name[] = ["admin", "lan"];
  /** One of each of theirs, with links to it. */
  const files: Partial<Record<Name, string>> = {};

  /** A path that leads somewhere: to a client of the demo company, or to whoever asks. */
  const filled = async (path: string, by: Name) => {
    if (!path.includes(":")) return path;
    if (path.startsWith("/api/files/")) return path.replace(":id", files[by]!);
    const client = (await world.send("admin", "GET", "/api/clients?limit=1")).json.data[0].id as string;
    const id = path.includes("/user/") ? world.people[by].id : client;
    return path.replace(":entity_type", "client").replace(/:\w+/, id);
  };

  for (const { path: mounted, list } of lists) {
    const fields = list as Fields;
    // What is searched for is gathered first, or the list without it is walked, which stands here too.
    if (fields.search === "required") continue;
    test.each(fields.sortKeys.flatMap((key) => [key, `-${key}`]))(
      `${mounted} sorted by %s needs no sort`,
      async (sort) => {
        for (const by of bys) {
          const path = await filled(mounted, by);
          const statements = await during(async () => {
            const first = await world.send(by, "GET", `${path}?sort=${sort}&limit=1&count=none`);
            if (first.status === 403) return;
            if (first.status === 400) {
              expect(first.json.code).toBe("unknown_sort_key");
              return;
            }
            expect(first.status).toBe(200);
            const cursor = first.json.pagination.next_cursor;
            if (cursor !== null)
              await world.send(by, "GET", `${path}?sort=${sort}&limit=1&count=none&cursor=${cursor}`);
            await world.send(by, "GET", `${path}?sort=${sort}&limit=1&page=2&count=none`);
          });
          for (const statement of statements) {
            expect([statement.text, readWhole(statement)]).toEqual([statement.text, []]);
            // A few records of one's own are gathered first.
            if (/likelihood|union|in \(select/.test(statement.text)) continue;
            expect([statement.text, sortsAll(statement)]).toEqual([statement.text, []]);
          }
        }
      },
    );

    test(`${mounted} reads no table whole, however it is filtered, counted and sorted`, async () => {
      const parameters = [
        ...filtersOf(fields),
        // Of other lists, which are short, all has to be looked at for a group of what has no index.
        ...(fields.softDeleted ? groupsOf(filtersOf(fields)) : []),
        ...(fields.softDeleted ? ["deleted=only", "deleted=with"] : []),
        ...(fields.search === "optional" ? searches : []),
      ];
      const keys = fields.sortKeys.slice(0, 3).join(",-");
      for (const by of bys) {
        const path = await filled(mounted, by);
        const statements = await during(async () => {
          for (const parameter of parameters) {
            const ask = async (more: string) => {
              const { status, json } = await world.send(by, "GET", `${path}?limit=2&${parameter}${more}`);
              if (status === 400) expect(json.code).toMatch(/^unknown_(field|sort_key)$/);
              return status;
            };
            await ask("");
            // Counting and sorting are statements of their own, and asked for together where both are allowed.
            if ((await ask(`&count=exact&sort=${keys}`)) === 400) await ask("&count=exact");
          }
        });
        for (const statement of statements)
          expect([statement.text, readWhole(statement)]).toEqual([statement.text, []]);
      }
    }, 120_000);
  }
});

/** Of words, beginnings, numbers, and of what must not be there; what is found and what is not. */
const searches = ["call", "a", "22 44", "call -back", "-call", "nobodyy", "!"].map(
  (text) => `q=${encodeURIComponent(text)}`,
);

/** A filter with each operator of each field. */
function filtersOf({ byName }: Fields): string[] {
  return [...byName.values()].flatMap((field) =>
    field.operators.map((op) => {
      const value = valueOf(field.type, field);
      const text = op === "is_null" ? "true" : op === "between" ? `${value},${value}` : value;
      return `filter[${field.name}][${op}]=${encodeURIComponent(text)}`;
    }),
  );
}

/** Every filter in a group beside the next, of which one is enough; a few at a time, as there are many. */
const groupsOf = (filters: string[]): string[] =>
  filters
    .map((filter, i) => [filter, filters[(i + 7) % filters.length]!])
    .filter((_, i) => i % 4 === 0)
    .map((pair) => pair.map((each, i) => each.replace("filter", `filter[or][${i}]`)).join("&"));

function valueOf(type: string, field: object): string {
  if (type === "choice") return (field as { of: readonly string[] }).of[0]!;
  const values: Record<string, string> = {
    id: "01890a5d-ac96-774b-bcce-b302099a8057",
    instant: "2026-05-04T09:00:00Z",
    integer: "1",
    boolean: "true",
    keys: "status",
    reference: "user",
  };
  return values[type] ?? "abc";
}
