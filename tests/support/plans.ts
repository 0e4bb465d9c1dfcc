/** What the engines do for the statements that a server sends them. */
import { SQL } from "bun";
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { withFixedPlan } from "../../src/db/sqlite";
import type { Session, Store, TxOptions } from "../../src/db/store";
import * as described from "../../src/db/tables.postgres";
import { newDatabase } from "./postgres";
import type { Engine, TestServer } from "./servers";

/** Tables that have a handful of rows in every installation: reading them whole is the quickest way. */
const small = /^(roles|grants|settings)$/;

/** One statement, and the engine's plan for it. */
export interface Explained {
  text: string;
  plan: string[];
  /** It ran off the event loop, where it delays nobody. */
  aside: boolean;
}

/** Has every statement of a server explained before it runs, each once. */
export function explainAll({ parts: { store }, dataDir }: TestServer): Map<string, Explained> {
  const explained = new Map<string, Explained>();
  const explain = explainer(store, dataDir);
  const watch = (session: Session, isAside = false): Session => ({
    ...{ t: session.t, dialect: session.dialect },
    get q() {
      return session.q;
    },
    async run(plan, values) {
      if (!explained.has(plan.text))
        explained.set(plan.text, {
          ...{ text: plan.text, plan: await explain(session, plan.text, values), aside: isAside },
        });
      return session.run(plan, values);
    },
  });
  const { tx, aside } = store;
  Object.assign(store, {
    read: watch(store.read),
    aside: (caller: string) => watch(aside(caller), true),
    tx: <T>(work: (session: Session) => Promise<T>, options?: TxOptions) =>
      tx((session) => work(watch(session)), options),
  });
  return explained;
}

/**
 * On SQLite on a connection of its own: statements that explain stay open for a while, with what they see. On PostgreSQL on
 * the one that the statement runs on: whoever holds one and waits for another may wait for themselves.
 */
function explainer({ engine }: Store, dataDir: string) {
  if (engine === "sqlite") {
    const db = new Database(join(dataDir, "neocrm.db"), { readonly: true });
    // What a row takes along when it goes is in the plan then.
    db.run("PRAGMA foreign_keys = ON");
    return (_: Session, text: string, values: unknown[]): string[] =>
      (
        db.prepare(`EXPLAIN QUERY PLAN ${withFixedPlan(text)}`).all(...(values as never[])) as {
          detail: string;
        }[]
      ).map(({ detail }) => detail);
  }
  return async (session: Session, text: string, values: unknown[]): Promise<string[]> => {
    const rows = await session.run({ text: `EXPLAIN ${text}`, bind: () => [] }, values);
    return rows.map((row) => String(row["QUERY PLAN"]));
  };
}

/** The tables that a plan reads from their first row to their last, without an index. */
export function readWhole({ plan, aside }: Explained): string[] {
  const scans = plan.flatMap((line) => {
    const sqlite = /^SCAN (\w+)(?! USING)(?:$| )/.exec(line);
    const postgres = /Seq Scan on (\w+)/.exec(line);
    return (postgres ?? (sqlite && !/USING (COVERING )?INDEX/.test(line) ? sqlite : null))?.[1] ?? [];
  });
  // What is asked of the log in no order that an index has is looked for in all of it, aside.
  const isLog = (table: string) => aside && table === "events";
  return scans.filter((table) => tables.has(table) && !small.test(table) && !isLog(table));
}

/** Where a plan sorts what it has read, other than ties of its first key. */
export const sortsAll = ({ plan }: Explained) =>
  plan.filter((line) => /TEMP B-TREE FOR (ORDER|RIGHT)|\bSort\b/.test(line));

const tables: ReadonlySet<string> = new Set(Object.keys(described));

/**
 * A database whose plans say whether something has to be: with few rows, PostgreSQL reads tables whole and sorts them,
 * because that is quicker. `undefined` for SQLite, which does as it always does.
 */
export async function planningDatabase(engine: Engine): Promise<string | undefined> {
  if (engine === "sqlite") return undefined;
  const url = await newDatabase();
  const client = new SQL(url, { max: 1 });
  const name = new URL(url).pathname.slice(1);
  for (const way of ["enable_seqscan", "enable_sort"])
    await client.unsafe(`ALTER DATABASE "${name}" SET ${way} = off`);
  await client.close();
  return url;
}
