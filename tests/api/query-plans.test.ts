/**
 * What the engines do for every query that the server sends: no table is read as a whole, and no single documented sort
 * key needs a sort of its own. Each route is asked, each list in each of its orders.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SQL } from "bun";
import { describedRoutes } from "../../src/described";
import { declaredRoutes } from "../../src/http/declared";
import type { Session, Store } from "../../src/db/store";
import type { Fields } from "../../src/list";
import { newDatabase } from "../support/postgres";
import { bringPeople, password, type Name } from "../support/people";
import { newWorld, type World } from "../support/scenario";
import { engines, startTestServer } from "../support/servers";
import { neocrm } from "../support/terminal";

/** Tables that have a handful of rows in every installation: reading them whole is the quickest way. */
const small = /^(roles|grants|settings)$/;

/** One statement, and the engine's plan for it. */
interface Explained {
  text: string;
  plan: string[];
}

/** Has every statement of a store explained before it runs, each once. */
function explainAll(store: Store): Map<string, Explained> {
  const explained = new Map<string, Explained>();
  const word = store.engine === "sqlite" ? "EXPLAIN QUERY PLAN" : "EXPLAIN";
  const watch = (session: Session): Session => {
    const watched: Session = {
      ...{ t: session.t, dialect: session.dialect },
      get q() {
        return session.q;
      },
      async run(plan, values) {
        if (!explained.has(plan.text)) {
          const rows = await session.run({ text: `${word} ${plan.text}`, bind: () => [] }, values);
          const lines = rows.map((row) => String(row.detail ?? row["QUERY PLAN"]));
          explained.set(plan.text, { text: plan.text, plan: lines });
        }
        return session.run(plan, values);
      },
    };
    return watched;
  };
  const { tx, aside } = store;
  const read = watch(store.read);
  Object.assign(store, {
    read,
    aside: (caller: string) => watch(aside(caller)),
    tx: <T>(work: (session: Session) => Promise<T>) => tx((session) => work(watch(session))),
  });
  return explained;
}

/** The tables that a plan reads from their first row to their last, without an index. */
function readWhole({ plan }: Explained): string[] {
  const scans = plan.flatMap((line) => {
    const sqlite = /^SCAN (\w+)(?! USING)(?:$| )/.exec(line);
    const postgres = /Seq Scan on (\w+)/.exec(line);
    return (postgres ?? (sqlite && !/USING (COVERING )?INDEX/.test(line) ? sqlite : null))?.[1] ?? [];
  });
  return scans.filter((table) => tables.has(table) && !small.test(table));
}

const sortsAll = ({ plan }: Explained) =>
  plan.filter((line) => /TEMP B-TREE FOR (ORDER|RIGHT)|\bSort\b/.test(line));

let tables: Set<string>;
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
    const url = engine === "postgres" ? await newDatabase() : undefined;
    if (url) await preferIndexes(url);
    const server = await startTestServer(engine, {}, url);
    tables = new Set(Object.keys(server.parts.store.read.t));
    world = newWorld(server, await bringPeople(server));
    const env = { DATA_DIR: server.dataDir, ...(url && { DATABASE_URL: url }) };
    const { code, err } = await neocrm(["seed", "--demo", "--password-stdin"], {
      env,
      stdin: `${password}\n`,
    });
    expect([code, err]).toEqual([0, ""]);
    explained = explainAll(server.parts.store);
  }, 60_000);
  afterAll(() => world.server.stop());

  /** With few rows, PostgreSQL reads and sorts them because that is quicker: here it is asked whether it has to. */
  async function preferIndexes(url: string): Promise<void> {
    const client = new SQL(url, { max: 1 });
    await client.unsafe(`ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET enable_seqscan = off`);
    await client.unsafe(`ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET enable_sort = off`);
    await client.close();
  }

  const bys: Name[] = ["admin", "lan"];

  for (const { path, list } of lists) {
    const fields = list as Fields;
    test.each(fields.sortKeys.flatMap((key) => [key, `-${key}`]))(
      `${path} sorted by %s needs no sort`,
      async (sort) => {
        for (const by of bys) {
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
            if (/likelihood|union/.test(statement.text)) continue;
            expect([statement.text, sortsAll(statement)]).toEqual([statement.text, []]);
          }
        }
      },
    );

    test(`${path} reads no table whole, however it is filtered, counted and sorted`, async () => {
      const parameters = [
        ...filtersOf(fields),
        ...(fields.softDeleted ? ["deleted=only", "deleted=with"] : []),
      ];
      const keys = fields.sortKeys.slice(0, 3).join(",-");
      for (const by of bys) {
        const statements = await during(async () => {
          for (const parameter of parameters) {
            for (const more of ["", "&count=exact", `&sort=${keys}`]) {
              const { status, json } = await world.send(by, "GET", `${path}?limit=2&${parameter}${more}`);
              if (status === 400) expect(json.code).toMatch(/^unknown_(field|sort_key)$/);
            }
          }
        });
        for (const statement of statements)
          expect([statement.text, readWhole(statement)]).toEqual([statement.text, []]);
      }
    }, 120_000);
  }
});

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

function valueOf(type: string, field: object): string {
  if (type === "choice") return (field as { of: readonly string[] }).of[0]!;
  const values: Record<string, string> = {
    id: "01890a5d-ac96-774b-bcce-b302099a8057",
    instant: "2026-05-04T09:00:00Z",
    integer: "1",
    boolean: "true",
    reference: "user",
  };
  return values[type] ?? "abc";
}
