import { second } from "../../clock";
import { logOf } from "../../ops/logging";

const log = logOf("settings");

/** What can be chosen; the defaults suit a server. */
export interface FollowOptions {
  /** Milliseconds for which the settings are believed without asking the tables, should a doorbell ever be lost. */
  believedMs?: number;
  /** Milliseconds to wait before asking a database again that did not answer. */
  retryMs?: number;
}

/** Reads something again whenever it may have changed, one time after the other. */
export interface Follower {
  /** It may have changed. */
  refresh(): void;
  /** Resolves once nothing is read any more. */
  close(): Promise<void>;
}

/** Follows the settings that are stored, also after a failure and without being told. */
export function follow(
  load: () => Promise<void>,
  { believedMs = 30 * second, retryMs = 2 * second }: FollowOptions = {},
): Follower {
  const end = Promise.withResolvers<void>();
  let isClosed = false;
  let isStale = false;
  let running: Promise<void> | undefined;

  const read = async () => {
    while (isStale && !isClosed) {
      isStale = false;
      try {
        await load();
      } catch (error) {
        isStale = true;
        log.warn("The stored settings cannot be read; those known so far count", { error });
        await Promise.race([Bun.sleep(retryMs), end.promise]);
      }
    }
    running = undefined;
  };
  const refresh = () => {
    isStale = true;
    if (!isClosed) running ??= read();
  };
  const timer = setInterval(refresh, believedMs);
  timer.unref();
  return {
    refresh,
    async close() {
      isClosed = true;
      clearInterval(timer);
      end.resolve();
      await running;
    },
  };
}
