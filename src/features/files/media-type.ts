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

/** The text that these bytes are in UTF-8; `undefined` when they are none. */
function textOf(head: Uint8Array): string | undefined {
  try {
    // The last character of a head may be cut through.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    // oxlint-disable-next-line no-control-regex -- these tell text from bytes
    return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
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
