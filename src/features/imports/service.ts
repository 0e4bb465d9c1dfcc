import { second } from "../../clock";
import { EncodingFinder } from "../../encoding";
import { CsvBroken, readCsv, type CsvRow } from "../../csv/read";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Invalid, Refusal } from "../../errors";
import { newId } from "../../ids";
import type { Blobs, StoredBlob } from "../../integrations/blobs/blobs";
import { GiveUp, type JobKind, type Progress, type RunningJob } from "../../jobs/job";
import { addJob, assertMayAsk } from "../../jobs/queue";
import type { Actor } from "../../policy";
import type { JobView } from "../jobs/schema";
import { jobIn } from "../jobs/service";
import { account, actorOf } from "../users/accounts";
import { UnderWay } from "../../under-way";
import { CellReader, type Naming } from "./cells";
import { importFields, type ImportResource } from "./fields";
import { headBytes, layoutOf, type Layout } from "./head";
import type { ImportRecords } from "./records";
import { RowImporter, type Outcome } from "./rows";
import { parseOptions, type ImportMode, type ImportOptions } from "./schema";
import { deleteProblems, insertProblems, jobState, pendingImports } from "./store";
import { Trial } from "./trial";

/** The bytes of a file, as they come in. */
export type TakeFile = (bytes: AsyncIterable<Uint8Array>) => Promise<void>;
/** Reads what was sent: gives its file to `take`, and at the end how it is to be imported. */
export type ReadImport = (take: TakeFile) => Promise<ReadonlyMap<string, string>>;

/** What a job knows about its work; the rows stand in the file. */
interface ImportPayload extends Record<string, unknown> {
  resource: ImportResource;
  /** The key of the file among the blobs, and its bytes. */
  file: string;
  size: number;
  layout: Layout;
  mode: ImportMode;
  match: string[];
  isDryRun: boolean;
}

/** What imports need of others. */
export interface ImportServiceOptions {
  store: Store;
  blobs: Blobs;
  records: Readonly<Record<ImportResource, ImportRecords>>;
  /** Bytes that a file may have. */
  mostBytes: () => number;
  /** How texts in a file name colleagues and clients, for somebody who imports. */
  naming(actor: Actor): Promise<Naming>;
}

/** Rows in one transaction: more would keep others waiting. */
const portion = 100;
/** Cells with which even fewer rows are enough: they take memory as long as they wait. */
const manyCells = 200_000;

/** The jobs that import a file, and that say what would come of it. */
const kindNames = { import: "import", preview: "import_preview" } as const;

/** A file that has come in, and what its bytes say. */
interface Received {
  stored: StoredBlob;
  head: Uint8Array;
  finder: EncodingFinder;
}

/** Makes the rows of files into records: each by the rules of a single one, with an event of its own. */
export class ImportService {
  /** Files on their way in. */
  readonly #comingIn = new UnderWay();

  constructor(private readonly options: ImportServiceOptions) {}

  /** What is done with the jobs. */
  get kinds(): JobKind[] {
    const shared = {
      attempts: 5,
      backoff: (attempt: number) => attempt * second,
      run: (job: RunningJob) => this.#run(job),
    };
    return [
      { ...shared, name: kindNames.import, waitedForAs: "Your import", isUndoable: true },
      { ...shared, name: kindNames.preview, waitedForAs: "The trial of your import" },
    ];
  }

  /** The keys of the files that are still to be imported: nobody else knows of them. */
  async filesInUse(): Promise<string[]> {
    const rows = await pendingImports.all(this.options.store.read, {
      kinds: JSON.stringify(Object.values(kindNames)),
    });
    return rows.map(({ payload }) => (payload as ImportPayload).file);
  }

  /**
   * Keeps a file, finds out how it is to be read, and queues its import.
   * @throws Invalid for a file that is no CSV or has not got the columns, or for options that cannot be taken; Refusal when
   * it is too large, TooMany when as many jobs of the actor wait as one may have
   */
  async begin(actor: Actor, resource: ImportResource, read: ReadImport): Promise<JobView> {
    const userId = actor.userId!;
    const received: Received[] = [];
    this.#comingIn.add(userId, 1);
    try {
      // Before the file comes in: what is refused later was kept until then.
      await assertMayAsk(this.options.store.read, userId, this.#comingIn.of(userId));
      const given = await read(async (bytes) => {
        if (received.length > 0) throw invalid("file", "too_many", "must be one file");
        received.push(await this.#receive(bytes));
      });
      const [file] = received;
      if (!file) throw invalid("file", "required", "is required");
      return await this.#queue(actor, resource, file, given);
    } catch (error) {
      // No job knows of it.
      for (const { stored } of received) await this.#discard(stored.key);
      throw error;
    } finally {
      this.#comingIn.add(userId, -1);
    }
  }

  async #receive(bytes: AsyncIterable<Uint8Array>): Promise<Received> {
    const finder = new EncodingFinder();
    const head: Uint8Array[] = [];
    const most = this.options.mostBytes();
    async function* seen() {
      let size = 0;
      for await (const chunk of bytes) {
        if (size < headBytes) head.push(Uint8Array.from(chunk.subarray(0, headBytes - size)));
        size += chunk.byteLength;
        if (size > most) throw tooLarge(most);
        finder.see(chunk);
        yield chunk;
      }
    }
    const stored = await this.options.blobs.put(seen());
    return { stored, head: Buffer.concat(head), finder };
  }

  async #queue(
    actor: Actor,
    resource: ImportResource,
    { stored, head, finder }: Received,
    given: ReadonlyMap<string, string>,
  ): Promise<JobView> {
    const fields = importFields[resource];
    const options = parseOptions(given, fields, Object.keys(this.options.records[resource].matches));
    const layout = await layoutOf(head, finder.found(options.encoding), fields, options);
    const match = matchOf(options, layout);
    const { mode, isDryRun } = options;
    const payload: ImportPayload = {
      ...{ resource, file: stored.key, size: stored.size, layout, mode, match, isDryRun },
    };
    const job = {
      ...{ id: newId(), kind: isDryRun ? kindNames.preview : kindNames.import, payload },
      ...{ createdBy: actor.userId, progress: nothingDone, result: shown(payload) },
    };
    return write(this.options.store, actor, async (session) => {
      await addJob(session, job);
      return jobIn(session, job.id);
    });
  }

  async #run(job: RunningJob): Promise<void> {
    const payload = job.payload as ImportPayload;
    try {
      if (payload.isDryRun) await this.#preview(job, payload);
      else await this.#import(job, payload);
      await job.finish(async () => {});
    } catch (error) {
      if (!(error instanceof GiveUp) && !(await this.#isCancelled(job))) throw error;
      await this.#discard(payload.file);
      throw error;
    }
    await this.#discard(payload.file);
  }

  /** Each portion with how far it is in one transaction: after a crash, no row comes twice. */
  async #import(job: RunningJob, payload: ImportPayload): Promise<void> {
    const { actor, importer } = await this.#importerFor(job, payload);
    let reached: Progress = { ...nothingDone, ...job.reached };
    for await (const { rows, total } of this.#portions(payload, Number(reached["done"]))) {
      job.signal.throwIfAborted();
      reached = await job.advance(async (session) => {
        const outcome = await importer.apply(session, actor, rows);
        return report(session, job, reached, { rows: rows.length, total, outcome });
      });
    }
    await job.progress({ ...reached, total: Number(reached["done"]) });
  }

  /** Begins anew after a crash: what earlier rows would have left is gone. */
  async #preview(job: RunningJob, payload: ImportPayload): Promise<void> {
    const { store, records } = this.options;
    const { actor, importer } = await this.#importerFor(job, payload);
    const trial = new Trial(store, records[payload.resource], importer);
    let reached = await job.advance(async (session) => {
      await deleteProblems.all(session, { job_id: job.id });
      return nothingDone;
    });
    try {
      for await (const { rows, total } of this.#portions(payload, 0)) {
        job.signal.throwIfAborted();
        const outcome = await trial.apply(actor, rows);
        reached = await job.advance((session) =>
          report(session, job, reached, { rows: rows.length, total, outcome }),
        );
      }
    } finally {
      trial.close();
    }
    await job.progress({ ...reached, total: Number(reached["done"]) });
  }

  async #importerFor(job: RunningJob, payload: ImportPayload) {
    const { store, records, naming } = this.options;
    const user = job.createdBy === null ? undefined : await account(store.read, job.createdBy);
    if (!user?.is_active) throw new GiveUp("Whoever asked for it has no account any more.");
    const actor = { ...(await actorOf(store.read, user, job.id)), jobId: job.id };
    const { resource, layout } = payload;
    const reader = new CellReader(layout, importFields[resource], await naming(actor));
    return { actor, importer: new RowImporter(records[resource], reader, payload) };
  }

  /** The rows of the file after the first ones, some at a time, with how many there seem to be altogether. */
  async *#portions(
    { file, size, layout }: ImportPayload,
    done: number,
  ): AsyncGenerator<{ rows: CsvRow[]; total: number }> {
    let [before, seen] = [layout.skips, 0];
    let waiting: CsvRow[] = [];
    let total = done;
    try {
      for await (const { rows, read } of readCsv(await this.#bytesOf(file), layout)) {
        const records = rows.slice(before).filter(isFilled);
        before = Math.max(0, before - rows.length);
        const fresh = records.slice(Math.max(0, done - seen));
        seen += records.length;
        for (const row of fresh) waiting.push(row);
        total = Math.max(seen, Math.round((seen * size) / Math.max(1, read)));
        for (; isPortion(waiting); waiting = waiting.slice(portion))
          yield { rows: waiting.slice(0, portion), total };
      }
    } catch (error) {
      if (waiting.length > 0) yield { rows: waiting, total };
      if (error instanceof CsvBroken) throw new GiveUp(error.message);
      throw error;
    }
    if (waiting.length > 0) yield { rows: waiting, total: seen };
  }

  async #bytesOf(file: string): Promise<AsyncIterable<Uint8Array>> {
    const body = await this.options.blobs.read(file);
    if (!body) throw new GiveUp("The file is gone: upload it again.");
    return body instanceof Blob ? body.stream() : body;
  }

  async #isCancelled(job: RunningJob): Promise<boolean> {
    if (!job.signal.aborted) return false;
    const row = await jobState.first(this.options.store.read, { id: job.id }).catch(() => undefined);
    return row?.state === "cancelled";
  }

  /** Removes a file. What cannot be removed now, the daily sweep will. */
  async #discard(key: string): Promise<void> {
    await this.options.blobs.remove(key).catch(() => undefined);
  }
}

const nothingDone: Progress = { done: 0, total: 0, created: 0, updated: 0, skipped: 0, failed: 0 };

const isPortion = (rows: readonly CsvRow[]) =>
  rows.length >= portion || rows.reduce((sum, { cells }) => sum + cells.length, 0) >= manyCells;

/** A line with nothing in it is no row. */
const isFilled = ({ cells }: CsvRow) => cells.some((cell) => cell !== null && cell !== "");

/** Says what came of some rows, in the transaction that says how far the job is. */
async function report(
  session: Session,
  { id }: RunningJob,
  before: Progress,
  { rows, total, outcome }: { rows: number; total: number; outcome: Outcome },
): Promise<Progress> {
  const { problems, ...counts } = outcome;
  await insertProblems(
    session,
    problems.map((problem) => ({ ...problem, job_id: id })),
  );
  return { ...summed(before, counts), done: Number(before["done"]) + rows, total };
}

const summed = (before: Progress, counts: Record<string, number>): Progress => ({
  ...before,
  ...Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name, Number(before[name] ?? 0) + count]),
  ),
});

/** By which fields records are found: as asked, or by the best that the file has. @throws Invalid when there is none */
function matchOf({ mode, match }: ImportOptions, { sources }: Layout): string[] {
  if (mode === "insert") return [];
  const missing = match.filter((field) => !sources[field]);
  if (missing.length > 0)
    throw invalid("match", "unmapped", `needs a column for ${missing.join(", ")} in the mapping`);
  const best =
    match.length > 0 ? match : ["external_id", "email"].filter((field) => sources[field]).slice(0, 1);
  if (best.length === 0)
    throw invalid("match", "required", `is needed for ${mode}: say by which field a record is found`);
  return best;
}

/** How the file is read, for whoever asked. */
const shown = ({ layout, mode, match, isDryRun }: ImportPayload): Record<string, unknown> => ({
  ...{ dry_run: isDryRun, mode, match, encoding: layout.encoding, delimiter: layout.delimiter },
  columns: layout.headers,
  mapping: Object.fromEntries(
    Object.entries(layout.sources).map(([field, { headers, join, constant, values }]) => [
      field,
      headers.length === 1 && constant === undefined && !values
        ? headers[0]
        : {
            ...(headers.length > 0 && { columns: headers, join }),
            ...(constant !== undefined && { constant }),
            ...(values && { values }),
          },
    ]),
  ),
  unmapped: layout.unmapped,
});

const invalid = (field: string, code: string, message: string) => new Invalid([{ field, code, message }]);

const tooLarge = (most: number) =>
  new Refusal("too_large", "file_too_large", `A file may have at most ${most} bytes.`, {
    members: { most },
  });
