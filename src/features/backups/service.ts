import { resolve } from "node:path";
import { databaseFile } from "../../backup/database-files";
import { exportAll, type ExportedAll } from "../../backup/export-all";
import { BackupFailed } from "../../backup/failed";
import type { KeepRules } from "../../backup/keep";
import { makeBackup, type Made } from "../../backup/make";
import { backupsIn } from "../../backup/manifest";
import type { Watch } from "../../backup/progress";
import { sqliteSource } from "../../backup/sqlite";
import { minute, now } from "../../clock";
import type { ConfigWithSecrets } from "../../config";
import { tellAfterCommit } from "../../db/after-commit";
import type { Store } from "../../db/store";
import { write } from "../../db/write";
import { Conflict } from "../../errors";
import { TryAgain, type JobKind, type RunningJob } from "../../jobs/job";
import { addJob } from "../../jobs/queue";
import type { Scheduler } from "../../jobs/scheduler";
import { log } from "../../ops/logging";
import type { Metrics } from "../../ops/metrics";
import type { Actor } from "../../policy";
import type { BlobKeeper } from "../files/blob-keeper";
import type { JobView } from "../jobs/schema";
import { jobIn } from "../jobs/service";
import { notificationTopic, notifyAll } from "../notifications/notify";
import { adminsOf } from "../users/accounts";
import { lastSlot } from "./schedule";
import { presentBackup, type BackupView } from "./schema";
import { tellingProgress } from "./told-progress";
import { lastOf, remember, writeResult, type Outcome } from "./store";

/** What it works with. */
export interface BackupOptions {
  config: ConfigWithSecrets;
  dataDir: string;
  store: Store;
  keeper: BlobKeeper;
}

/** The name of its jobs, and their key: one at a time. */
const backup = "backup";
const attempts = 3;
/** How often it is looked whether one is due. */
const lookMs = 5 * minute;

/** Backs up everything, when it is asked to and by itself, and knows what was backed up. */
export class BackupService {
  readonly #dir: string | null;
  readonly #rules: KeepRules;

  constructor(private readonly options: BackupOptions) {
    const { config } = options;
    this.#dir = config["backup.dir"] === null ? null : resolve(config["backup.dir"]);
    this.#rules = {
      daily: config["backup.keep_daily"],
      weekly: config["backup.keep_weekly"],
      monthly: config["backup.keep_monthly"],
    };
  }

  /** What is done with jobs; nothing where it is not said where backups go. */
  get kinds(): JobKind[] {
    const to = this.#dir;
    if (to === null) return [];
    const backoff = (attempt: number) => attempt * 5 * minute;
    return [{ name: backup, attempts, backoff, run: (job) => this.#run(job, to) }];
  }

  /** From here on, backups are made when it is time. */
  schedule(scheduler: Scheduler): void {
    if (this.#dir !== null) scheduler.every("look whether a backup is due", lookMs, () => this.makeDue());
  }

  /** Shows when a backup was last made, and when one last failed; nothing before anything was, where none are to be. */
  show(metrics: Metrics): void {
    const at = (outcome: Outcome) => async () => {
      const last = await lastOf(this.options.store, outcome);
      return last === undefined && this.#dir === null ? undefined : Math.floor((last ?? 0) / 1_000);
    };
    const name = (what: string) => `neocrm_backup_last_${what}_timestamp_seconds`;
    metrics.gauge(name("success"), "When a backup was last made; 0 is never.", at("succeeded"));
    metrics.gauge(name("failure"), "When a backup last failed; 0 is never.", at("failed"));
  }

  /** The backups there are, newest first. */
  async list(): Promise<BackupView[]> {
    return this.#dir === null ? [] : (await backupsIn(this.#dir)).map(presentBackup).toReversed();
  }

  /** Has a backup made. @returns the job, or the one that is at it already @throws Conflict where none are to be */
  async request(actor: Actor): Promise<JobView> {
    if (this.#dir === null)
      throw new Conflict(
        "backup_not_configured",
        "Say with the setting backup.dir where backups are made, and start the server anew.",
      );
    return write(this.options.store, actor, async (session) => {
      const id = await addJob(session, { kind: backup, key: backup, payload: {}, createdBy: actor.userId });
      return jobIn(session, id);
    });
  }

  /** Has a backup made if none was tried since it was last time for one. */
  async makeDue(): Promise<void> {
    const { store, config } = this.options;
    const slot = lastSlot(config["backup.at"], now());
    const tried = [await lastOf(store, "succeeded"), await lastOf(store, "failed")];
    if (slot === undefined || tried.some((at) => at !== undefined && at >= slot)) return;
    await store.tx((session) => addJob(session, { kind: backup, key: backup, payload: {} }));
  }

  /** Makes a backup in a folder. @throws BackupFailed, or the reason why it was broken off */
  async make(to: string, keep: KeepRules, watch: Watch): Promise<Made> {
    const { config, dataDir, store, keeper } = this.options;
    const url = config["database.url"];
    const startedAt = now();
    const database = url === null ? sqliteSource(databaseFile(dataDir)) : await serverSource(url);
    const readBlob = keeper.bytesOf.bind(keeper);
    const holdBlobs = keeper.hold.bind(keeper);
    const made = await makeBackup({ database, dataDir, readBlob, holdBlobs }, to, keep, watch);
    // On a disk that is full or read-only there is a backup all the same.
    await store
      .tx((session) => remember(session, "succeeded", startedAt))
      .catch((error: unknown) => log.warn("That a backup was made could not be written down", { error }));
    return made;
  }

  /** Writes everything in open formats into a folder. @throws BackupFailed */
  async exportAll(to: string): Promise<ExportedAll> {
    const { config, dataDir, keeper } = this.options;
    const { fileAtOneInstant, serverAtOneInstant } = await import("../../backup/at-one-instant");
    const url = config["database.url"];
    return exportAll(
      {
        readBlob: keeper.bytesOf.bind(keeper),
        holdBlobs: keeper.hold.bind(keeper),
        atOneInstant: (work) =>
          url === null ? fileAtOneInstant(databaseFile(dataDir), work) : serverAtOneInstant(url, work),
      },
      to,
    );
  }

  async #run(job: RunningJob, to: string): Promise<void> {
    let made: Made;
    try {
      made = await tellingProgress(job, (onProgress) =>
        this.make(to, this.#rules, { onProgress, signal: job.signal }),
      );
    } catch (error) {
      if (job.signal.aborted) throw error;
      const isKnown = error instanceof BackupFailed;
      if (job.attempt >= attempts)
        await this.#tellFailure(
          "The backup has failed",
          isKnown ? error.message : "The server's log says why.",
        );
      throw isKnown ? new TryAgain(error.message, { cause: error }) : error;
    }
    const result = presentBackup(made);
    await job.finish(async (session) => void (await writeResult.first(session, { id: job.id, result })));
    if (result.missing_blobs > 0)
      await this.#tell(
        "Files are missing in the backup",
        `The server does not have the bytes of ${result.missing_blobs} any more: neocrm blobs verify names them.`,
      );
  }

  async #tellFailure(title: string, message: string): Promise<void> {
    await this.options.store.tx((session) => remember(session, "failed", now()));
    await this.#tell(title, message);
  }

  async #tell(title: string, message: string): Promise<void> {
    await this.options.store.tx(async (session) => {
      const notice = { type: "backup_failed", actorId: null, title, message, link: null } as const;
      const told = await notifyAll(
        session,
        (await adminsOf(session)).map((userId) => ({ ...notice, userId })),
      );
      for (const userId of told) tellAfterCommit(session, notificationTopic(userId));
    });
  }
}

const serverSource = async (url: string) => (await import("../../backup/postgres")).postgresSource(url);
