import type { Database } from "bun:sqlite";
import { closeSync, fdatasync, fdatasyncSync, fsyncSync, openSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { DbError } from "./errors";

const onDisk = (fd: number) =>
  new Promise<void>((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())));

/**
 * Brings SQLite's log to the disk. SQLite does it within COMMIT, where everybody waits for the disk, whatever they came for; here
 * only those do who wrote, as they are answered afterwards. Until then others may read what was written; what later answers depend
 * on is read through `Store.durable`.
 */
export class LogSync {
  readonly #fd: number;
  #isDoubtful = false;

  /** @param writer has the log open already, so it is there, and stays there until the writer is closed */
  constructor(
    private readonly writer: Database,
    file: string,
    private readonly sync = onDisk,
  ) {
    // SQLite has the log beside the file, not beside a link to it.
    const path = realpathSync(file);
    this.#fd = openSync(`${path}-wal`, "r");
    // What a process that was killed has left there counts from now on, and that there is a log at all.
    fdatasyncSync(this.#fd);
    const folder = openSync(dirname(path), "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  /** Resolves once all that was committed is on the disk. @throws DbError `unavailable` when that is not sure */
  async run(): Promise<void> {
    let failure: unknown;
    try {
      await this.sync(this.#fd);
    } catch (error) {
      failure = error;
      this.#isDoubtful = true;
    }
    if (this.#isDoubtful && !this.#isInFile())
      throw new DbError("unavailable", undefined, failure ?? new Error("A sync before this one has failed."));
  }

  /** After the writer was closed. */
  close(): void {
    closeSync(this.#fd);
  }

  /**
   * After a sync that failed the system takes what it did not write for written, so that no later one makes good for it. Then
   * SQLite's file has to have it all, which is synced as well, and the log begins anew.
   */
  #isInFile(): boolean {
    try {
      const [result] = this.writer.query("PRAGMA wal_checkpoint(TRUNCATE)").all() as { busy: number }[];
      this.#isDoubtful = result?.busy !== 0;
    } catch {
      this.#isDoubtful = true;
    }
    return !this.#isDoubtful;
  }
}
