/** How a field may be compared in a filter. */
export type Operator =
  | "eq"
  | "ne"
  | "in"
  | "nin"
  | "all"
  | "lt"
  | "lte"
  | "gt"
  | "gte"
  | "between"
  | "contains"
  | "starts_with"
  | "is_null"
  /** The record as a whole has these words: of a list, not of a field. */
  | "search"
  /** One of several groups of conditions is met. */
  | "any";

/** A value in a filter, in the form its column holds. */
export type Value = string | number | boolean;

/** Which deleted records a list shows: none of them, nothing else, or those among the live ones. */
export type DeletedMode = "none" | "only" | "with";

/** How a list counts: to 1,000, to the end, or not at all. */
export type Counting = "capped" | "exact" | "none";

/** One key of an order. */
export interface SortKey {
  readonly field: string;
  readonly descending: boolean;
}

/**
 * One condition on the records. `between` has two values, `in`, `nin` and `all` any number, the others one;
 * that of `is_null` says whether the field is to be null.
 */
export interface Filter {
  readonly field: string;
  readonly op: Operator;
  readonly values: readonly Value[];
  /** Of `any`: each group is met when all of its conditions are. */
  readonly anyOf?: readonly (readonly Filter[])[];
}

/** Where a page ended: what its last record was sorted by. */
export interface Position {
  readonly values: readonly (string | number | null)[];
  readonly id: string;
}

/** A query of a list, checked: every name is known and every value fits its column. */
export interface ListRequest {
  /** In a fixed order, whatever the order in the query. */
  readonly filters: readonly Filter[];
  readonly sort: readonly SortKey[];
  readonly deleted: DeletedMode;
  readonly count: Counting;
  readonly limit: number;
  /** Null with a cursor. */
  readonly page: number | null;
  /** Where the page before ended, from the cursor. */
  readonly after: Position | null;
  /** Tells which list this is, in which order: a cursor continues that list and no other. */
  readonly fingerprint: string;
  /** What relative instants were counted from, or null if there are none. Stays the same through a walk. */
  readonly now: number | null;
}

/** What parsing a query needs to know besides the query. */
export interface ListOptions {
  /** The caller's, as an IANA name. */
  timeZone: string;
  /** Milliseconds since 1970; without it, the present. */
  now?: number;
  /** ISO 3166 code of phone numbers without a country code. */
  country?: string | null;
  /** What narrows the list besides its query, such as the user in the path: part of what a cursor belongs to. */
  scope?: string;
}
