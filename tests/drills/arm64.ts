/** The executable for arm64, on a machine that is another one: qemu-user-static runs it, with the C library of libc6-arm64-cross. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../package.json";
import { build } from "../../scripts/build";
import { commandFor } from "../../scripts/processor";
import { startBinary } from "../support/binary";

/** What it did, each as an operator or a program sees it. */
export interface Arm64Result {
  version: boolean;
  ready: boolean;
  clients: string[];
  exitCode: number;
}

const password = "a long enough phrase";

/** Builds it, and does with it what comes first: the first admin, a client, a list, the end. */
export async function arm64Drill(): Promise<Arm64Result> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-arm64-"));
  const executable = join(folder, "neocrm");
  try {
    await build({ outfile: executable, target: "bun-linux-arm64" });
    const command = commandFor(executable);
    const dataDir = join(folder, "data");
    const run = (...args: string[]) =>
      Bun.spawnSync([...command, ...args], { cwd: folder, env: { DATA_DIR: dataDir, PORT: port } });
    let port = "0";
    const said = run("version").stdout.toString();
    const server = await startBinary({ dataDir, executable, wrapper: command.slice(0, -1) });
    port = new URL(server.url).port;
    const send = async (path: string, token?: string, body?: object): Promise<unknown> => {
      const answer = await fetch(`${server.url}${path}`, {
        ...(body && { method: "POST", body: JSON.stringify(body) }),
        headers: {
          "content-type": "application/json",
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
      });
      if (answer.ok) return answer.json();
      // Emulated, its first reads may take longer than they may.
      if (answer.status !== 503) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
      await Bun.sleep(1_000 * Number(answer.headers.get("retry-after") ?? 1));
      return send(path, token, body);
    };
    const code = /with the code ([\w-]+)/.exec(server.log())![1];
    const admin = { email: "ada@example.com", full_name: "Ada", password };
    const { access_token } = (await send("/api/auth/setup", undefined, { code, ...admin })) as {
      access_token: string;
    };
    await send("/api/clients", access_token, { name: "Bjørn Hansen", phone: "+47 22 44 22 22" });
    const found = (await send("/api/clients", access_token)) as { data: { name: string }[] };
    return {
      version: said === `${version}\n`,
      ready: run("healthcheck").stdout.toString() === "ready\n",
      clients: found.data.map(({ name }) => name),
      exitCode: await server.stop(),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
