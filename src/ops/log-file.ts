import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { now } from "../clock";
import { bufferedOutput, type LogOutput, type TellOfLoss } from "./log-output";

/** The file that a log is written to, and when it is put aside as `<path>.1`, what was there before as `<path>.2`, … */
export interface LogFile {
  path: string;
  /** Bytes; 0 is without end. */
  maxSize: number;
  /** Milliseconds since the first line; 0 is without end. */
  maxAge: number;
  /** How many files that were put aside stay. */
  keep: number;
}

interface Opened {
  descriptor: number;
  size: number;
  /** When its first line was written, in milliseconds since 1970. */
  since: number;
}

/**
 * Output to the end of a file that only the server's user can read. Another program may put the file aside as well:
 * then somebody has to open the log anew, as SIGHUP does.
 * @throws Error when the file cannot be opened; later failures, such as a full disk, lose lines and nothing else
 */
export function fileOutput(file: LogFile, tellOfLoss: TellOfLoss): LogOutput {
  let opened = open(file.path);
  const isDue = (more: number) => {
    if (opened.size === 0) return false;
    if (file.maxSize > 0 && opened.size + more > file.maxSize) return true;
    return file.maxAge > 0 && now() - opened.since >= file.maxAge;
  };
  const turnOver = () => {
    try {
      putAside(file);
      const next = open(file.path);
      closeSync(opened.descriptor);
      opened = next;
    } catch {
      // The directory may not be writable any more, or the disk is full: the old file is better than none.
    }
  };
  const writeSome = (bytes: Uint8Array) => {
    if (isDue(bytes.length)) turnOver();
    try {
      if (opened.size === 0) opened.since = now();
      opened.size += writeSync(opened.descriptor, bytes);
    } catch {
      // There is no place to complain to.
    }
    return bytes.length;
  };
  return bufferedOutput(writeSome, tellOfLoss, () => closeSync(opened.descriptor));
}

function open(path: string): Opened {
  const { O_WRONLY, O_APPEND, O_CREAT } = constants;
  const descriptor = openSync(path, O_WRONLY | O_APPEND | O_CREAT, 0o600);
  const { size, birthtimeMs } = fstatSync(descriptor);
  return { descriptor, size, since: birthtimeMs };
}

/** Moves each file one on. One that is missing leaves a gap, and the last one goes. */
function putAside({ path, keep }: LogFile): void {
  // Put aside already, by somebody else or by an attempt after which no new one could be made.
  if (!existsSync(path)) return;
  if (keep === 0) return rmSync(path, { force: true });
  const names = [path, ...Array.from({ length: keep }, (_, i) => `${path}.${i + 1}`)];
  for (let i = keep; i > 0; i--) {
    try {
      renameSync(names[i - 1]!, names[i]!);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}
