import {
  isNullable,
  rankOf,
  type Field,
  type Fields,
  type Filter,
  type Position,
  type SortKey,
} from "../list";
import type { Segment } from "./list-order";

/**
 * A part of a list that an index has in its order, where the index for the whole list is missing. By status and then by
 * name comes whoever has the first status, by name; then whoever has the second: each is a list by name, with a filter.
 */
export interface Stretch {
  /** The request's, and what makes this stretch. */
  filters: readonly Filter[];
  /** So many of the first sort keys have one value in all of it. */
  settledKeys: number;
  /** Which of its records it has, by the first key that sorts it. */
  segment: Segment;
}

/** The stretches of a list, one after the other. */
export function stretchesOf(
  fields: Fields,
  sort: readonly SortKey[],
  filters: readonly Filter[],
  settledKeys = 0,
): Stretch[] {
  const { field: name, descending } = sort[settledKeys]!;
  const field = fields.byName.get(name)!;
  const isLast = settledKeys === sort.length - 1;
  const within = (filter: Filter) => stretchesOf(fields, sort, [...filters, filter], settledKeys + 1);
  if (field.type === "choice" && !isLast) {
    if (valueIn(filters, name) !== undefined) return stretchesOf(fields, sort, filters, settledKeys + 1);
    const values = valuesOf(field);
    const inOrder = descending ? values.toReversed() : values;
    return inOrder.flatMap((value) => within({ field: name, op: "eq", values: [value] }));
  }
  if (!isNullable(field)) return [{ filters, settledKeys, segment: "whole" }];
  const present: Stretch = { filters, settledKeys, segment: "present" };
  if (isLast) return [present, { ...present, segment: "missing" }];
  return [present, ...within({ field: name, op: "is_null", values: [true] })];
}

/** Whether the page before ended in this stretch. */
export function hasPosition(
  { filters, settledKeys, segment }: Stretch,
  sort: readonly SortKey[],
  { values }: Position,
) {
  const isSettled = sort
    .slice(0, settledKeys)
    .every(({ field }, i) => values[i] === (valueIn(filters, field) ?? null));
  return isSettled && (segment === "whole" || (segment === "missing") === (values[settledKeys] === null));
}

const valueIn = (filters: readonly Filter[], name: string) =>
  filters.find(({ field, op }) => field === name && op === "eq")?.values[0];

/** In the order of their column, which has them as text, by its bytes, or as ranks. */
const valuesOf = ({ of, ranked }: Field & { type: "choice" }) =>
  ranked ? of.map((choice) => rankOf(of, choice)) : of.toSorted((a, b) => (a < b ? -1 : 1));
