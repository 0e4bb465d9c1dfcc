import { sql } from "drizzle-orm";
import { minute, monotonic } from "../clock";
import { RecentMap } from "../recent-map";
import { hotByShape, type Query } from "./hot";
import { searchEngineOf, searchTable, type SearchedTable, type Wanted } from "./search-engine";
import type { Session, Store } from "./store";

/** How many records there are, and how many have certain three letters in a row: about. */
export interface Frequencies {
  all: number;
  of(part: string): number;
}

/** What an index is asked for, and what it takes to compare all that it leads to, in texts compared: about. */
export interface Expression {
  match: string;
  texts: number;
}

/**
 * What leads an index to what is wanted in the fewest steps, as the index reads it. PostgreSQL begins with the rarest parts by
 * itself; FTS5 reads the whole list of each, and that of a common one takes a hundred times as long as that of a rare one.
 */
export async function expressionOf(
  store: Pick<Store, "read">,
  session: Session,
  table: SearchedTable,
  wanted: Wanted,
): Promise<Expression> {
  const { expression, choosesParts } = searchEngineOf(session);
  if (choosesParts) return { match: expression(wanted), texts: Infinity };
  const { parts, texts } = rarest(wanted, await frequencies(store, session, table, wanted));
  return { match: expression(parts), texts };
}

/**
 * What takes as long as comparing one text, 0.9 µs: to read so many entries of a list, 0.025 µs each, or this share of finding where
 * one begins.
 */
const [entriesRead, listsFound] = [40, 1 / 6];

const isDigits = /^\d+$/;

/** A condition on what the index has: one of these ways. */
interface Condition {
  ways: string[][];
  /** Which word it is a part of; numbers are written of digits that have little to do with each other. */
  of?: number;
  /** The share of all records that meet it. */
  share: number;
  /** What it takes to ask for it, in texts compared. */
  cost: number;
}

/**
 * The parts among those wanted that are worth asking for: a further one has to spare more comparing than it costs; and what all of
 * it takes, in texts compared.
 */
export function rarest(wanted: Wanted, frequencies: Frequencies): { parts: Wanted; texts: number } {
  const { all } = frequencies;
  const single = (part: string, of: number): Condition => {
    const records = Math.min(all, frequencies.of(part));
    return {
      ways: [[part]],
      ...(!isDigits.test(part) && { of }),
      ...{ share: records / all, cost: records / entriesRead + 1 / listsFound },
    };
  };
  const ofWays = (ways: Wanted[number]): Condition => {
    const each = ways.map((way) =>
      worthwhile(
        way.map((part) => single(part, 0)),
        all,
      ),
    );
    return {
      ways: each.map(({ chosen }) => chosen.flatMap(({ ways }) => ways[0]!)),
      share: Math.min(
        1,
        each.reduce((sum, { share }) => sum + share, 0),
      ),
      cost: each.flatMap(({ chosen }) => chosen).reduce((sum, { cost }) => sum + cost, 0),
    };
  };
  // Parts that all have to be there are weighed one by one, alternatives together.
  const needed = new Map<string, Condition>();
  const alternatives: Condition[] = [];
  for (const [of, ways] of wanted.entries()) {
    if (ways.length > 1) alternatives.push(ofWays(ways));
    else for (const part of ways[0] ?? []) needed.getOrInsertComputed(part, () => single(part, of));
  }
  const { chosen, share } = worthwhile([...needed.values(), ...alternatives], all);
  const texts = chosen.reduce((sum, { cost }) => sum + cost, share * all);
  return { parts: chosen.map(({ ways }) => ways), texts };
}

/**
 * The one that leads to the records for the least, then whatever spares the most, as long as it spares more than it costs; and the
 * share of records that meet them all. Where a part of a word is, the word's others mostly are too: the second of a word counts as
 * the root of its share, the third as the root of that, and so on.
 */
function worthwhile(
  conditions: readonly Condition[],
  all: number,
): { chosen: readonly Condition[]; share: number } {
  const chosen: Condition[] = [];
  const chosenOf = new Map<number, number>();
  const left = new Set(conditions);
  for (let share = 1; ;) {
    let best: Condition | undefined;
    let [mostSpared, keeps] = [chosen.length === 0 ? -Infinity : 0, 1];
    for (const condition of left) {
      const others = condition.of === undefined ? 0 : (chosenOf.get(condition.of) ?? 0);
      const lets = condition.share ** (1 / 2 ** others);
      const spared = all * share * (1 - lets) - condition.cost;
      if (spared > mostSpared) [best, mostSpared, keeps] = [condition, spared, lets];
    }
    if (!best) return { chosen, share };
    chosen.push(best);
    left.delete(best);
    if (best.of !== undefined) chosenOf.set(best.of, (chosenOf.get(best.of) ?? 0) + 1);
    share *= keeps;
  }
}

/** How many of the youngest that have a part are looked at to tell how common it is. */
const sampled = 100;
const fewSampled = 4;
/** For so long that is believed. It decides which lists are read, and never what is found. */
const believedMs = 10 * minute;
const mostRemembered = 10_000;

interface Memory {
  records: RecentMap<{ count: number; until: number }>;
  all: Map<SearchedTable, number>;
}

const memories = new WeakMap<object, Memory>();
const samples = hotByShape<{ part: string; count: number; total: number }>();

async function frequencies(
  store: Pick<Store, "read">,
  session: Session,
  table: SearchedTable,
  wanted: Wanted,
): Promise<Frequencies> {
  const { records, all } = memories.getOrInsertComputed(store, () => ({
    records: new RecentMap(mostRemembered),
    all: new Map(),
  }));
  const known = new Map<string, number>();
  const unknown = new Set<string>();
  const time = monotonic();
  for (const part of wanted.flat(2)) {
    const remembered = records.get(`${table} ${part}`);
    if (remembered && remembered.until > time) known.set(part, remembered.count);
    else unknown.add(part);
  }
  if (unknown.size > 0) {
    // A few are read sooner than their turn aside would come.
    const near = unknown.size <= fewSampled ? store.read : session;
    for (const { part, count, total } of await sample(near, table, [...unknown])) {
      known.set(part, count);
      records.set(`${table} ${part}`, { count, until: time + believedMs });
      all.set(table, total);
    }
  }
  return { all: all.get(table) ?? 1, of: (part) => known.get(part)! };
}

/**
 * How many records have each part, as if all had it as often as those between the youngest ones with it do; how many there are in all.
 * Counted to the newest of all instead, what was common before an import of others would look rare.
 */
const sample = (session: Session, table: SearchedTable, parts: readonly string[]) =>
  samples.all(
    session,
    table,
    ({ t, q }, p) => {
      const search = searchTable(t, table);
      const index = sql.identifier(`${table}_trigrams`);
      const youngest = sql`select rowid as doc from ${index} where ${index} match '"' || value || '"' order by rowid desc limit ${sampled}`;
      const count = sql`select iif(count(*) < ${sampled}, count(*), min(newest.doc, (count(*) - 1) * newest.doc / (max(youngest.doc) - min(youngest.doc)))) from (${youngest}) as youngest`;
      const newest = sql`select coalesce(max(${search.doc}), 1) as doc from ${search}`;
      return q
        .select({ part: sql<string>`part`, count: sql<number>`count`, total: sql<number>`total` })
        .from(
          sql`(select value as part, newest.doc as total, (${count}) as count from (${newest}) as newest cross join json_each(${p.parts})) as sampled`,
        ) as unknown as Query<{ part: string; count: number; total: number }>;
    },
    { parts: JSON.stringify(parts) },
  );
