import { BlobError } from "../integrations/blobs/blobs";
import { isUnchanged } from "./preconditions";
import { readRange, type ByteRange } from "./ranges";
import type { ResponseSet } from "./answer";

/** Something to be saved as a file. */
export interface Download {
  name: string;
  /** Its media type. */
  type: string;
  size: number;
  /** It may be shown in a page, also one of another origin: it was made here, and whoever asks for it may see it; forever when it never changes. */
  isShown?: true | "forever";
  /** What tells its bytes from all others, in quotes. */
  etag: string;
  /** All of it, or a part. */
  read(part?: ByteRange): Promise<Blob | ReadableStream<Uint8Array>>;
}

/**
 * The answer to a download: all of it, a part, or that nothing has changed. Whatever it is, no browser runs it here: it is to
 * be saved, its type is not guessed, and where it is shown all the same, it has neither scripts nor an origin.
 * @throws Refusal 416 when it ends before the part that is asked for
 */
export async function sendDownload(
  request: Request,
  set: ResponseSet,
  download: Download,
): Promise<Response> {
  const { name, type, size, etag, isShown } = download;
  const headers: Record<string, string> = {
    ...{ etag, "cache-control": "private, no-cache", "accept-ranges": "bytes" },
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    ...(isShown === "forever" && { "cache-control": "public, max-age=31536000, immutable" }),
    ...(isShown && { "cross-origin-resource-policy": "cross-origin" }),
  };
  const answer = (status: number, body: ConstructorParameters<typeof Response>[0] = null) => {
    set.status = status;
    Object.assign(set.headers, headers);
    return new Response(body, { status, headers });
  };
  if (isUnchanged(request.headers.get("if-none-match"), etag)) return answer(304);
  // RFC 9110, section 14.2: a range is asked for with GET alone.
  const part = request.method === "HEAD" ? undefined : readRange(request.headers, size, etag);
  headers["content-type"] = type.startsWith("text/") ? `${type}; charset=utf-8` : type;
  headers["content-disposition"] = disposition(isShown ? "inline" : "attachment", name);
  const length = part ? part.last - part.first + 1 : size;
  headers["content-length"] = String(length);
  if (part) headers["content-range"] = `bytes ${part.first}-${part.last}/${size}`;
  const status = part ? 206 : 200;
  return request.method === "HEAD"
    ? answer(status)
    : answer(status, await measured(await download.read(part), length));
}

/** What is read before it is sent. Slow readers hold so much each. */
const mostMeasured = 1024 * 1024;

/**
 * A body whose length goes out with it. Bun sends streams in chunks, without the `Content-Length` that they are given
 * (oven-sh/bun#10507), so short ones are read first; longer ones, which come from a bucket, have it in the answer to `HEAD`.
 */
async function measured(body: Awaited<ReturnType<Download["read"]>>, length: number) {
  if (body instanceof Blob || length > mostMeasured) return body;
  try {
    return await new Response(body).bytes();
  } catch (error) {
    throw new BlobError("unavailable", error);
  }
}

/**
 * `Content-Disposition` for a name in any script (RFC 6266): in ASCII for those who know no better, and in UTF-8 as RFC 8187
 * writes it. Nothing of a name gets out of its place in the header.
 */
export const attachment = (name: string): string => disposition("attachment", name);

function disposition(kind: "attachment" | "inline", name: string): string {
  const plain = name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^\x20-\x7e]|["\\%]/gu, "_");
  const isPlain = plain === name;
  return `${kind}; filename="${plain}"${isPlain ? "" : `; filename*=UTF-8''${extended(name)}`}`;
}

/** RFC 8187, section 3.2.1: what `encodeURIComponent` leaves and `attr-char` has not. */
const extended = (text: string) =>
  encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
