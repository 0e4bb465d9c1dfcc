import { sql } from "drizzle-orm";
import { hot, type Params, type Query } from "../db/hot";
import { searchTable, type SearchedTable } from "../db/search-engine";
import type { Session, Store } from "../db/store";
import { monotonic, second } from "../clock";
import { Pulse } from "../pulse";

/** Records of one transaction, and letters: what many take is split, so that nobody waits for it long. */
const [mostRecords, mostLetters] = [150, 20_000];
/** How long what waits is gathered, unless it is as much as that: each time costs as much as fifty records do. */
const gatherMs = 200;
/**
 * As much as a portion waits while others write, up to so many letters, so that nobody who writes much within seconds is held up:
 * searches read them in 5 ms. Beyond, and once nobody wrote for so long, one portion follows the other. PostgreSQL's index has such
 * a list too (`gin_pending_list_limit`).
 */
const [lettersWaiting, quietMs] = [1_000_000, 100];
/** Pages of the index that are merged in one transaction, and how often that is done after each portion: so it keeps up. */
const [mergedPages, mergesEach] = [16, 2];
/**
 * So many parts of alike size are merged into one. A search reads the list of three letters in each part, and of fifty took up to
 * twice as long as of one; but merging fewer at once writes each record again more often. So it depends: 16 while many records come,
 * as in an import; 4 while people work; and 2 once nothing came for so long, then with a pause after each few pages.
 */
const partsMerged = { inBulk: 16, usually: 4, atRest: 2 };
const [restMs, restPauseMs] = [5 * second, 10];
/** Beyond so many parts, whoever writes has to merge them at once. */
const mostParts = 100;
const tables: readonly SearchedTable[] = ["clients", "tasks", "files"];

/**
 * Brings what waits there into SQLite's index, many at once: each by itself, in the transaction that writes it, would cost ten
 * times as much. Until then searches look at what waits one by one, so nobody notices. PostgreSQL does the same by itself.
 */
export class Indexer {
  readonly #pulse: Pulse;
  readonly #indexedAt = new Map<SearchedTable, number>();
  /** Their index may have something to merge, so many parts into one. What an earlier process left is merged with what comes next. */
  readonly #unmerged = new Map<SearchedTable, number>();
  /** The same for when nothing comes; here an earlier process counts. */
  readonly #scattered = new Set<SearchedTable>(tables);
  /** How many parts an index was last told to merge into one. */
  readonly #partsMerged = new Map<SearchedTable, number>();
  #isSetUp = false;
  #workedAt = monotonic();
  #nudgedAt = -Infinity;

  constructor(
    private readonly store: Store,
    private readonly restsAfterMs = restMs,
    private readonly quietAfterMs = quietMs,
  ) {
    this.#pulse = new Pulse({
      module: "search",
      failure: "What is searched could not be indexed",
      ...{ work: () => this.#work(), everyMs: 10 * second, soonMs: gatherMs },
    });
  }

  /** Begins with what there is. */
  start(): void {
    if (this.store.engine === "sqlite") this.#pulse.start();
  }

  /** There is something to index. */
  nudge(): void {
    if (this.store.engine !== "sqlite") return;
    this.#nudgedAt = monotonic();
    this.#pulse.nudge();
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
    let pauseMs = Infinity;
    for (const table of tables)
      pauseMs = Math.min(pauseMs, await this.#index(table), await this.#merge(table));
    if (pauseMs === Infinity) pauseMs = await this.#mergeAtRest();
    return pauseMs === Infinity ? undefined : pauseMs;
  }

  /** Indexes a portion, when there is one or what waits has waited. @returns the milliseconds until it is to be called again */
  async #index(table: SearchedTable): Promise<number> {
    const next = await waiting(table).all(this.store.read, { limit: mostRecords });
    if (next.length === 0) return Infinity;
    const isWhole = next.length === mostRecords || portionOf(next, mostLetters).length < next.length;
    if (isWhole && !(await this.#isTimeFor(table, next))) return quietMs;
    const leftMs = (this.#indexedAt.get(table) ?? -Infinity) + gatherMs - monotonic();
    if (!isWhole && leftMs > 0) return leftMs;
    // Few records and what is merged after them share a commit; of many, each transaction is long enough.
    const parts = isWhole ? partsMerged.inBulk : partsMerged.usually;
    const mayHaveMore = await this.store.tx(async (session) => {
      await indexNext(session, table);
      return isWhole || this.#mergeIn(session, table, parts);
    });
    if (!isWhole) this.#partsMerged.set(table, parts);
    this.#workedAt = monotonic();
    this.#indexedAt.set(table, this.#workedAt);
    if (mayHaveMore) this.#unmerged.set(table, parts);
    else this.#unmerged.delete(table);
    this.#scattered.add(table);
    return 0;
  }

  /** Whether much has to be indexed by now, or may be. @param next what waits the longest: the rest is as long */
  async #isTimeFor(table: SearchedTable, next: readonly { size: number }[]): Promise<boolean> {
    if (monotonic() - this.#nudgedAt >= this.quietAfterMs) return true;
    const { records } = (await howMany(table).first(this.store.read, {}))!;
    const letters = next.reduce((sum, { size }) => sum + size, 0);
    return (records / next.length) * letters > lettersWaiting;
  }

  /** Merges some of an index. @returns the milliseconds until it is to be called again */
  async #merge(table: SearchedTable): Promise<number> {
    const parts = this.#unmerged.get(table);
    if (parts === undefined) return Infinity;
    for (let i = 0; i < mergesEach; i++) {
      if (await this.#mergeSome(table, parts)) continue;
      this.#unmerged.delete(table);
      return Infinity;
    }
    return 0;
  }

  /** The same once nothing comes. */
  async #mergeAtRest(): Promise<number> {
    for (const table of this.#scattered) {
      const leftMs = this.#workedAt + this.restsAfterMs - monotonic();
      if (leftMs > 0) return leftMs;
      if (await this.#mergeSome(table, partsMerged.atRest)) return restPauseMs;
      this.#scattered.delete(table);
    }
    return Infinity;
  }

  /** @returns whether there may be more to merge */
  async #mergeSome(table: SearchedTable, parts: number): Promise<boolean> {
    const mayHaveMore = await this.store.tx((session) => this.#mergeIn(session, table, parts));
    this.#partsMerged.set(table, parts);
    return mayHaveMore;
  }

  async #mergeIn(session: Session, table: SearchedTable, parts: number): Promise<boolean> {
    if (this.#partsMerged.get(table) !== parts) await tellIndex(session, table, "usermerge", parts);
    return mergeNext(session, table);
  }
}

/**
 * FTS5 merges its index within the commit of whoever writes: two hundred pages at a time as soon as 64 were written, and all of it
 * as soon as a tenth is removed, which keeps everybody waiting for a tenth of a second or for several. So it is told not to; what is
 * to be merged, the indexer does bit by bit.
 */
async function keepFromMerging(session: Session): Promise<void> {
  for (const table of tables) {
    for (const setting of ["automerge", "deletemerge"]) await tellIndex(session, table, setting, 0);
    await tellIndex(session, table, "crisismerge", mostParts);
  }
}

/** Merges a few pages of an index. @returns whether there may be more to merge */
export async function mergeNext(session: Session, table: SearchedTable): Promise<boolean> {
  const before = await changesSoFar(session);
  await tellIndex(session, table, "merge", mergedPages);
  // As FTS5 says it: less than two changes mean that there was nothing to do.
  return (await changesSoFar(session)) - before >= 2;
}

/** Merges all of an index, for whoever has the database to themselves. */
export async function mergeAll(session: Session, table: SearchedTable): Promise<void> {
  const text = `insert into ${table}_trigrams (${table}_trigrams) values ('optimize')`;
  await session.run({ text, bind: () => [] }, []);
}

async function tellIndex(session: Session, table: SearchedTable, what: string, value: number): Promise<void> {
  const text = `insert into ${table}_trigrams (${table}_trigrams, rank) values ('${what}', ${value})`;
  await session.run({ text, bind: () => [] }, []);
}

const total = { text: "select total_changes() as changes", bind: () => [] };

async function changesSoFar(session: Session): Promise<number> {
  const [row] = await session.run(total, []);
  return row!["changes"] as number;
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
  const chosen = portionOf(next, letters);
  if (chosen.length === 0) return 0;
  const { add, remove, done } = statements(table);
  const docs = JSON.stringify(chosen.map(({ doc }) => doc));
  await remove.all(session, { docs });
  await add.all(session, { docs });
  await done.all(session, { docs });
  return chosen.length;
}

function portionOf<Doc extends { size: number }>(next: readonly Doc[], letters: number): Doc[] {
  let sum = 0;
  return next.filter(({ size }, i) => (sum += size) <= letters || i === 0);
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

const howMany = memo((table) =>
  hot<object, { records: number }>(({ q }) => {
    const all = sql`(select count(*) as records from ${sql.identifier(`${table}_unindexed`)}) as waiting`;
    return q.select({ records: sql<number>`records` }).from(all) as unknown as Query<{ records: number }>;
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
