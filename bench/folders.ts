/**
 * Measures on the executable what is done with folders when there are many of them: ten regions, each a tree in which a folder has ten, and
 * one row of folders in each other, as deep as it goes; beside the large ones, how long somebody else's reads take meanwhile:
 *
 *   bun bench/folders.ts [--folders 100000] [--times 20] [--postgres]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { now } from "../src/clock";
import type { RowOf } from "../src/db/rows";
import { wholeFolder } from "../src/features/folders/store";
import { deepest } from "../src/features/folders/tree";
import { newId } from "../src/ids";
import { adminEmail, adminPassword, signInAs } from "../tests/drills/api";
import { newDatabase } from "../tests/support/postgres";
import { startNeocrmFreely, type Contender } from "./contenders";
import { fillNew } from "./fill-new";
import { residentBytes } from "./load";
import { userRow } from "./seed";
import { percentile, printTable, type TableRow } from "./table";

const { values } = parseArgs({
  options: {
    folders: { type: "string", default: "100000" },
    times: { type: "string", default: "20" },
    postgres: { type: "boolean", default: false },
  },
});
const [count, times] = [Number(values.folders), Number(values.times)];

type FolderRow = RowOf<"folders">;

const regions = 10;
const inEach = 10;

/** A company's folders, all of one user's. */
class Shelves {
  readonly rows: FolderRow[] = [];
  /** The folders of each region; the first is the region itself, the second the first in it. */
  readonly regions: FolderRow[][];
  /** Each in the one before. */
  readonly chain: FolderRow[] = [];
  readonly #at = now();

  constructor(
    private readonly owner: string,
    many: number,
  ) {
    for (let i = 0; i < deepest; i++) this.chain.push(this.#add(`Level ${i}`, this.chain.at(-1)));
    const ofRegion = Math.floor((many - deepest) / regions);
    this.regions = Array.from({ length: regions }, (_, region) => {
      const rows = [this.#add(`Region ${region}`)];
      for (let i = 1; i < ofRegion; i++)
        rows.push(this.#add(`Shelf ${region}-${i}`, rows[Math.floor((i - 1) / inEach)]));
      return rows;
    });
  }

  #add(name: string, parent?: FolderRow): FolderRow {
    const row = wholeFolder({
      ...{ id: newId(), name, parent_id: parent?.id ?? null, created_by: this.owner },
      ...{ created_at: this.#at, updated_at: this.#at, deleted_at: null, version: 1 },
    });
    this.rows.push(row);
    return row;
  }
}

const folder = mkdtempSync(join(tmpdir(), "neocrm-folders-"));
const dataDir = join(folder, "data");
let server: Contender | undefined;
try {
  const url = values.postgres ? await newDatabase({ durable: true }) : undefined;
  let shelves: Shelves;
  await fillNew(dataDir, url, (account) => {
    const owner = userRow(0, account);
    shelves = new Shelves(owner.id, count);
    return { users: [owner], folders: shelves.rows };
  });
  server = await startNeocrmFreely(dataDir, url);
  await measure(server, shelves!);
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure({ url, pid }: Contender, shelves: Shelves): Promise<void> {
  const headers = await signInAs(url, { email: adminEmail, password: adminPassword });
  const send = async (method: string, path: string, wanted: number, body?: object) => {
    const response = await fetch(`${url}/api/folders${path}`, {
      ...{ method, headers, ...(body && { body: JSON.stringify(body) }) },
    });
    const text = await response.text();
    if (response.status !== wanted) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  };
  const get = (path: string) => () => send("GET", path, 200);
  const patch = (id: string, body: object, wanted = 200) => send("PATCH", `/${id}`, wanted, body);

  const [[region, shelf, ...others], [elsewhere]] = shelves.regions as [FolderRow[], FolderRow[]];
  const [top, bottom] = [shelves.chain[0]!, shelves.chain.at(-1)!];
  const below = sizesBelow(shelves.rows);
  const of = ({ id }: FolderRow) => `${below.get(id)!.toLocaleString("en")} folders`;

  const rows: TableRow[] = [];
  const note = async (what: string, ...steps: [string, () => Promise<void>][]) => {
    const took = new Map<string, number[]>();
    const meanwhile: number[] = [];
    for (let i = 0; i < times; i++) {
      for (const [step, work] of steps) {
        const { ms, reads } = await timed(work, get(`?parent_id=${bottom.parent_id}`));
        took.set(step, [...(took.get(step) ?? []), ms]);
        meanwhile.push(...reads);
      }
    }
    for (const [step, all] of took)
      rows.push([
        ...[step, what, percentile(all, 50).toFixed(1), percentile(all, 99).toFixed(1)],
        percentile(meanwhile, 99).toFixed(1),
      ]);
  };
  let turn = 0;
  const renamed = (id: string) => () => patch(id, { name: `Renamed ${turn++}` });
  const moved = ({ id, parent_id }: FolderRow, away: string) => {
    let isAway = false;
    return () => {
      isAway = !isAway;
      return patch(id, { parent_id: isAway ? away : parent_id });
    };
  };

  await note("20 of all, by name", ["list", get("?sort=name")]);
  await note("those at the top", ["list", get("?filter[parent_id][is_null]=true")]);
  await note("those in a folder", ["list", get(`?parent_id=${region!.id}`)]);
  await note("those whose name contains 99", ["list", get("?filter[name][contains]=99")]);
  await note(`${deepest} deep, from the top`, ["tree", get(`/${top.id}/tree`)]);
  await note("the way up from the deepest", ["tree", get(`/${bottom.id}/tree`)]);
  for (const each of [others[inEach - 1]!, shelf!, region!])
    await note(of(each), ["tree", get(`/${each.id}/tree`)]);
  await note("the deepest", ["rename", renamed(bottom.id)]);
  await note(of(region!), ["rename", renamed(region!.id)]);
  await note(of(shelf!), ["move", moved(shelf!, elsewhere!.id)]);
  await note("the deepest, out and back", ["move", moved(bottom, region!.id)]);
  const intoItself = () => patch(top.id, { parent_id: bottom.id }, 409);
  await note(`into itself, ${deepest} deep`, ["move, refused", intoItself]);
  for (const each of [top, others[inEach - 1]!, shelf!, region!]) {
    const path = `/${each.id}`;
    await note(
      each === top ? `${deepest} deep` : of(each),
      ["delete", () => send("DELETE", path, 204)],
      ["restore", () => send("POST", `${path}/restore`, 200)],
    );
  }
  printTable(
    `${shelves.rows.length.toLocaleString("en")} folders (${values.postgres ? "PostgreSQL" : "SQLite"}), each ${times} times; the server has ${(residentBytes(pid) / 2 ** 20).toFixed(0)} MiB`,
    ["", "what", "p50 ms", "p99 ms", "reads meanwhile, p99 ms"],
    rows,
  );
}

/** How many folders lie in each, at whatever depth. Those in a folder come after it. */
function sizesBelow(rows: readonly FolderRow[]): Map<string, number> {
  const sizes = new Map(rows.map(({ id }) => [id, 0]));
  for (const { id, parent_id } of rows.toReversed())
    if (parent_id !== null) sizes.set(parent_id, sizes.get(parent_id)! + sizes.get(id)! + 1);
  return sizes;
}

/** How long something takes, and the reads of somebody else as long as it does; in milliseconds. */
async function timed(work: () => Promise<void>, read: () => Promise<void>) {
  const reads: number[] = [];
  const start = performance.now();
  let ms: number | undefined;
  const done = work().then(() => void (ms = performance.now() - start));
  do {
    const from = performance.now();
    await read();
    reads.push(performance.now() - from);
    await Bun.sleep(1);
  } while (ms === undefined);
  await done;
  return { ms, reads };
}
