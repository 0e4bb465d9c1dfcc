import { second } from "../../clock";
import { DbError } from "../../db/errors";
import { Turns } from "../../db/turns";
import { Busy } from "../../errors";
import type { Download } from "../../http/download";
import { RecentMap } from "../../integrations/recent-map";
import type { BlobKeeper } from "./blob-keeper";
import type { FileRow } from "./policy";

/** What pictures are made of: what can be decoded wherever the server runs. */
const decoded: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/bmp",
]);
const largestFile = 20 * 1024 * 1024;
/** A small file can unfold to a canvas that takes gigabytes. */
const maxPixels = 50e6;
/** The longer side, in pixels. */
const side = 1_280;

/** So many are remembered; one has most often less than 300 KB. */
const mostKept = 32;

/** An image, as far as it takes to show it. */
type Pictured = Pick<FileRow, "name" | "file_type" | "file_size" | "checksum">;

/** Whether there can be a picture of this file. */
export const mayBePictured = ({ file_type, file_size }: Pictured): boolean =>
  decoded.has(file_type) && file_size <= largestFile;

/**
 * Pictures of images, to be looked at: no larger than a screen, and encoded anew, so that nothing of a file goes along but
 * what is seen of it, neither where it was taken nor what hides in it. One at a time is made, off the event loop, for each
 * caller in turn; the last ones are remembered.
 */
export class Pictures {
  readonly #turns = new Turns(1, 10 * second);
  /** By the checksum of the file; `null` for those that are no image after all. */
  readonly #kept = new RecentMap<Uint8Array<ArrayBuffer> | null>(mostKept);
  readonly #making = new Map<string, Promise<Uint8Array<ArrayBuffer> | null>>();

  constructor(private readonly keeper: Pick<BlobKeeper, "read">) {}

  /**
   * The picture of a file, if there is one.
   * @param caller whose turn it is, such as the link that was opened
   * @throws Busy when too many are asked for
   */
  async of(file: Pictured, caller: string): Promise<Download | undefined> {
    if (!mayBePictured(file)) return undefined;
    const bytes = await this.#bytesOf(file.checksum, caller);
    if (bytes === null) return undefined;
    const picture = new Blob([bytes]);
    return {
      ...{ name: `${file.name}.webp`, type: "image/webp", size: bytes.byteLength },
      etag: `"${file.checksum}-${side}"`,
      read: async (part) => (part ? picture.slice(part.first, part.last + 1) : picture),
    };
  }

  #bytesOf(checksum: string, caller: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const kept = this.#kept.get(checksum);
    if (kept !== undefined) return Promise.resolve(kept);
    // Who asks for the same meanwhile gets the same.
    return this.#making.getOrInsertComputed(checksum, () =>
      this.#turns
        .run(caller, async () => {
          const made = await encoded(await bytesOf(await this.keeper.read(checksum)));
          this.#kept.set(checksum, made);
          return made;
        })
        .catch((error: unknown) => {
          throw error instanceof DbError && error.kind === "deadline" ? tooMany(error) : error;
        })
        .finally(() => this.#making.delete(checksum)),
    );
  }
}

const tooMany = (cause: Error) => new Busy("Too many pictures are asked for right now.", second, cause);

const bytesOf = (body: Blob | ReadableStream<Uint8Array>) => new Response(body).bytes();

/** `null` for what is no image, or too large a one. */
async function encoded(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const image = new Bun.Image(bytes, { maxPixels });
    const fitting = image.resize(side, side, { fit: "inside", withoutEnlargement: true });
    return (await fitting.webp({ quality: 82 }).bytes()) as Uint8Array<ArrayBuffer>;
  } catch {
    return null;
  }
}
