/**
 * A backup, or what is done with one, that could not be done for a reason outside of the program, in words for whoever
 * looks after it. Nothing was changed, unless the words say otherwise.
 */
export class BackupFailed extends Error {
  override name = "BackupFailed";
}

const reasons: Record<string, string> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk's quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOENT: "it is not there",
  ENOTCONN: "what is mounted there does not answer",
  ESTALE: "what is mounted there does not answer",
  EIO: "the disk does not answer as it should",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "a file is in its place",
  // Of the lock of the folder, which is the first that is written there.
  SQLITE_FULL: "the disk is full",
  SQLITE_READONLY: "the file system is read-only",
  SQLITE_CANTOPEN: "permission denied",
};

/** The system's reason as a `BackupFailed`; everything else as it is. @param what what was tried, as the beginning of a sentence */
export function explained(what: string, error: unknown): unknown {
  const reason = reasons[(error as { code?: string }).code ?? ""];
  return reason === undefined ? error : new BackupFailed(`${what}: ${reason}.`, { cause: error });
}
