import { Invalid, Refusal } from "../../errors";
import { mostFilters, parseList, type Fields, type ListOptions, type ListRequest } from "../../list";

/** As a filter in a body says which records are meant: the names of a list's filters, nested where those have brackets. */
export type BulkFilter = Record<string, unknown>;

/** Operators that take several values. */
const ofSeveral = /\[(in|nin|all|between)\]$/;
const searches: ReadonlySet<string> = new Set(["q", "search"]);

/**
 * A filter in a body as the list of the records that it means: `{"status": "active", "name": {"contains": "ltd"}}` is
 * `filter[status]=active&filter[name][contains]=ltd`. Several values stand in an array; `q` is full text.
 * @throws Invalid that names what cannot be taken, as `filter[…]`
 */
export function listOf(fields: Fields, filter: BulkFilter, options: ListOptions): ListRequest {
  const query = Object.entries(filter).flatMap(([name, value]) =>
    searches.has(name) ? [[name, textOf(value)]] : parametersOf(`filter[${name}]`, value),
  );
  if (query.length === 0) {
    throw new Invalid([
      { field: "filter", code: "empty_filter", message: "must not be empty: say which records are meant" },
    ]);
  }
  // Before they are written down: below a long name each has all of it before its own.
  if (query.length > mostFilters) {
    const message = `has ${query.length} conditions; a list takes ${mostFilters}`;
    throw new Invalid([{ field: "filter", code: "too_many_filters", message }]);
  }
  const encoded = query.map(([name, text]) => `${encodeURIComponent(name!)}=${encodeURIComponent(text!)}`);
  try {
    return parseList(fields, `${encoded.join("&")}&count=none`, options);
  } catch (error) {
    // What is malformed in a query does not fit in a body.
    if (error instanceof Refusal && error.details.errors) throw new Invalid(error.details.errors);
    throw error;
  }
}

function parametersOf(name: string, value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [[name, textOf(value)]];
  const isGroup = Array.isArray(value) && value.every((each) => typeof each === "object" && each !== null);
  if (Array.isArray(value) && !isGroup) {
    const texts = value.map(escaped).join();
    return [[ofSeveral.test(name) ? name : `${name}[in]`, texts]];
  }
  return Object.entries(value).flatMap(([key, nested]) => parametersOf(`${name}[${key}]`, nested));
}

/** A comma within a value of several is written as `\\,`. */
const escaped = (value: unknown) => textOf(value).replaceAll(/[\\,]/g, "\\$&");

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "");
