import { monotonic } from "../clock";

/** How far a backup is, in bytes: of the database, as it is copied, and of files, as they are there. */
export interface BackupProgress {
  done: number;
  total: number;
}

/** Is told how far it is, as often as it changes; so it does little. */
export type OnProgress = (progress: BackupProgress) => void;

/** Somebody who follows a backup, and may break it off. */
export interface Watch {
  onProgress: OnProgress;
  /** Once it is aborted, the backup ends with its reason, and nothing of it is left. */
  signal: AbortSignal;
}

/** Nobody. */
export const unwatched: Watch = { onProgress() {}, signal: new AbortController().signal };

/** Tells of it not as often as it changes, but as often as somebody can look. */
export function sparingly(onProgress: OnProgress, everyMs = 200): OnProgress {
  let toldAt = -Infinity;
  return (progress) => {
    if (monotonic() - toldAt < everyMs) return;
    toldAt = monotonic();
    onProgress(progress);
  };
}
