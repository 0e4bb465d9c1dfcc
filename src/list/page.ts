import type { ListRequest } from "./request";

/** What running a list gives: one page, and what is known about the rest. */
export interface ListResult<Row> {
  rows: Row[];
  /** Continues after the last row; null when there is nothing after it. */
  nextCursor: string | null;
  /** Null when nobody asked for it. */
  total: number | null;
  /** There are more than `total`. */
  totalCapped: boolean;
}

/** `pagination` as the wire has it. */
export interface Pagination {
  page: number | null;
  limit: number;
  total: number | null;
  total_pages: number | null;
  total_capped: boolean;
  next_cursor: string | null;
}

/** A list as the wire has it. */
export interface Page<View> {
  data: View[];
  pagination: Pagination;
}

/** A list of few records, which come as one page. */
export function onePage<View>(data: View[]): Page<View> {
  const total = data.length;
  const whole = { page: 1, limit: Math.max(20, total) };
  return { data, pagination: pageOf({ total, totalCapped: false, nextCursor: null }, whole) };
}

/** What a list says about its pages. */
export function pageOf(
  result: Omit<ListResult<unknown>, "rows">,
  { page, limit }: Pick<ListRequest, "page" | "limit">,
): Pagination {
  const { total, totalCapped, nextCursor } = result;
  return {
    page,
    limit,
    total,
    total_pages: total === null ? null : Math.ceil(total / limit),
    total_capped: totalCapped,
    next_cursor: nextCursor,
  };
}
