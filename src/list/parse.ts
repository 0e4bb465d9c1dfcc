import { now as presentTime } from "../clock";
import { RecentMap } from "../recent-map";
import { assertContinues, decodeCursor, type Cursor } from "./cursor";
import type { Fields } from "./fields";
import { Parameters } from "./parameters";
import { Problems, splitQuery } from "./query";
import { inOrder } from "./filter-groups";
import { forgiving } from "./search";
import type { Filter, ListOptions, ListRequest } from "./request";

/**
 * Reads the raw query of a list, without its question mark.
 * @throws Refusal 400 that names every parameter that cannot be taken, and why
 */
export function parseList(fields: Fields, query: string, options: ListOptions): ListRequest {
  if (query.length > longestRemembered) return read(fields, query, options);
  const known = remembered.getOrInsertComputed(fields, () => new RecentMap(mostRemembered));
  const key = [query, options.timeZone, options.country, options.scope].join("\n");
  const request = known.get(key) ?? read(fields, query, options);
  // A relative instant is another one each time.
  if (request.now === null) known.set(key, request);
  return request;
}

/**
 * Reads a raw query that has filters and nothing else, for what is counted or done over all of them.
 * @throws Refusal 400 that names every parameter that cannot be taken, and why
 */
export function parseFilters(fields: Fields, query: string, options: ListOptions): readonly Filter[] {
  const problems = new Problems();
  const clock = { ...options, now: options.now ?? presentTime() };
  const parameters = new Parameters(fields, clock, "filters");
  for (const [name, text] of splitQuery(query, problems))
    problems.try(name, () => parameters.take(name, text));
  problems.refuse();
  return inOrder(parameters.filters);
}

/** A screen asks for the same few lists all day. Whoever walks through all pages of one pushes out what nobody asks for any more. */
const remembered = new WeakMap<Fields, RecentMap<ListRequest>>();
const [mostRemembered, longestRemembered] = [500, 200];

function read(fields: Fields, query: string, options: ListOptions): ListRequest {
  const problems = new Problems();
  const given = splitQuery(query, problems);
  const cursor = readCursor(given, problems);
  // Relative instants count from when the walk began, so that its filter stays the same.
  const clock = { ...options, now: cursor?.now ?? options.now ?? presentTime(), nowWasUsed: false };
  const parameters = new Parameters(fields, clock);
  for (const [name, text] of given) problems.try(name, () => parameters.take(name, text));
  problems.try("page", () => parameters.assertReachable());
  problems.try("q", () => parameters.assertSearching());
  problems.refuse();
  const request = requestOf(fields, parameters, cursor, clock.nowWasUsed ? clock.now : null, options.scope);
  if (cursor) problems.try("cursor", () => assertContinues(cursor, request, fields));
  problems.refuse();
  return request;
}

function readCursor(given: [name: string, text: string][], problems: Problems): Cursor | undefined {
  const parameter = given.find(([name]) => name === "cursor");
  return parameter && problems.try("cursor", () => decodeCursor(parameter[1]));
}

function requestOf(
  fields: Fields,
  parameters: Parameters,
  cursor: Cursor | undefined,
  now: number | null,
  scope = "",
): ListRequest {
  const { sort = fields.defaultSort, deleted = "none", count = "capped", limit, page } = parameters;
  const filters = inOrder(parameters.filters);
  const texts = filters.map((filter) => JSON.stringify(filter));
  const list = [fields.resource, scope, deleted, sort, texts];
  const fingerprint = Bun.hash(JSON.stringify(list)).toString(36);
  return {
    filters,
    sort,
    deleted,
    count,
    limit,
    page: cursor ? null : (page ?? 1),
    after: cursor?.after ?? null,
    // What was forgiven on the first page is on all of them.
    fingerprint: cursor?.fingerprint === forgiving(fingerprint) ? cursor.fingerprint : fingerprint,
    now,
  };
}
