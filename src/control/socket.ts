import { chmodSync, existsSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { BackupFailed } from "../backup/failed";
import { linesOf } from "../backup/lines";
import { sparingly, unwatched, type BackupProgress, type Watch } from "../backup/progress";
import type { FieldError } from "../errors";
import { statusOf } from "../http/problem";
import { refusalOf } from "../http/refusals";
import { log } from "../ops/logging";
import type { Asked } from "./operations";

/** How the command line reaches a server that holds the data directory. */
const socketFile = (dataDir: string) => join(dataDir, "neocrm.sock");

/** The kernel's limit for the path of a socket, without the closing NUL. */
const longestSocketPath = 107;

/** Whether a server holds this data directory and listens. Says nothing to it. */
export function isServerThere(dataDir: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketFile(dataDir));
    const say = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", () => say(true)).once("error", () => say(false));
  });
}

/** The answer of a server to an operation; while one is done that somebody follows, lines say how far it is before it. */
interface Reply {
  progress?: BackupProgress;
  result?: unknown;
  refusal?: { code: string; message: string; errors?: FieldError[] };
}

/** Runs operations that come in over `neocrm.sock`, which only the server's own user can open. */
export function listenForOperations(
  dataDir: string,
  run: (operation: string, input: unknown, asked: Asked) => Promise<unknown>,
): { close(): Promise<void> } {
  const unix = socketFile(dataDir);
  if (unix.length > longestSocketPath) {
    log.warn(
      "The data directory's path is too long for a socket: commands that write need the server stopped",
    );
    return { close: async () => {} };
  }
  // The lock is ours, so a socket that is there was left behind by a process that was killed.
  rmSync(unix, { force: true });
  const server = Bun.serve({
    unix,
    development: false,
    // Whoever can open the socket can also write where the server does.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request, server) => {
      // Some operations take minutes.
      server.timeout(request, 0);
      const runAsked = async (watch: Watch) => {
        const { operation, input, bytes } = await askedIn(request);
        return run(operation, input, { bytes, watch });
      };
      if (request.headers.get("accept") === followed) return followedReply(runAsked);
      return outcomeOf(() => runAsked(unwatched)).then(({ reply, status }) =>
        Response.json(reply, { status }),
      );
    },
  });
  chmodSync(unix, 0o600);
  return {
    async close() {
      await server.stop();
      rmSync(unix, { force: true });
    },
  };
}

/** How whoever asks says that they follow it. */
const followed = "application/x-ndjson";

/** Lines that say how far it is, and the reply at last. Whoever hangs up breaks it off. */
function followedReply(run: (watch: Watch) => Promise<unknown>): Response {
  const hungUp = new AbortController();
  const { signal } = hungUp;
  const lines = new ReadableStream<Uint8Array>({
    start(controller) {
      const say = (line: Reply) => controller.enqueue(Buffer.from(`${JSON.stringify(line)}\n`));
      const onProgress = sparingly((progress) => {
        if (!signal.aborted) say({ progress });
      });
      const answer = async () => {
        const { reply } = await outcomeOf(() => run({ onProgress, signal }));
        if (signal.aborted) return;
        say(reply);
        controller.close();
      };
      void answer();
    },
    cancel: () => hungUp.abort(),
  });
  return new Response(lines, { headers: { "content-type": followed } });
}

interface AskedOperation extends Pick<Asked, "bytes"> {
  operation: string;
  input: unknown;
}

/** What stands in the body, unless that has the bytes that go with it. */
async function askedIn(request: Request): Promise<AskedOperation> {
  const asked = new URL(request.url).searchParams.get("asked");
  if (asked !== null) return { ...JSON.parse(asked), bytes: request.body ?? nothing() } as AskedOperation;
  return { ...((await request.json()) as Omit<AskedOperation, "bytes">), bytes: nothing() };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** What came of an operation, in words for whoever asked. */
async function outcomeOf(run: () => Promise<unknown>): Promise<{ reply: Reply; status: number }> {
  try {
    return { reply: { result: (await run()) ?? null }, status: 200 };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal) {
      const { code, message, details, kind } = refusal;
      return { reply: { refusal: { code, message, errors: details.errors } }, status: statusOf(kind) };
    }
    if (error instanceof BackupFailed)
      return { reply: { refusal: { code: "backup_failed", message: error.message } }, status: 500 };
    log.error("A command failed", { error });
    const message = "The server failed: its log says why.";
    return { reply: { refusal: { code: "internal_error", message } }, status: 500 };
  }
}

/** The server refused an operation, in its own words. */
export class OperationRefused extends Error {
  override name = "OperationRefused";
}

/** What goes with a question, where something does. */
interface Along {
  bytes?: Blob | undefined;
  /** Told how far it is; once its signal is aborted, the server breaks it off. */
  watch?: Watch | undefined;
}

/**
 * Asks the server that holds this data directory; `undefined` when none listens, or it ended over what it can be asked again.
 * @throws OperationRefused, or the reason of the signal that broke it off
 */
export async function askServer(
  dataDir: string,
  operation: string,
  input: unknown,
  { bytes, watch }: Along = {},
): Promise<Reply | undefined> {
  const unix = socketFile(dataDir);
  if (!existsSync(unix)) return undefined;
  const asked = JSON.stringify({ operation, input });
  const query = bytes ? `?${new URLSearchParams({ asked })}` : "";
  const response = await fetch(`http://neocrm/${query}`, {
    unix,
    method: "POST",
    body: bytes ? bytes.stream() : asked,
    ...(watch && { headers: { accept: followed }, signal: watch.signal }),
    // A backup of much may be silent for longer than the five minutes that are usual.
    timeout: false,
  }).catch(() => undefined);
  watch?.signal.throwIfAborted();
  if (!response) return undefined;
  const reply = watch ? await lastOf(response, watch) : ((await response.json()) as Reply);
  if (reply?.refusal) throw new OperationRefused(reply.refusal.message);
  return reply;
}

/** Passes on how far it is, and gives the reply; `undefined` when the server ended before. */
async function lastOf({ body }: Response, { onProgress, signal }: Watch): Promise<Reply | undefined> {
  // The connection of a server that is killed is reset, or just ends.
  const lines = linesOf(body!)[Symbol.asyncIterator]();
  for (;;) {
    const line = await lines.next().catch(() => undefined);
    signal.throwIfAborted();
    if (!line || line.done) return undefined;
    const reply = JSON.parse(line.value) as Reply;
    if (!reply.progress) return reply;
    onProgress(reply.progress);
  }
}
