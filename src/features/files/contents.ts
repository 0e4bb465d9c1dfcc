import { now, second } from "../../clock";
import {
  mostBytes,
  mostPlain,
  readingOf,
  Unreadable,
  type Contents,
  type Preview,
  type PreviewSize,
} from "../../contents/contents";
import type { ContentReader } from "../../contents/reader";
import type { Session, Store } from "../../db/store";
import type { Download } from "../../http/download";
import { TryAgain, type JobKind, type Progress, type RunningJob } from "../../jobs/job";
import { addJob } from "../../jobs/queue";
import type { StoredBlob } from "../../integrations/blobs/blobs";
import { blobByHash } from "./blob-store";
import type { BlobKeeper } from "./blob-keeper";
import {
  contentsOf,
  dropPreviews,
  filesWith,
  insertPreviews,
  markPending,
  previewOf,
  previewsOf,
  putContents,
  stateOf,
  unreadAfter,
  type ContentsRow,
  type PreviewRow,
} from "./contents-store";
import type { FileRow } from "./policy";
import { fileSearch, searchedOfFile } from "./search";

/** What is known of the contents of a file. */
export type Known = Omit<ContentsRow, "hash"> & { previews: readonly PreviewRow[] };

/** How it stands with the picture of a file: there is one, nothing as yet, or there is none and will be none. */
export type PictureState = "ready" | "pending" | "unavailable";

/** A file, as far as it takes to show it. */
type Pictured = Pick<FileRow, "name" | "file_type" | "checksum">;

/** A picture whose bytes are kept, and its row. */
interface Kept {
  stored: StoredBlob;
  row: PreviewRow;
}

const jobName = "file-contents";
/** The last one reads nothing: it says that each before it broke off. */
const attempts = 4;
/** Files whose texts are written in one transaction. */
const portion = 10;
/** Comes before every id. */
const noId = "00000000-0000-0000-0000-000000000000";

type Payload = { hash: string; file_type: string };

/** What stands in the bytes of files, found by a job each: the same once for all files that have them. */
export class FileContents {
  constructor(
    private readonly store: Store,
    private readonly keeper: BlobKeeper,
    private readonly reader: ContentReader,
  ) {}

  /** Sees to it that bytes are read, in the transaction that brings or shows them. Nobody waits for it. */
  async want(session: Session, hash: string, file_type: string, { priority = 0 } = {}): Promise<void> {
    if (readingOf(file_type) === undefined || !(await this.#isUnread(session, hash))) return;
    await this.#add(session, { hash, file_type }, priority);
  }

  /** Has them read again, whatever came of it before; what is known meanwhile stays. */
  async again(session: Session, hash: string, file_type: string): Promise<void> {
    if (readingOf(file_type) === undefined) return;
    await markPending.all(session, { hash });
    await this.#add(session, { hash, file_type }, 0);
  }

  /** What is known of some bytes. */
  async known(session: Session, hash: string, file_type: string): Promise<Known> {
    const row = await contentsOf.first(session, { hash });
    const isReadable = readingOf(file_type) !== undefined;
    if (!row) return { ...nothing, state: isReadable ? "pending" : "ready", previews: [] };
    return { ...row, previews: await previewsOf.all(session, { hash }) };
  }

  /** The picture of a file in a size, or how it stands with it. Who may see it is the caller's to know. */
  async picture(
    session: Session,
    { name, checksum: hash, file_type }: Pictured,
    size: PreviewSize,
  ): Promise<Download | Exclude<PictureState, "ready">> {
    if (readingOf(file_type) !== "image") return "unavailable";
    const found = await previewOf.first(session, { hash, size });
    if (found)
      return {
        ...{ name: `${name}.webp`, type: "image/webp", size: found.bytes, etag: `"${found.checksum}"` },
        read: (part) => this.keeper.read(found.checksum, part),
      };
    const state = await stateOf.first(session, { hash });
    return !state || state.state === "pending" ? "pending" : "unavailable";
  }

  /** Adds the jobs of files that came before there were any. */
  async readOlder(): Promise<void> {
    for (let after = ""; ;) {
      const found = await unreadAfter.all(this.store.read, { after, most: portion });
      if (found.length === 0) return;
      await this.store.tx(async (session) => {
        for (const { hash, file_type } of found) await this.want(session, hash, file_type, { priority: -10 });
      });
      after = found.at(-1)!.hash;
    }
  }

  /** What is done with the jobs. Whatever a file is, its job ends: with what stands in it, or with why that is not known. */
  readonly kind: JobKind = {
    ...{ name: jobName, attempts },
    backoff: (attempt) => 5 * second * 4 ** (attempt - 1),
    run: async (job) => {
      const { hash, file_type } = job.payload as Payload;
      if (await this.#isUnread(this.store.read, hash)) await this.#look(job, hash, file_type);
      await this.#index(job, hash);
      await job.finish(async (session) => {
        const isGone = !(await blobByHash.first(session, { hash }));
        // Somebody asked for it anew while it was under way, which added no job as there was this one.
        if (!isGone && (await this.#isUnread(session, hash))) throw new TryAgain("It is to be read again.");
      });
    },
  };

  async #isUnread(session: Session, hash: string): Promise<boolean> {
    const known = await stateOf.first(session, { hash });
    return !known || known.state === "pending";
  }

  async #add(session: Session, payload: Payload, priority: number): Promise<void> {
    await addJob(session, { kind: jobName, payload, key: `${jobName} ${payload.hash}`, priority });
  }

  /** Reads bytes and writes what stands in them, or why that is not known. */
  async #look(job: RunningJob, hash: string, file_type: string): Promise<void> {
    const found = await this.#read(job, hash, file_type);
    if (found === undefined) return;
    if (typeof found === "string") {
      await this.#write(job, { ...nothing, hash, state: "failed", problem: found }, []);
      return;
    }
    const { metadata, text, isCut: is_cut, previews } = found;
    const kept: Kept[] = [];
    for (const preview of previews) kept.push(await this.#keep(hash, preview));
    await this.#write(job, { ...nothing, hash, metadata, text, is_cut }, kept);
  }

  /** What stands in bytes, or why nobody knows; `undefined` when they are gone by now. */
  async #read(job: RunningJob, hash: string, type: string): Promise<Contents | string | undefined> {
    if (job.attempt === attempts) return "Each attempt to read it broke off.";
    const blob = await blobByHash.first(this.store.read, { hash });
    if (!blob) return undefined;
    const isPlain = ["plain", "html"].includes(readingOf(type) ?? "");
    if (!isPlain && blob.size > mostBytes) return `It is larger than the ${mostBytes} bytes that are read.`;
    const part = isPlain && blob.size > mostPlain ? { first: 0, last: mostPlain - 1 } : undefined;
    const bytes = await new Response(await this.keeper.read(hash, part)).bytes();
    try {
      const contents = await this.reader.read({ type, bytes });
      return part ? { ...contents, isCut: true } : contents;
    } catch (error) {
      if (error instanceof Unreadable) return error.message;
      throw error;
    }
  }

  async #keep(hash: string, { size, width, height, bytes }: Preview): Promise<Kept> {
    const stored = await this.keeper.put(once(bytes));
    return { stored, row: { hash, size, width, height, checksum: stored.hash, bytes: stored.size } };
  }

  /** Writes what was found, unless the bytes are gone by now: then nobody asks any more. */
  async #write(job: RunningJob, row: ContentsRow, previews: readonly Kept[]): Promise<void> {
    const { hash } = row;
    let isGone = false;
    await job.advance(async (session) => {
      isGone = !(await blobByHash.first(session, { hash }));
      if (isGone) return job.reached;
      await putContents.all(session, { ...row, read_at: now() });
      const outdated = await dropPreviews.all(session, { hash });
      for (const { stored } of previews) await this.keeper.link(session, stored, now());
      await insertPreviews(
        session,
        previews.map(({ row }) => row),
      );
      for (const { checksum } of outdated) await this.keeper.release(session, checksum);
      return job.reached;
    });
    for (const { stored } of previews) {
      await (isGone ? this.keeper.discard(stored.key) : this.keeper.settle(stored));
    }
  }

  /** Writes the text into what is searched of each file that has it, a few at a time. */
  async #index(job: RunningJob, checksum: string): Promise<void> {
    for (let { at = 0, after = noId } = job.reached; ;) {
      const next = await job.advance(async (session): Promise<Progress> => {
        const last = { at: Number(at), after: String(after) };
        const files = await filesWith.all(session, { checksum, ...last, most: portion });
        const text = (await contentsOf.first(session, { hash: checksum }))?.text ?? null;
        for (const file of files) await fileSearch.assure(session, file.id, searchedOfFile(file, text));
        const end = files.at(-1);
        return files.length < portion || !end ? {} : { at: end.created_at, after: end.id };
      });
      if (next["after"] === undefined) return;
      ({ at = 0, after = noId } = next);
    }
  }
}

const nothing: Omit<ContentsRow, "hash"> = {
  ...{ state: "ready", problem: null, metadata: {}, text: null, is_cut: false, read_at: null },
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
