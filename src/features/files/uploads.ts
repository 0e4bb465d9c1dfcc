import { monotonic, second } from "../../clock";
import { Invalid, Refusal } from "../../errors";
import { refusalOf } from "../../http/refusals";
import type { Actor } from "../../policy";
import type { BlobKeeper } from "./blob-keeper";
import { headBytes, mediaTypeOf } from "./media-type";
import { cleanName } from "./names";
import type { Arrival } from "./arrival";
import type { Quota } from "./quota";
import type { FileDetails, FileView } from "./schema";
import type { FileService, NewFile } from "./service";
import type { Store } from "../../db/store";

/** A file on its way in. */
export interface IncomingFile {
  /** What its sender calls it. */
  name: string;
  bytes: AsyncIterable<Uint8Array>;
}

/** Reads files, one after the other, and gives at the end what was said of them all. */
export type ReadFiles = (take: (file: IncomingFile) => Promise<void>) => Promise<FileDetails>;

/** What became of one file. */
export type Outcome = { name: string } & ({ file: FileView } | { refusal: Refusal });

/** What uploads need of others. */
export interface UploadOptions {
  store: Store;
  files: FileService;
  keeper: BlobKeeper;
  quota: Quota;
  /** The media types that are not taken. */
  refusedTypes: () => readonly string[];
  /** Told of each file whose bytes are safe, and how long that took. */
  measure: { uploaded(bytes: number, seconds: number): void };
}

/** A file whose bytes are kept, and of which nothing is recorded as yet. */
type Received = Pick<NewFile, "name" | "file_type" | "stored"> & { arrival: Arrival };

/** Takes files in: what is too large, or not wanted, is noticed while it comes, and leaves nothing behind. */
export class Uploads {
  constructor(private readonly options: UploadOptions) {}

  /** One file. @throws Refusal for what is not taken, Invalid when there is none or a second one */
  async one(actor: Actor, read: ReadFiles): Promise<FileView> {
    const received: Received[] = [];
    const details = await this.#read(received, read, async (file) => {
      if (received.length > 0) throw invalid("too_many", "must be one file; batch-upload takes many");
      received.push(await this.#receive(actor, file));
    });
    const [file] = received;
    if (!file) throw invalid("required", "is required");
    try {
      return await this.options.files.upload(actor, { ...file, ...details });
    } finally {
      file.arrival.end();
    }
  }

  /** Many files, each by itself. @throws Refusal when they cannot be read, Invalid when there are none */
  async many(actor: Actor, read: ReadFiles): Promise<Outcome[]> {
    const came: (Received | { name: string; refusal: Refusal })[] = [];
    const received: Received[] = [];
    const details = await this.#read(received, read, async (file) => {
      const one = await refused(cleanName(file.name), () => this.#receive(actor, file));
      came.push(one);
      if ("stored" in one) received.push(one);
    });
    if (came.length === 0) throw invalid("required", "is required");
    const outcomes: Outcome[] = [];
    try {
      for (const each of came) outcomes.push(await this.#upload(actor, each, details));
      return outcomes;
    } finally {
      for (const { arrival } of received) arrival.end();
    }
  }

  /** Reads all files. When that fails, the bytes go that came until then: as yet, no row can refer to them. */
  async #read(
    received: readonly Received[],
    read: ReadFiles,
    take: (file: IncomingFile) => Promise<void>,
  ): Promise<FileDetails> {
    try {
      return await read(take);
    } catch (error) {
      for (const { stored } of received) await this.options.keeper.discard(stored.key);
      for (const { arrival } of received) arrival.end();
      throw error;
    }
  }

  #upload(
    actor: Actor,
    each: Received | { name: string; refusal: Refusal },
    details: FileDetails,
  ): Promise<Outcome> {
    if ("refusal" in each) return Promise.resolve(each);
    const { name } = each;
    return refused(name, async () => {
      const file = await this.options.files.upload(actor, { ...each, ...details });
      each.arrival.end();
      return { name, file };
    });
  }

  async #receive(actor: Actor, { name, bytes }: IncomingFile): Promise<Received> {
    const { store, quota, keeper, refusedTypes, measure } = this.options;
    const startedAt = monotonic();
    const arrival = await quota.arrival(store.read, actor);
    try {
      const checked = new CheckedBytes(bytes, arrival, refusedTypes());
      const stored = await keeper.put(checked);
      measure.uploaded(stored.size, (monotonic() - startedAt) / second);
      return { name: cleanName(name), file_type: checked.type!, stored, arrival };
    } catch (error) {
      arrival.end();
      throw error;
    }
  }
}

/** Bytes that break off when they are too many, or of a type that is not taken. */
class CheckedBytes implements AsyncIterable<Uint8Array> {
  /** Known once all was read. */
  type: string | undefined;
  readonly #head: Uint8Array[] = [];
  #headSize = 0;

  constructor(
    private readonly bytes: AsyncIterable<Uint8Array>,
    private readonly arrival: Arrival,
    private readonly refusedTypes: readonly string[],
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.bytes) {
      this.arrival.take(chunk.byteLength);
      if (this.type === undefined) await this.#look(chunk);
      yield chunk;
    }
    if (this.type === undefined) await this.#decide();
  }

  async #look(chunk: Uint8Array): Promise<void> {
    this.#head.push(Uint8Array.from(chunk.subarray(0, headBytes - this.#headSize)));
    this.#headSize += chunk.byteLength;
    if (this.#headSize >= headBytes) await this.#decide();
  }

  async #decide(): Promise<void> {
    const type = await mediaTypeOf(Buffer.concat(this.#head.splice(0)));
    if (this.refusedTypes.includes(type)) throw typeRefused(type);
    this.type = type;
  }
}

const invalid = (code: string, message: string) => new Invalid([{ field: "file", code, message }]);

const typeRefused = (file_type: string) =>
  new Refusal("unsupported_media", "file_type_refused", `Files of the type ${file_type} are not taken.`, {
    members: { file_type },
  });

/** What comes of it, or why it was refused. */
async function refused<Result>(
  name: string,
  work: () => Promise<Result>,
): Promise<Result | { name: string; refusal: Refusal }> {
  try {
    return await work();
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal || refusal.code === "broken_off" || refusal.code === "malformed_form") throw error;
    return { name, refusal };
  }
}
