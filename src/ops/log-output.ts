import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { second } from "../clock";

/** Takes text in order and gets rid of it sooner or later. */
export interface LogOutput {
  /** Collects one line; `urgent` ones go out at once, with all that wait before them. */
  add(line: string, urgent: boolean): void;
  /** Writes all that was collected before it returns, for the end of the process. Gives up after a second. */
  flush(): void;
  close(): void;
}

/** A line of text that says how many lines were thrown away because nobody read fast enough. */
export type TellOfLoss = (lines: number) => string;

/** Writes what it can of `bytes` without waiting: their number, or 0 when the reader must catch up first. */
export type WriteSome = (bytes: Uint8Array) => number;

const flushEveryMs = 200;
const flushAtLength = 65_536;
const retryMs = 20;
const giveUpMs = second;

/**
 * How much may wait for a slow reader, in characters. Beyond it lines are dropped: the server matters more
 * than its log.
 */
const longestBacklog = 8 * 1024 * 1024;

/**
 * Lines in a buffer that is written every 200 ms, at 64 KiB, or at once when a line is urgent. One write for
 * each line costs more than answering a request does.
 */
export function bufferedOutput(
  writeSome: WriteSome,
  tellOfLoss: TellOfLoss,
  close: () => void = () => {},
): LogOutput {
  let lines = "";
  let unwritten: Uint8Array = new Uint8Array(0);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dropped = 0;

  /** Whether everything could be written. */
  function write() {
    clearTimeout(timer);
    timer = undefined;
    while (unwritten.length > 0 || lines !== "") {
      if (unwritten.length === 0) [unwritten, lines] = [Buffer.from(lines), ""];
      const count = writeSome(unwritten);
      if (count === 0) return false;
      unwritten = unwritten.subarray(count);
    }
    return true;
  }

  /** A log with holes says so, where they are. */
  function markLoss() {
    lines += tellOfLoss(dropped);
    dropped = 0;
  }

  function writeOrRetry() {
    if (!write()) later(retryMs);
  }

  /** A timer never keeps the process alive; what it would write is written at exit. */
  function later(ms: number) {
    timer ??= setTimeout(writeOrRetry, ms).unref();
  }

  return {
    add(line, urgent) {
      if (lines.length + unwritten.length > longestBacklog) return void dropped++;
      if (dropped > 0) markLoss();
      lines += line;
      // While the reader lags the timer alone tries again, else every line would.
      if (unwritten.length > 0) later(retryMs);
      else if (urgent || lines.length >= flushAtLength) writeOrRetry();
      else later(flushEveryMs);
    },
    flush() {
      for (let waited = 0; !write() && waited < giveUpMs; waited += retryMs) Bun.sleepSync(retryMs);
    },
    close() {
      this.flush();
      clearTimeout(timer);
      close();
    },
  };
}

/**
 * Output to a file descriptor that does not block the event loop when it is a pipe or terminal that nobody
 * reads. The descriptor is opened anew for that: O_NONBLOCK on the original would change it for every process
 * that shares it. A regular file is not, since a second description has its own offset and would overwrite
 * what others wrote.
 */
export function descriptorOutput(descriptor: number, tellOfLoss: TellOfLoss): LogOutput {
  const own = openNonBlocking(descriptor);
  const target = own ?? descriptor;
  let isGone = false;
  const writeSome: WriteSome = (bytes) => {
    if (isGone) return bytes.length;
    try {
      return writeSync(target, bytes);
    } catch (error) {
      if (isFull(error)) return 0;
      // Nobody reads any more (EPIPE) or the disk is full: there is no place left to complain to.
      isGone = (error as NodeJS.ErrnoException).code === "EPIPE";
      return bytes.length;
    }
  };
  return bufferedOutput(writeSome, tellOfLoss, () => own !== undefined && closeSync(own));
}

const isFull = (error: unknown) => ["EAGAIN", "EINTR"].includes((error as NodeJS.ErrnoException).code ?? "");

/** Works on Linux for pipes and terminals; elsewhere, and for sockets, the descriptor itself must do. */
function openNonBlocking(descriptor: number) {
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined;
    return openSync(
      `/proc/self/fd/${descriptor}`,
      constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
  } catch {
    return undefined;
  }
}
