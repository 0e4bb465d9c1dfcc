/**
 * Measures on the executable how many photographs a second get their previews, and what reads take meanwhile, beside the same
 * reads of a server that has nothing else to do:
 *
 *   bun bench/previews.ts [--photos 40] [--width 4000]
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { adminEmail, adminPassword, signInAs } from "../tests/drills/api";
import { photo } from "../tests/support/documents";
import { form } from "../tests/support/files";
import { startNeocrmFreely, type Contender } from "./contenders";
import { percentile, printTable, type TableRow } from "./table";

const { values } = parseArgs({
  options: { photos: { type: "string", default: "40" }, width: { type: "string", default: "4000" } },
});
const [photos, width] = [Number(values.photos), Number(values.width)];

const folder = mkdtempSync(join(tmpdir(), "neocrm-previews-"));
let server: Contender | undefined;
try {
  server = await startNeocrmFreely(join(folder, "data"));
  await measure(server);
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure({ url, pid }: Contender): Promise<void> {
  const { authorization } = await signInAs(url, { email: adminEmail, password: adminPassword });
  const headers = { authorization: authorization! };
  const idle = await readsWhile(url, headers, () => Bun.sleep(5_000));
  const bytes = await photo(width, Math.round(width * 0.75));
  const ids: string[] = [];
  for (let i = 0; i < photos; i++) ids.push(await upload(url, headers, i, bytes));
  const start = performance.now();
  const busy = await readsWhile(url, headers, () => allPictured(url, headers, ids));
  const seconds = (performance.now() - start) / 1_000;
  const megapixels = ((width * width * 0.75) / 1e6).toFixed(0);
  const row = (what: string, times: number[]): TableRow => [
    what,
    times.length,
    ...[50, 99].map((percent) => percentile(times, percent).toFixed(1)),
  ];
  printTable(
    `${photos} photographs of ${megapixels} megapixels: ${((3 * photos) / seconds).toFixed(1)} previews a second, of ${(photos / seconds).toFixed(1)} photographs; the server has ${residentMb(pid)} MB`,
    ["lists of 20 clients", "reads", "p50 ms", "p99 ms"],
    [row("nothing else", idle), row("while previews are made", busy)],
  );
}

/** Each is other bytes: what was read once is not read again. */
async function upload(
  url: string,
  headers: Record<string, string>,
  i: number,
  bytes: Uint8Array,
): Promise<string> {
  const { raw, headers: type } = form({
    ...{ field: "file", name: `${i}.jpg` },
    bytes: Buffer.concat([bytes, Buffer.from(`photograph ${i}`)]),
  });
  const answer = await fetch(`${url}/api/files/upload`, {
    method: "POST",
    body: raw,
    headers: { ...headers, ...type },
  });
  if (answer.status !== 201) throw new Error(`upload: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { id: string }).id;
}

async function allPictured(
  url: string,
  headers: Record<string, string>,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) {
    for (;;) {
      const { status } = await fetch(`${url}/api/files/preview/${id}?size=small`, { method: "GET", headers });
      if (status === 200) break;
      if (status !== 202) throw new Error(`preview: ${status}`);
      await Bun.sleep(100);
    }
  }
}

/** How long reads take, one every few milliseconds, as long as something else is under way. */
async function readsWhile(
  url: string,
  headers: Record<string, string>,
  work: () => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = [];
  let isOver = false;
  const over = work().finally(() => (isOver = true));
  while (!isOver) {
    const start = performance.now();
    await (await fetch(`${url}/api/clients?limit=20`, { headers })).text();
    times.push(performance.now() - start);
    await Bun.sleep(5);
  }
  await over;
  return times;
}

function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}
