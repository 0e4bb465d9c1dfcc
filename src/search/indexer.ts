import { sql } from "drizzle-orm";
import { hot, type Params, type Query } from "../db/hot";
import { searchTable, type SearchedTable } from "../db/search-engine";
import type { Session, Store } from "../db/store";
import { second } from "../clock";
import { Pulse } from "../pulse";

/** Records of one transaction, and letters: what many take is split, so that nobody waits for it long. */
const [mostRecords, mostLetters] = [150, 20_000];
const tables: readonly SearchedTable[] = ["clients", "tasks", "files"];

/**
 * Brings what waits there into SQLite's index, many at once: each by itself, in the transaction that writes it, would cost ten
 * times as much. Until then searches look at what waits one by one, so nobody notices. PostgreSQL does the same by itself.
 */
export class Indexer {
  readonly #pulse: Pulse;
  #isSetUp = false;

  constructor(private readonly store: Store) {
    this.#pulse = new Pulse({
      module: "search",
      failure: "What is searched could not be indexed",
      ...{ work: () => this.#work(), everyMs: 10 * second, soonMs: 200 },
    });
  }

  /** Begins with what there is. */
  start(): void {
    if (this.store.engine === "sqlite") this.#pulse.start();
  }

  /** There is something to index. */
  nudge(): void {
    if (this.store.engine === "sqlite") this.#pulse.nudge();
  }

  /** Resolves once nothing is indexed here any more. */
  async close(): Promise<void> {
    await this.#pulse.close();
  }

  async #setUp(): Promise<void> {
    await this.store.tx(keepFromMerging);
    this.#isSetUp = true;
  }

  async #work(): Promise<number | void> {
    if (!this.#isSetUp) await this.#setUp();
    let isMore = false;
    for (const table of tables) {
      if ((await waiting(table).all(this.store.read, { limit: 1 })).length === 0) continue;
      const indexed = await this.store.tx((session) => indexNext(session, table));
      isMore ||= indexed > 0;
    }
    return isMore ? 0 : undefined;
  }
}

/**
 * FTS5 would merge a whole index as soon as a tenth of it is removed, at the commit of whoever removes so much: many records that
 * are taken back would keep everybody waiting for seconds. What comes later merges it bit by bit.
 */
async function keepFromMerging(session: Session): Promise<void> {
  for (const table of tables) {
    const text = `insert into ${table}_trigrams (${table}_trigrams, rank) values ('deletemerge', 0)`;
    await session.run({ text, bind: () => [] }, []);
  }
}

/**
 * Indexes some of what waits; gives how many that were.
 * @param most how many, and how many letters, but for one record
 */
export async function indexNext(
  session: Session,
  table: SearchedTable,
  { records = mostRecords, letters = mostLetters } = {},
): Promise<number> {
  const next = await waiting(table).all(session, { limit: records });
  let sum = 0;
  const chosen = next.filter(({ size }, i) => (sum += size) <= letters || i === 0);
  if (chosen.length === 0) return 0;
  const { add, remove, done } = statements(table);
  const docs = JSON.stringify(chosen.map(({ doc }) => doc));
  await remove.all(session, { docs });
  await add.all(session, { docs });
  await done.all(session, { docs });
  return chosen.length;
}

type Docs = { docs: string };

const waiting = memo((table) =>
  hot(({ t, q }, p: Params<{ limit: number }>) => {
    const search = searchTable(t, table);
    const unindexed = sql.identifier(`${table}_unindexed`);
    return q
      .select({ doc: sql<number>`doc`, size: sql<number>`size` })
      .from(
        sql`(select u.doc as doc, length(${search.text}) as size from ${unindexed} as u left join ${search} on ${search.doc} = u.doc order by u.doc limit ${p.limit}) as waiting`,
      ) as unknown as Query<{ doc: number; size: number }>;
  }),
);

const statements = memo((table) => {
  const chosen = "(select value from json_each(?))";
  const statement = (text: string) => ({
    all: (session: Session, { docs }: Docs) => session.run({ text, bind: () => [docs] }, [docs]),
  });
  return {
    remove: statement(`delete from ${table}_trigrams where rowid in ${chosen}`),
    add: statement(
      `insert into ${table}_trigrams (rowid, text) select s.doc, s.text from ${table}_search as s join ${table} as r on r.id = s.id where s.doc in ${chosen} and r.deleted_at is null`,
    ),
    done: statement(`delete from ${table}_unindexed where doc in ${chosen}`),
  };
});

function memo<Result>(make: (table: SearchedTable) => Result): (table: SearchedTable) => Result {
  const made = new Map<SearchedTable, Result>();
  return (table) => made.getOrInsertComputed(table, make);
}
