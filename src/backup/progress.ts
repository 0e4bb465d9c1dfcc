/** How far a backup is, in bytes: of the database, as it is copied, and of files, as they are there. */
export interface BackupProgress {
  done: number;
  total: number;
}

/** Is told how far it is, as often as it changes; so it does little. */
export type OnProgress = (progress: BackupProgress) => void;

/** For whoever does not ask. */
export const untold: OnProgress = () => {};
