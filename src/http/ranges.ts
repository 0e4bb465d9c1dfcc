import { Refusal } from "../errors";

/** From the first byte to the last, both included. */
export interface ByteRange {
  first: number;
  last: number;
}

/**
 * The part of something that a request asks for; `undefined` for all of it, which is also given for several parts, for
 * another unit, and when `If-Range` names another version (RFC 9110, section 14.2).
 * @param etag its strong ETag
 * @throws Refusal 416 when it ends before the part begins
 */
export function readRange(headers: Headers, size: number, etag: string): ByteRange | undefined {
  const [, from, to] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(headers.get("range") ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return undefined;
  if (from !== "" && to !== "" && Number(to) < Number(from)) return undefined;
  const ifRange = headers.get("if-range");
  if (ifRange !== null && ifRange !== etag) return undefined;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (first < size && first <= last) return { first, last };
  throw new Refusal(
    "range_not_satisfiable",
    "range_not_satisfiable",
    `There are ${size} bytes; the range begins after them.`,
    { headers: { "content-range": `bytes */${size}` } },
  );
}
