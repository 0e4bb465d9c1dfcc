import type { Database } from "bun:sqlite";
import { closeSync, fdatasync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DbError } from "./errors";

const onDisk = (fd: number) =>
  new Promise<void>((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())));

/**
 * Brings SQLite's log to the disk. SQLite does it within COMMIT, where everybody waits for the disk, whatever they came for; here
 * only those do who wrote, as they are answered afterwards. Until then others may read what was written: it is lost only where
 * nobody was told that it is there to stay.
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
    this.#fd = openSync(`${file}-wal`, "r");
    // That there is a log has to be on the disk as well.
    const folder = openSync(dirname(file), "r");
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
