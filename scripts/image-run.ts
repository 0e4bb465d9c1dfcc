/** Runs an image without a container engine: its own file system, read-only, its own user, `/proc` and a volume. */
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../tests/support/free-port";
import type { ImageConfig } from "./image-layout";

/** What is seen of a running image from outside. */
export interface ImageRun {
  /** Milliseconds from the start to the first answer. */
  startMs: number;
  /** The answer of `/health`. */
  health: unknown;
  /** The exit code of the image's own health check. */
  healthcheck: number;
  /** The user that the kernel knows the process by. */
  uid: number;
  isRootReadOnly: boolean;
  /** The exit code after the image's stop signal. */
  exitCode: number;
}

/** What a container engine does with mounts, in a namespace that ends with the process. */
const enter = `set -e
root=$1 data=$2
shift 2
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --bind "$data" "$root/data"
mount -o remount,bind,ro "$root"
exec env -i "$@"`;

/**
 * Starts it, asks it, stops it. Has to run as root, be it of a user namespace alone.
 * @param root where the image is unpacked
 * @param data an empty directory for its volume
 * @param emulator runs it where it is for another processor; put beside it, as it has to be found in its file system
 */
export async function runImage(
  root: string,
  data: string,
  { config }: Pick<ImageConfig, "config">,
  emulator?: string,
): Promise<ImageRun> {
  const [uid, gid] = config.User.split(":").map(Number) as [number, number];
  chownSync(data, uid, gid);
  mkdirSync(join(root, "proc"), { recursive: true });
  if (emulator !== undefined) {
    copyFileSync(emulator, join(root, "emulator"));
    chmodSync(join(root, "emulator"), 0o755);
  }
  const port = await freePort();
  const env = [...config.Env, "HOST=127.0.0.1", `PORT=${port}`];
  const start = (command: string[]) =>
    Bun.spawn(
      [
        ...["unshare", "--mount", "sh", "-c", enter, "enter", root, data, ...env],
        ...[Bun.which("chroot")!, `--userspec=${config.User}`, "--groups=", root],
        ...(emulator === undefined ? [] : ["/emulator"]),
        ...command,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
  const startedAt = performance.now();
  const server = start([...config.Entrypoint, ...config.Cmd]);
  try {
    const health = await firstAnswer(`http://127.0.0.1:${port}/health`, server);
    const startMs = performance.now() - startedAt;
    const healthcheck = await start(config.Healthcheck.Test.slice(1)).exited;
    const { pid } = server;
    const uidOf = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    const rootMount = /^\S+ \S+ \S+ \S+ \/ (\S+)/m.exec(readFileSync(`/proc/${pid}/mountinfo`, "utf8"))?.[1];
    server.kill("SIGTERM");
    return {
      ...{ startMs, health, healthcheck, uid: Number(uidOf) },
      isRootReadOnly: rootMount?.split(",").includes("ro") ?? false,
      exitCode: await server.exited,
    };
  } finally {
    server.kill("SIGKILL");
    await server.exited;
  }
}

async function firstAnswer(url: string, server: Bun.Subprocess<"ignore", "pipe", "inherit">) {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline && server.exitCode === null) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer) return answer.json();
    await Bun.sleep(5);
  }
  server.kill("SIGKILL");
  throw new Error(`The image does not answer:\n${await new Response(server.stdout).text()}`);
}
