import { decoded, encodingOf } from "../../encoding";

/** So many of the first bytes of a file tell what it is. */
export const headBytes = 64 * 1024;

/**
 * The media type of a file by its bytes, never by its name or by what its sender calls it.
 * @param head its first `headBytes`, or all there are
 */
export async function mediaTypeOf(head: Uint8Array): Promise<string> {
  // Loaded with the first upload: nothing else needs it.
  const { fileTypeFromBuffer } = await import("file-type");
  const known = (await fileTypeFromBuffer(head).catch(() => undefined))?.mime;
  if (known !== undefined && known !== "application/xml") return known;
  const text = textOf(head);
  if (text === undefined || text === "") return known ?? "application/octet-stream";
  return typeOfText(text);
}

/** The text that these bytes are; `undefined` when they are none. */
const textOf = (head: Uint8Array): string | undefined =>
  [textInUtf8, textInOther]
    .map((read) => read(head))
    .find((text) => text !== undefined && !binary.test(text));

/** What no text has. */
// oxlint-disable-next-line no-control-regex -- these tell text from bytes
const binary = /[\0-\x08\x0e-\x1a\x1c-\x1f\ufffe]/;

function textInUtf8(head: Uint8Array): string | undefined {
  try {
    // The last character of a head may be cut through.
    return new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
  } catch {
    return undefined;
  }
}

/** What older programs write: UTF-16, or a code page, whose letters are mostly those of ASCII. */
function textInOther(head: Uint8Array): string | undefined {
  const encoding = encodingOf(head);
  if (encoding.startsWith("utf-16")) return head.length % 2 === 0 ? decoded(head, encoding) : undefined;
  const high = head.reduce((sum, byte) => (byte >= 0x80 ? sum + 1 : sum), 0);
  return high * 2 < head.length ? decoded(head, encoding) : undefined;
}

/** What browsers take for a document when it is the first tag, as WHATWG's MIME Sniffing lists them. */
const html = /^<(!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>]/i;

/** What begins like something that a browser would run is that, with whatever comes before its first tag left out. */
function typeOfText(text: string): string {
  const start = text.replace(/^(\s|<!--[^]*?-->|<\?[^]*?\?>)+/, "");
  if (/^(<!doctype svg[^>]*>\s*)?<svg[\s>/]/i.test(start)) return "image/svg+xml";
  if (html.test(start)) return "text/html";
  return /^\s*<\?xml\s/.test(text) ? "application/xml" : "text/plain";
}
