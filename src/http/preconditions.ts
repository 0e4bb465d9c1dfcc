import { Refusal } from "../errors";

/** RFC 9110, section 8.8.3: an opaque tag in quotes, weak with `W/`. */
const entityTag = /^\s*(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*$/;

function readTags(header: string) {
  return header.split(",").map((part) => {
    const match = entityTag.exec(part);
    if (!match)
      throw new Refusal(
        "malformed",
        "invalid_etag",
        `This is not an entity tag: ${part.trim().slice(0, 100)}`,
      );
    return { weak: match[1] !== undefined, tag: match[2]! };
  });
}

/** What `If-Match` asks for: one of these versions, or any version at all. */
export type IfMatch = readonly number[] | "any";

/**
 * Reads `If-Match`. The comparison is strong: a weak tag, or one we never gave, matches no version.
 * @throws Refusal 400 when the header is malformed, 428 when it is required and missing
 */
export function readIfMatch(header: string | null, required: boolean): IfMatch {
  if (header === null) {
    if (!required) return "any";
    throw new Refusal(
      "precondition_required",
      "if_match_required",
      "Say which version you change: If-Match.",
    );
  }
  if (header.trim() === "*") return "any";
  return readTags(header).map(({ weak, tag }) =>
    weak || !/^v\d{1,9}$/.test(tag) ? -1 : Number(tag.slice(1)),
  );
}

/** Whether `If-None-Match` names this ETag. The comparison is weak, as for every GET. */
export function isUnchanged(header: string | null, etag: string | undefined): boolean {
  if (header === null || etag === undefined) return false;
  if (header === etag || header.trim() === "*") return true;
  return readTags(header).some(({ tag }) => `"${tag}"` === etag);
}
