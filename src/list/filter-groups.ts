import { BadParameter } from "./query";
import type { Filter } from "./request";

/** Groups within groups: deeper ones nobody reads any more. */
const deepest = 6;
/** The largest number that a group may have. */
const largestNumber = 99;

const parts = /\[([^[\]]*)\]/g;
const isWhole = /^filter(\[[^[\]]*\])+$/;

/** A condition's place among groups, and the rest of its name: `filter[or][0][status][in]` is `filter[status][in]` in `or 0`. */
export interface GroupedName {
  path: readonly (readonly ["and" | "or", number])[];
  name: string;
}

/**
 * Reads the groups in the name of a parameter. Names without any are given as they are.
 * @throws BadParameter when a group has no number, or groups nest too deep
 */
export function readGroups(name: string): GroupedName {
  if (!isWhole.test(name)) return { path: [], name };
  const segments = [...name.matchAll(parts)].map(([, part]) => part!);
  const path: ["and" | "or", number][] = [];
  while (segments[0] === "or" || segments[0] === "and") {
    const [kind, number] = segments.splice(0, 2) as ["and" | "or", string | undefined];
    if (
      number === undefined ||
      !/^\d{1,2}$/.test(number) ||
      Number(number) > largestNumber ||
      segments.length === 0
    ) {
      const message = `is not written as filter[${kind}][0][field]=value: each group has a number from 0 to ${largestNumber}`;
      throw new BadParameter("unknown_parameter", message);
    }
    path.push([kind, Number(number)]);
    if (path.length > deepest)
      throw new BadParameter("too_many_filters", `nests groups deeper than ${deepest}`);
  }
  return { path, name: `filter${segments.map((part) => `[${part}]`).join("")}` };
}

/** Conditions and groups of them, all of which have to be met. */
export class FilterGroup {
  readonly #filters: Filter[] = [];
  readonly #groups = { and: new Map<number, FilterGroup>(), or: new Map<number, FilterGroup>() };

  /** The group at a place, made if it is not there. */
  at(path: GroupedName["path"]): FilterGroup {
    const [first, ...others] = path;
    if (!first) return this;
    const [kind, number] = first;
    return this.#groups[kind].getOrInsertComputed(number, () => new FilterGroup()).at(others);
  }

  add(filter: Filter): void {
    this.#filters.push(filter);
  }

  /** The same as conditions that all have to be met: what needs no group has none. */
  get conditions(): Filter[] {
    const all = [...this.#filters, ...[...this.#groups.and.values()].flatMap((group) => group.conditions)];
    const anyOf = [...this.#groups.or.values()].map((group) => inOrder(group.conditions));
    if (anyOf.length === 0) return all;
    return anyOf.length === 1
      ? [...all, ...anyOf[0]!]
      : [...all, { field: "or", op: "any", values: [], anyOf: sorted(anyOf) }];
  }
}

/** The same conditions are the same query, however they were written down. */
export const inOrder = (filters: readonly Filter[]): Filter[] => sorted(filters);

const sorted = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => ({ item, text: JSON.stringify(item) }))
    .toSorted((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ item }) => item);
