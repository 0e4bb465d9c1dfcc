import { monotonic } from "../../clock";
import type { Findings } from "../../db/search-find";
import { byScore } from "../../db/search-find";
import { readSearch, type Filter } from "../../list";
import type { Actor } from "../../policy";
import { facetsOf } from "./facets";
import type { Searched } from "../../search/document";
import { snippetOf } from "../../search/snippet";
import type { Hit, SearchResult, SearchType } from "./schema";

/** A kind of record that can be searched. */
export interface Searchable {
  search(
    actor: Actor,
    search: Filter,
    options: { limit: number; facets: readonly string[] },
  ): Promise<Findings<{ id: string }> & { searched(item: { id: string }): Searched }>;
  mayList(actor: Actor): boolean;
}

/** What is asked for. */
export interface SearchOptions {
  q: string;
  types: readonly SearchType[];
  limit: number;
}

/** The columns whose values are counted, by the kind of record. */
const counted: Record<SearchType, readonly string[]> = {
  clients: ["status", "industry", "assigned_to", "tags"],
  tasks: ["status", "priority", "assigned_to"],
  files: ["file_type"],
};

/** Searches all kinds of records at once. */
export class SearchService {
  constructor(private readonly searchables: Record<SearchType, Searchable>) {}

  /** The best of what the actor may see, and how much there is of what. @throws BadParameter when `q` is empty */
  async search(actor: Actor, { q, types, limit }: SearchOptions): Promise<SearchResult> {
    const search = readSearch(q);
    const listed = types.filter((type) => this.searchables[type].mayList(actor));
    const findings = await Promise.all(
      listed.map((type) => this.searchables[type].search(actor, search, { limit, facets: counted[type] })),
    );
    const best = findings
      .flatMap((found, i) => found.best.map((each) => ({ ...each, type: listed[i]!, found })))
      .toSorted(byScore)
      .slice(0, limit);
    const hits: Hit[] = [];
    let begun = monotonic();
    for (const { type, item, score, found } of best) {
      const searched = found.searched(item);
      const { snippet, matches } = snippetOf(searched, found.query);
      hits.push({ type, id: item.id, title: searched.title, snippet, matches, score });
      if (monotonic() - begun < longestMs) continue;
      await breathe();
      begun = monotonic();
    }
    const groups = findings.map(({ groups }, i) => ({ type: listed[i]!, groups }));
    return { hits, facets: facetsOf(groups), facets_capped: findings.some(({ isCapped }) => isCapped) };
  }
}

/** Long texts take a millisecond each: after as long others have their turn. */
const longestMs = 1;
const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));
