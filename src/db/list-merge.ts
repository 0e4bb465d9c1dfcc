import type { Fields, SortKey } from "../list";
import type { Row } from "./hot";
import { keyName } from "./list-order";

/** Puts the rows of lists in the same order together, as the engines order them: bytes, nulls last, ties by id. */
export function merge(parts: Row[][], fields: Fields, sort: readonly SortKey[]): Row[] {
  const keys = sort.map(({ field, descending }, i) => {
    const { column } = fields.byName.get(field)!;
    return { alias: keyName(i), column, descending };
  });
  const last = keys.at(-1)!.descending;
  return parts.flat().sort((a, b) => {
    for (const { alias, column, descending } of keys) {
      const name = alias in a ? alias : column;
      const order = compare(a[name], b[name], descending);
      if (order !== 0) return order;
    }
    return compare(a["id"], b["id"], last);
  });
}

function compare(a: unknown, b: unknown, descending: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const order =
    typeof a === "string" ? Buffer.compare(Buffer.from(a), Buffer.from(b as string)) : Number(a) - Number(b);
  return descending ? -order : order;
}
