import type { QueryCode } from "../problems";
import { sortKeyOf, type Fields } from "./fields";
import { FilterGroup, readGroups } from "./filter-groups";
import { readFilter, readFilterName } from "./filters";
import { BadParameter } from "./query";
import { readSearch } from "./search";
import type { Counting, DeletedMode, Filter, SortKey } from "./request";
import { readInteger, readOneOf, type ValueContext } from "./values";

export const largestLimit = 200;
/** Further on, pages are reached by cursor: an offset reads everything that it skips. */
export const lastRecordByPage = 10_000;
export const mostSortKeys = 3;
/** Conditions that a list takes. */
export const mostFilters = 20;

export const countings: readonly Counting[] = ["capped", "exact", "none"];
export const deletedModes: readonly DeletedMode[] = ["only", "with"];

/** The parameters of a list, taken one by one. What was not given stays `undefined`. */
export class Parameters {
  readonly #root = new FilterGroup();
  #count = 0;
  sort?: readonly SortKey[];
  deleted?: DeletedMode;
  count?: Counting;
  limit = 20;
  page?: number;
  #taken = new Set<string>();

  constructor(
    private readonly fields: Fields,
    private readonly context: ValueContext,
    /** Whether there are pages, or only filters. */
    private readonly taking: "list" | "filters" = "list",
  ) {}

  /** What the filters come to: conditions that all have to be met. */
  get filters(): Filter[] {
    return this.#root.conditions;
  }

  /** @throws BadParameter when it is unknown, given twice, or its value cannot be taken */
  take(name: string, text: string): void {
    if (this.fields.search !== "none" && (name === "q" || name === "search")) {
      this.#once("search");
      this.#add(this.#root, readSearch(text));
    } else if (this.#isOwn(name)) {
      this.#once(name);
      this.#takeOwn(name, text);
    } else {
      this.#takeFilter(name, text);
    }
  }

  /** @throws BadParameter when the list needs something to search for, and there is nothing */
  assertSearching(): void {
    if (this.fields.search !== "required" || this.#taken.has("search")) return;
    throw new BadParameter("missing_parameter", "says what to search for, and is missing");
  }

  /** @throws BadParameter when the page is not to be had by its number */
  assertReachable(): void {
    if (this.page === undefined) return;
    if (this.#taken.has("cursor")) {
      throw new BadParameter(
        "page_with_cursor",
        "must not stand beside cursor, which says where the page starts",
      );
    }
    if (this.page * this.limit <= lastRecordByPage) return;
    const message = `must not reach beyond record ${lastRecordByPage}: walk there with cursor=<next_cursor>`;
    throw new BadParameter("page_too_deep", message);
  }

  #isOwn(name: string) {
    if (this.taking === "filters") return false;
    if (name === "deleted") return this.fields.softDeleted;
    return name === "page" || name === "limit" || name === "cursor" || name === "sort" || name === "count";
  }

  #takeOwn(name: string, text: string): void {
    if (name === "page") this.page = readCount(text, lastRecordByPage, "page_too_deep");
    else if (name === "limit") this.limit = readCount(text, largestLimit, "out_of_range");
    else if (name === "sort") this.sort = readSort(this.fields, text);
    else if (name === "count") this.count = readOneOf(text, countings);
    else if (name === "deleted") this.deleted = readOneOf(text, deletedModes);
  }

  #takeFilter(given: string, text: string): void {
    const { path, name } = readGroups(given);
    const filter = readFilterName(this.fields, name);
    if (!filter) throw new BadParameter("unknown_parameter", "is not a parameter of this list");
    this.#once(`${path.flat().join(" ")} ${filter.field.name} ${filter.op}`);
    this.#add(this.#root.at(path), readFilter(filter, text, this.context));
  }

  #add(group: FilterGroup, filter: Filter): void {
    if (++this.#count > mostFilters) {
      throw new BadParameter("too_many_filters", `is one too many: a list takes ${mostFilters} filters`);
    }
    group.add(filter);
  }

  #once(what: string): void {
    if (this.#taken.has(what)) throw new BadParameter("repeated_parameter", "is given twice");
    this.#taken.add(what);
  }
}

function readCount(text: string, largest: number, code: QueryCode): number {
  const number = readInteger(text, Number.MAX_SAFE_INTEGER);
  if (number < 1) throw new BadParameter("out_of_range", "must be at least 1");
  if (number > largest) throw new BadParameter(code, `must be at most ${largest}`);
  return number;
}

function readSort(fields: Fields, text: string): SortKey[] {
  const keys = text.split(",").map(sortKeyOf);
  const names = keys.map(({ field }) => field);
  if (names.length > mostSortKeys) {
    throw new BadParameter("too_many_sort_keys", `takes at most ${mostSortKeys} keys`);
  }
  const unknown = names.find((name) => !fields.sortKeys.includes(name));
  if (unknown !== undefined) {
    const message = `"${unknown.slice(0, 50)}" is no key to sort by; these are: ${fields.sortKeys.join(", ")}`;
    throw new BadParameter("unknown_sort_key", message);
  }
  if (new Set(names).size < names.length) throw new BadParameter("repeated_sort_key", "names a key twice");
  return keys;
}
