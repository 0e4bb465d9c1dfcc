import { chmodSync, existsSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { BackupFailed } from "../backup/failed";
import type { FieldError } from "../errors";
import { statusOf } from "../http/problem";
import { refusalOf } from "../http/refusals";
import { log } from "../ops/logging";

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

/** The answer of a server to an operation. */
interface Reply {
  result?: unknown;
  refusal?: { code: string; message: string; errors?: FieldError[] };
}

/** Runs operations that come in over `neocrm.sock`, which only the server's own user can open. */
export function listenForOperations(
  dataDir: string,
  run: (operation: string, input: unknown, bytes: AsyncIterable<Uint8Array>) => Promise<unknown>,
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
    fetch: (request, server) =>
      replyTo(async () => {
        // Some operations take minutes.
        server.timeout(request, 0);
        const { operation, input, bytes } = await askedIn(request);
        return run(operation, input, bytes);
      }),
  });
  chmodSync(unix, 0o600);
  return {
    async close() {
      await server.stop();
      rmSync(unix, { force: true });
    },
  };
}

interface Asked {
  operation: string;
  input: unknown;
  bytes: AsyncIterable<Uint8Array>;
}

/** What stands in the body, unless that has the bytes that go with it. */
async function askedIn(request: Request): Promise<Asked> {
  const asked = new URL(request.url).searchParams.get("asked");
  if (asked !== null) return { ...JSON.parse(asked), bytes: request.body ?? nothing() } as Asked;
  return { ...((await request.json()) as Omit<Asked, "bytes">), bytes: nothing() };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function replyTo(run: () => Promise<unknown>): Promise<Response> {
  try {
    return Response.json({ result: (await run()) ?? null });
  } catch (error) {
    const refusal = refusalOf(error);
    if (error instanceof BackupFailed) {
      const reply: Reply = { refusal: { code: "backup_failed", message: error.message } };
      return Response.json(reply, { status: 500 });
    }
    if (!refusal) {
      log.error("A command failed", { error });
      const message = "The server failed: its log says why.";
      return Response.json({ refusal: { code: "internal_error", message } }, { status: 500 });
    }
    const { code, message, details, kind } = refusal;
    return Response.json({ refusal: { code, message, errors: details.errors } }, { status: statusOf(kind) });
  }
}

/** The server refused an operation, in its own words. */
export class OperationRefused extends Error {
  override name = "OperationRefused";
}

/**
 * Asks the server that holds this data directory; `undefined` when none listens.
 * @throws OperationRefused
 */
export async function askServer(
  dataDir: string,
  operation: string,
  input: unknown,
  bytes?: Blob,
): Promise<Reply | undefined> {
  const unix = socketFile(dataDir);
  if (!existsSync(unix)) return undefined;
  const asked = JSON.stringify({ operation, input });
  const query = bytes ? `?${new URLSearchParams({ asked })}` : "";
  const response = await fetch(`http://neocrm/${query}`, {
    unix,
    method: "POST",
    body: bytes ? bytes.stream() : asked,
    // A backup of much may be silent for longer than the five minutes that are usual.
    timeout: false,
  }).catch(() => undefined);
  if (!response) return undefined;
  const reply = (await response.json()) as Reply;
  if (reply.refusal) throw new OperationRefused(reply.refusal.message);
  return reply;
}
