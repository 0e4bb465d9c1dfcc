import { Refusal } from "../errors";
import type { IfMatch } from "../events/current";

/**
 * RFC 9110, section 8.8.3: an opaque tag in quotes, weak with `W/`, up to the next comma. A tag may have commas in
 * it, and entries of a list may be empty (section 5.6.1.2).
 */
const entry = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*)?(?:,|$)/y;

function readTags(header: string) {
  const tags: { weak: boolean; tag: string }[] = [];
  for (entry.lastIndex = 0; entry.lastIndex < header.length;) {
    const rest = header.slice(entry.lastIndex);
    const match = entry.exec(header);
    if (!match) throw notATag(rest);
    if (match[2] !== undefined) tags.push({ weak: match[1] !== undefined, tag: match[2] });
  }
  if (tags.length === 0) throw notATag(header);
  return tags;
}

const notATag = (text: string) =>
  new Refusal("malformed", "invalid_etag", `This is not an entity tag: ${text.trim().slice(0, 100)}`);

/**
 * Reads `If-Match`. A tag we never gave matches no version. A weak one counts as the tag it was made from: a proxy that
 * compresses weakens it on the way (nginx does), and the version that it names is still the same.
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
  return readTags(header).map(({ tag }) => (/^v[1-9]\d{0,8}$/.test(tag) ? Number(tag.slice(1)) : -1));
}

/** Whether `If-None-Match` names this ETag. The comparison is weak, as for every GET. */
export function isUnchanged(header: string | null, etag: string | undefined): boolean {
  if (header === null || etag === undefined) return false;
  if (header === etag || header.trim() === "*") return true;
  return readTags(header).some(({ tag }) => `"${tag}"` === etag);
}
