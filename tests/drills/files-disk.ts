import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBinary } from "../support/binary";
import { oneFile, sha256 } from "../support/files";
import { drillEnv, signIn } from "./api";

export interface DiskResult {
  /** The status and code of an upload while the disk is full, while it cannot be written, and afterwards. */
  full: [status: number, code: unknown];
  readOnly: [status: number, code: unknown];
  afterwards: number;
  /** The status of another write while files cannot be kept. */
  others: number[];
  /** Whether what had been uploaded before is whole. */
  isWhole: boolean;
  /** Half files. */
  left: string[];
}

/**
 * Has the executable keep its files on a disk of 16 MiB that becomes full, and then read-only. A mount of its own, in a
 * namespace of its own: for that, nobody has to be root.
 */
export async function diskDrill(): Promise<DiskResult> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-files-disk-"));
  const dataDir = join(folder, "data");
  const blobs = join(dataDir, "blobs");
  mkdirSync(blobs, { recursive: true, mode: 0o700 });
  const mount = `mount -t tmpfs -o size=16m,mode=0700 tmpfs "$0" && exec "$@"`;
  const wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, blobs];
  try {
    const server = await startBinary({ dataDir, env: { ...drillEnv, MAX_FILE_SIZE: "100MiB" }, wrapper });
    const headers = await signIn(server.url);
    const within = (...command: string[]) =>
      run("nsenter", ["-t", `${server.pid}`, "-U", "-m", "--preserve-credentials", ...command]);
    const upload = async (bytes: string) => {
      const form = oneFile("x.bin", bytes);
      const response = await fetch(`${server.url}/api/files/upload`, {
        ...{ method: "POST", body: form.raw, headers: { ...headers, ...form.headers } },
      });
      const json = (await response.json()) as Record<string, string>;
      return { status: response.status, json };
    };
    const write = async () =>
      (
        await fetch(`${server.url}/api/clients`, {
          ...{ method: "POST", headers, body: JSON.stringify({ name: "Meanwhile" }) },
        })
      ).status;

    const small = "s".repeat(1_000_000);
    const { json: first } = await upload(small);
    const full = await upload("f".repeat(30_000_000));
    const others = [await write()];
    await within("mount", "-o", "remount,ro", blobs);
    const readOnly = await upload("r".repeat(1_000));
    others.push(await write());
    await within("mount", "-o", "remount,rw", blobs);
    const { status: afterwards } = await upload("a".repeat(5_000_000));
    const bytes = await fetch(`${server.url}/api/files/${first["id"]}/download`, { headers });
    const isWhole = sha256(await bytes.bytes()) === sha256(small);
    const left = (await within("ls", join(blobs, "incoming"))).split("\n").filter((name) => name !== "");
    await server.stop();
    return {
      ...{ full: [full.status, full.json["code"]], readOnly: [readOnly.status, readOnly.json["code"]] },
      ...{ afterwards, others, isWhole, left },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(command: string, args: string[]): Promise<string> {
  const child = Bun.spawn([command, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = [await new Response(child.stdout).text(), await new Response(child.stderr).text()];
  if ((await child.exited) !== 0) throw new Error(`${command} ${args.join(" ")}: ${err}`);
  return out;
}
