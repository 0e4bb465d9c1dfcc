import { Type, type Static } from "@sinclair/typebox";
import { Invalid, type FieldError } from "../../errors";
import { assertFits } from "../../http/refusals";
import { Body } from "../../http/schema";
import { fold } from "../../text";
import type { ImportFields } from "./fields";

/** Where a field comes from: columns by their headers, or one text for all. */
const Source = Body({
  columns: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 20 })),
  join: Type.Optional(Type.String({ maxLength: 20 })),
  constant: Type.Optional(Type.String({ maxLength: 20_000 })),
  values: Type.Optional(Type.Record(Type.String(), Type.String())),
});

/** Where a field comes from: the columns by their place, and in words. */
export interface FieldSource {
  columns: number[];
  /** The headers of the columns. */
  headers: string[];
  join: string;
  /** For rows that have nothing in these columns. */
  constant?: string;
  /** What stands for what, by the text of the file. */
  values?: Record<string, string>;
}

/** The fields that are imported. */
export type FieldSources = Record<string, FieldSource>;

/** A header without what people write differently: case, accents, blanks and signs. */
export const plain = (header: string): string => fold(header).replaceAll(/[^\p{L}\p{N}]/gu, "");

/** A mapping as the caller writes it: not yet compared with the headers. */
export type GivenMapping = Record<string, string | Static<typeof Source>>;

/** Reads a mapping. @throws Invalid when it is not JSON, not of the right form, or names fields that there are not */
export function parseMapping(text: string, fields: ImportFields): GivenMapping {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("mapping", "invalid_format", 'must be JSON, such as {"name": "Full name"}');
  }
  refuseUnstorable(value);
  const mapping = fitting(value);
  const known = Object.keys(fields);
  const unknown = Object.keys(mapping).filter((field) => !known.includes(field));
  if (unknown.length > 0) {
    const message = `is no field that can be imported; there are ${known.join(", ")}`;
    throw new Invalid(
      unknown.map((field) => ({ field: `mapping.${field}`.slice(0, 200), code: "unknown_field", message })),
    );
  }
  if (known.every((field) => !Object.hasOwn(mapping, field)))
    throw invalid("mapping", "empty", "must name a field");
  return mapping;
}

/** PostgreSQL stores neither NUL nor half a surrogate pair. */
function refuseUnstorable(value: unknown): void {
  JSON.stringify(value, (key, part: unknown) => {
    for (const text of [key, part])
      if (typeof text === "string" && (text.includes("\0") || !text.isWellFormed()))
        throw invalid("mapping", "invalid_characters", "must not contain NUL or half a surrogate pair");
    return part;
  });
}

/** @throws Invalid that names what does not fit, as `mapping.<field>` */
function fitting(value: unknown): GivenMapping {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("mapping", "invalid_type", 'must be an object, such as {"name": "Full name"}');
  const errors = Object.entries(value).flatMap(([field, source]) => wrongIn(`mapping.${field}`, source));
  if (errors.length > 0) throw new Invalid(errors);
  return value as GivenMapping;
}

function wrongIn(field: string, source: unknown): FieldError[] {
  if (typeof source === "string") return [];
  if (typeof source !== "object" || source === null) {
    const message = "must be a header, or an object with columns or a constant";
    return [{ field: field.slice(0, 200), code: "invalid_type", message }];
  }
  try {
    assertFits(Source, source);
    return [];
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    const errors = error.details.errors ?? [];
    return errors.map((each) => ({ ...each, field: `${field}.${each.field}`.slice(0, 200) }));
  }
}

/** The headers that a mapping names. */
export const headersIn = (mapping: GivenMapping): string[] => Object.values(mapping).flatMap(columnsOf);

const columnsOf = (source: GivenMapping[string]): string[] =>
  typeof source === "string" ? [source] : (source.columns ?? []);

/**
 * A mapping with the places of its columns.
 * @throws Invalid that names each header which the file does not have, or has more than once
 */
export function placed(mapping: GivenMapping, headers: readonly string[]): FieldSources {
  const errors: FieldError[] = [];
  const placeOf = (field: string, header: string): number => {
    const places = placesOf(header, headers);
    if (places.length === 1) return places[0]!;
    const code = places.length === 0 ? "unknown_column" : "ambiguous_column";
    const message =
      places.length === 0
        ? `there is no column "${header.slice(0, 100)}"; there are ${listed(headers)}`
        : `${places.length} columns are called "${header.slice(0, 100)}"`;
    errors.push({ field: `mapping.${field}`, code, message });
    return -1;
  };
  const sources = Object.entries(mapping).map(([field, source]): [string, FieldSource] => {
    const named = columnsOf(source);
    const { join = " ", constant, values } = typeof source === "string" ? {} : source;
    if (named.length === 0 && constant === undefined)
      errors.push({ field: `mapping.${field}`, code: "empty", message: "must name columns or a constant" });
    const columns = named.map((header) => placeOf(field, header));
    return [
      field,
      {
        columns,
        headers: named,
        join,
        ...(constant !== undefined && { constant }),
        ...(values && { values }),
      },
    ];
  });
  if (errors.length > 0) throw new Invalid(errors);
  return Object.fromEntries(sources);
}

/** The columns with this header: to the letter, or else as people read it. */
function placesOf(header: string, headers: readonly string[]): number[] {
  const exact = headers.flatMap((each, i) => (each === header ? [i] : []));
  if (exact.length > 0) return exact;
  const wanted = plain(header);
  return wanted === "" ? [] : headers.flatMap((each, i) => (plain(each) === wanted ? [i] : []));
}

const mostListed = 30;
const listed = (headers: readonly string[]): string =>
  headers
    .slice(0, mostListed)
    .map((header) => `"${header.slice(0, 60)}"`)
    .join(", ") + (headers.length > mostListed ? " …" : "");

/** The mapping that the headers suggest: each column for one field at most, the first of those that share a header. */
export function suggested(fields: ImportFields, headers: readonly string[]): FieldSources {
  const plains = headers.map(plain);
  const taken = new Set<number>();
  const first = (names: string): number | undefined => {
    for (const name of names.split(" ")) {
      const place = plains.indexOf(name);
      if (place >= 0 && !taken.has(place)) return place;
    }
    return undefined;
  };
  const sources: FieldSources = {};
  const take = (field: string, columns: number[], join: string) => {
    for (const column of columns) taken.add(column);
    sources[field] = { columns, headers: columns.map((i) => headers[i]!), join };
  };
  // By its own name before any other: `title` is a position of clients, unless there is a column `position`.
  for (const [field, { made }] of Object.entries(fields)) {
    const name = plain(field);
    const isPart = made?.of.some((names) => names.split(" ").includes(name));
    const place = isPart ? undefined : first(name);
    if (place !== undefined) take(field, [place], " ");
  }
  for (const [field, { names, made }] of Object.entries(fields)) {
    if (sources[field]) continue;
    const place = first(names);
    const parts = made?.of.map(first).filter((part) => part !== undefined) ?? [];
    if (place !== undefined) take(field, [place], " ");
    else if (parts.length > 0) take(field, parts, made!.join);
  }
  return sources;
}

const invalid = (field: string, code: string, message: string) => new Invalid([{ field, code, message }]);
