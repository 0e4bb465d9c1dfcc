/** `scripts/install.sh` against releases of a server of its own, below a folder in the place of `/`, with a service manager of its own. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { binary } from "./binary";
import { sha256 } from "./files";
import { freePort } from "./free-port";

const repository = resolve(import.meta.dir, "../..");
const script = join(repository, "scripts/install.sh");
/** The name of the executable in a release for this machine. */
export const asset = `neocrm-linux-${process.arch === "arm64" ? "arm64" : "x64"}.gz`;

/** In the place of systemd's. */
const systemctl = join(repository, "tests/support/systemctl.sh");

/** What a run of the script said. */
export interface Installed {
  code: number;
  out: string;
  err: string;
}

/** A machine to install on, and a place where releases are. */
export interface Machine {
  /** In the place of `/`. */
  root: string;
  port: number;
  /** Where releases are fetched from, without a name at the end. */
  url: string;
  /** Publishes an executable under a name; gives its URL. `damage` changes a file after the checksums were made. */
  publish(name: string, executable: Uint8Array | string, damage?: string): string;
  run(...args: string[]): Promise<Installed>;
  /** What the installed program says when it is called. */
  version(): string;
  /** Stops the server and removes everything. */
  end(): Promise<void>;
}

/** Makes a machine on which nothing is installed. */
export async function newMachine(shell = "sh"): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-install-"));
  const [root, releases] = [join(folder, "root"), join(folder, "releases")];
  const port = await freePort();
  mkdirSync(join(root, "etc/neocrm"), { recursive: true });
  writeFileSync(join(root, "etc/neocrm/neocrm.env"), `# of this machine\nPORT=${port}\n`);
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) => new Response(Bun.file(join(releases, new URL(url).pathname))),
    error: () => new Response("There is no such file.", { status: 404 }),
  });
  const url = `http://127.0.0.1:${server.port}`;
  const run = async (...args: string[]) => {
    const command = [shell, script, ...args, "--root", root, "--service", `env ROOT=${root} sh ${systemctl}`];
    return finished(command);
  };
  return {
    ...{ root, port, url, run },
    publish: (name, executable, damage) => {
      publish(join(releases, name), executable, damage);
      return `${url}/${name}`;
    },
    version: () =>
      Bun.spawnSync([join(root, "usr/local/bin/neocrm"), "version"])
        .stdout.toString()
        .trim(),
    end: async () => {
      await finished(["env", `ROOT=${root}`, "sh", systemctl, "stop", "neocrm"]);
      await server.stop(true);
      rmSync(folder, { recursive: true });
    },
  };
}

async function finished(command: string[]): Promise<Installed> {
  const child = Bun.spawn(command, { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
  const text = (stream: ReadableStream<Uint8Array>) => new Response(stream).text();
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), child.exited]);
  return { code, out, err };
}

/** The executable is large; it is packed once. */
const packed = new WeakMap<Uint8Array, Uint8Array>();

function gzipped(executable: Uint8Array | string): Uint8Array {
  if (typeof executable === "string") return Bun.gzipSync(executable);
  const bytes = packed.get(executable) ?? gzipSync(executable, { level: 1 });
  packed.set(executable, bytes);
  return bytes;
}

function publish(folder: string, executable: Uint8Array | string, damage?: string): void {
  mkdirSync(folder, { recursive: true });
  const files: Record<string, Uint8Array | string> = {
    [asset]: gzipped(executable),
    "neocrm.service": readFileSync(join(repository, "deploy/systemd/neocrm.service"), "utf8"),
  };
  const sums = Object.entries(files).map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  if (damage) writeFileSync(join(folder, damage), "something else");
}

/** The executable of this tree, under another version; `instead` are lines of shell that run before it, where `$1` is the command. */
export async function otherVersion(version: string, instead = ""): Promise<string> {
  return `#!/bin/sh
[ "$1" = version ] && echo ${version} && exit
${instead}
exec ${await binary()} "$@"
`;
}
