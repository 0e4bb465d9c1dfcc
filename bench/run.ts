/**
 * Measures the executable beside the floor, interleaved in one run, one core for each server and one for the load:
 *
 *   bun run bench [--clients 100000] [--seconds 4] [--rounds 3] [--connections 64]
 *
 * Needs wrk and taskset (Debian: wrk, util-linux). Prints the table of docs/performance.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { drillEnv, signIn } from "../tests/drills/api";
import { startBinary } from "../tests/support/binary";
import { burst, median, pinned, type Measure } from "./load";
import { seedClients } from "./seed";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "100000" },
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "64" },
  },
});
const [clients, seconds, rounds, connections] = [
  values.clients,
  values.seconds,
  values.rounds,
  values.connections,
].map(Number) as [number, number, number, number];

const cases = { "get by id": "/api/clients/:id", "list of 20": "/api/clients?count=none" };
const folder = mkdtempSync(join(tmpdir(), "neocrm-bench-"));
const dataDir = join(folder, "data");
const env = { ...drillEnv };

interface Contender {
  name: string;
  url: string;
  pid: number;
}

try {
  // The first start migrates; the second finds the clients.
  await (await startBinary({ dataDir, env })).stop();
  const idsFile = join(folder, "ids");
  const ids = seedClients(dataDir, clients);
  await Bun.write(idsFile, ids.filter((_, i) => i % 17 === 0).join("\n"));

  const server = await startBinary({ dataDir, env, wrapper: pinned(0, []) });
  const floor = Bun.spawn(pinned(0, [process.execPath, "bench/floor.ts", join(dataDir, "neocrm.db"), "0"]), {
    cwd: join(import.meta.dir, ".."),
    stdout: "pipe",
  });
  const floorPort = await firstLine(floor.stdout);
  const contenders: Contender[] = [
    { name: "floor", url: `http://127.0.0.1:${floorPort}`, pid: floor.pid },
    { name: "neocrm", url: server.url, pid: server.pid },
  ];
  const { authorization } = await signIn(server.url);
  await assertSameBytes(contenders, authorization!, ids[0]!);

  const shared = { script: join(import.meta.dir, "requests.lua"), connections };
  const token = authorization!.slice("Bearer ".length);
  console.log(`${clients} clients, ${connections} connections, median of ${rounds} rounds of ${seconds} s\n`);
  console.log(
    "| case | server | req/s | of the floor | p50 ms | p95 ms | p99 ms | CPU µs | RSS MiB | errors |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const [name, path] of Object.entries(cases)) {
    const load = { ...shared, env: { TOKEN: token, IDS: idsFile, PATH_TO_GET: path } };
    const measures = new Map<string, Measure[]>(contenders.map((contender) => [contender.name, []]));
    for (const { url, pid } of contenders) await burst({ ...load, url, pid, seconds: 1 });
    for (let round = 0; round < rounds; round++) {
      for (const { url, pid, name } of contenders)
        measures.get(name)!.push(await burst({ ...load, url, pid, seconds }));
    }
    const floorRate = median(measures.get("floor")!).requestsPerSecond;
    for (const [contender, found] of measures) console.log(row(name, contender, median(found), floorRate));
  }
  floor.kill();
  await server.stop();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function row(name: string, contender: string, m: Measure, floorRate: number): string {
  const cells = [
    name,
    contender,
    Math.round(m.requestsPerSecond).toLocaleString("en"),
    (m.requestsPerSecond / floorRate).toFixed(2),
    ...[m.p50, m.p95, m.p99].map((ms) => ms.toFixed(1)),
    m.cpuMicros.toFixed(0),
    Math.round(m.rss / 1024 / 1024),
    m.errors,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** A comparison of different answers would compare nothing; only the opaque cursor may differ. */
async function assertSameBytes(contenders: Contender[], authorization: string, id: string): Promise<void> {
  for (const path of Object.values(cases)) {
    const bodies = await Promise.all(
      contenders.map(async ({ url }) => {
        const response = await fetch(url + path.replace(":id", id), { headers: { authorization } });
        return (await response.text()).replace(/"next_cursor":"[^"]*"/, "");
      }),
    );
    if (bodies[0] !== bodies[1]) throw new Error(`The answers to ${path} differ:\n${bodies.join("\n")}`);
  }
}

async function firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0]!;
}
