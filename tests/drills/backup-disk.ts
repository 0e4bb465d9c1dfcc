import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, runBinary, startBinary } from "../support/binary";
import { oneFile } from "../support/files";
import { drillEnv, signIn, walk } from "./api";

export interface BackupDiskResult {
  /** Exit codes of backups while the data directory is full, while it cannot be written, and to a disk that is full. */
  full: number;
  readOnly: number;
  toFull: number;
  /** What it says of the disk that is full, and what is left there. */
  said: string;
  left: string[];
  /** The clients that the backup of the read-only data directory has. */
  restored: string[];
}

/** Backs up from a data directory of 24 MiB that becomes full, and then read-only; and to a disk that is too small. */
export async function backupDiskDrill(): Promise<BackupDiskResult> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-backup-disk-"));
  const [dataDir, small, to] = ["data", "small", "backups"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [dataDir, small]) mkdirSync(path, { mode: 0o700 });
  const mount =
    `mount -t tmpfs -o size=24m,mode=0700 tmpfs "$0" && mount -t tmpfs -o size=64k,mode=0700 tmpfs ${small} ` +
    '&& exec "$@"';
  const wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, dataDir];
  try {
    const server = await startBinary({ dataDir, env: drillEnv, wrapper });
    const headers = await signIn(server.url);
    const within = (...command: string[]) =>
      run("nsenter", ["-t", `${server.pid}`, "-U", "-m", "--preserve-credentials", ...command]);
    const executable = await binary();
    const backUp = (folder: string) => within(executable, "backup", "--to", folder, "--data-dir", dataDir);
    await fetch(`${server.url}/api/clients`, {
      method: "POST",
      headers,
      body: JSON.stringify({ name: "Kept" }),
    });
    const toFull = await backUp(small);
    const left = (await within("ls", small)).out.split("\n").filter((name) => name !== "");
    const form = oneFile("x.bin", "f".repeat(40_000_000));
    await fetch(`${server.url}/api/files/upload`, {
      ...{ method: "POST", body: form.raw, headers: { ...headers, ...form.headers } },
    });
    await within("sh", "-c", `dd if=/dev/zero of=${dataDir}/filling bs=64k; true`);
    const full = await backUp(to);
    await within("mount", "-o", "remount,ro", dataDir);
    const readOnly = await backUp(to);
    await within("mount", "-o", "remount,rw", dataDir);
    await server.stop();

    const elsewhere = join(folder, "elsewhere");
    await runBinary(["restore", "--from", to, "--data-dir", elsewhere], { env: drillEnv });
    const other = await startBinary({ dataDir: elsewhere, env: drillEnv });
    const restored = (await walk(other.url, await signIn(other.url))).map(({ name }) => name);
    await other.stop();
    return {
      full: full.code,
      readOnly: readOnly.code,
      toFull: toFull.code,
      said: toFull.err,
      left,
      restored,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(command: string, args: string[]) {
  const child = Bun.spawn([command, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = [await new Response(child.stdout).text(), await new Response(child.stderr).text()];
  return { code: await child.exited, out: out.trim(), err: err.trim() };
}
