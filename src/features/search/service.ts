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
    const hits: (Hit & { updated_at: number })[] = [];
    const all: { type: SearchType; rows: Record<string, unknown>[] }[] = [];
    let isCapped = false;
    for (const type of types.filter((each) => this.searchables[each].mayList(actor))) {
      const found = await this.searchables[type].search(actor, search, { limit, facets: counted[type] });
      all.push({ type, rows: found.found.map(({ facets }) => facets) });
      isCapped ||= found.isCapped;
      for (const { item, score, updated_at } of found.best) {
        const searched = found.searched(item);
        const { snippet, matches } = snippetOf(searched, found.query);
        hits.push({ type, id: item.id, title: searched.title, snippet, matches, score, updated_at });
        await breathe();
      }
    }
    const best = hits.toSorted(byScore).slice(0, limit);
    return {
      hits: best.map(({ updated_at: _, ...hit }) => hit),
      facets: facetsOf(all),
      facets_capped: isCapped,
    };
  }
}

/** Long texts take a millisecond each: others have their turn in between. */
const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));
