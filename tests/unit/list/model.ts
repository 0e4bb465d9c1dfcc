/** What a list has to answer, worked out on plain arrays. */
import { clientFields } from "../../../src/features/clients/fields";
import type { ClientRow } from "../../../src/features/clients/store";
import type { DeletedMode, Filter, ListRequest, SortKey, Value } from "../../../src/list";
import { fold } from "../../../src/text";
import { stored } from "./support";

type Row = ReturnType<typeof stored>;
type Scalar = Value | null;

/** The records that a request is about, in its order, from the first to the last. */
export function expected(rows: ClientRow[], request: ListRequest): ClientRow[] {
  return rows
    .filter((row) => isShown(row, request.deleted))
    .filter((row) => request.filters.every((filter) => matches(stored(row), filter)))
    .sort((a, b) => compareRows(stored(a), stored(b), request.sort));
}

const isShown = ({ deleted_at }: ClientRow, deleted: DeletedMode) =>
  deleted === "with" || (deleted === "only") === (deleted_at !== null);

const valueOf = (row: Row, field: string) =>
  row[clientFields.byName.get(field)!.column as keyof Row] as Scalar;

function matches(row: Row, { field, op, values, anyOf }: Filter): boolean {
  if (anyOf) return anyOf.some((group) => group.every((filter) => matches(row, filter)));
  if (field === "tags") return tagsMatch(row.tags.map(fold), op, values);
  const value = valueOf(row, field);
  const [first, second] = values as [Value, Value];
  switch (op) {
    case "eq":
    case "in":
      return value !== null && values.includes(value);
    case "ne":
    case "nin":
      return value === null || !values.includes(value);
    case "is_null":
      return (value === null) === first;
    case "contains":
      return value !== null && String(value).includes(String(first));
    case "starts_with":
      return value !== null && String(value).startsWith(String(first));
    case "between":
      return value !== null && compare(value, first) >= 0 && compare(value, second) <= 0;
    default: {
      if (value === null) return false;
      const order = compare(value, first);
      return op === "lt" ? order < 0 : op === "lte" ? order <= 0 : op === "gt" ? order > 0 : order >= 0;
    }
  }
}

function tagsMatch(tags: string[], op: Filter["op"], values: readonly Value[]): boolean {
  const has = (value: Value) => tags.includes(value as string);
  if (op === "is_null") return (tags.length === 0) === values[0];
  if (op === "all") return values.every(has);
  return values.some(has) === (op === "eq" || op === "in");
}

/** Text by its bytes in UTF-8. */
function compare(a: Value, b: Value): number {
  return typeof a === "string"
    ? Buffer.compare(Buffer.from(a), Buffer.from(b as string))
    : Number(a) - Number(b);
}

function compareRows(a: Row, b: Row, sort: readonly SortKey[]): number {
  for (const { field, descending } of sort) {
    const [left, right] = [valueOf(a, field), valueOf(b, field)];
    if (left === right) continue;
    if (left === null || right === null) return left === null ? 1 : -1;
    const order = compare(left, right);
    if (order !== 0) return descending ? -order : order;
  }
  const byId = compare(a.id, b.id);
  return sort.at(-1)!.descending ? -byId : byId;
}
