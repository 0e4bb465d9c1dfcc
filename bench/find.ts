/**
 * Measures on the executable what is done with what is found: searching, beside the same question put to a bare FTS5 table, and
 * exporting, changing and taking back many records:
 *
 *   bun bench/find.ts search [--clients 100000] [--requests 40] [--postgres]
 *   bun bench/find.ts many [--clients 100000] [--changed 20000] [--postgres]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newDatabase } from "../tests/support/postgres";
import { signInAll, startNeocrm, startNeocrmFreely, type Contender } from "./contenders";
import { fillNew } from "./fill-new";
import { measureMany } from "./find-many";
import { costOfWrites, measureSearch } from "./find-search";
import { seedRows } from "./seed";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: "string", default: "100000" },
    requests: { type: "string", default: "40" },
    changed: { type: "string", default: "20000" },
    postgres: { type: "boolean", default: false },
  },
});
const [what] = positionals;
if (positionals.length !== 1 || (what !== "search" && what !== "many"))
  throw new Error("Usage: bun bench/find.ts search|many [--clients N] [--postgres]");

const folder = mkdtempSync(join(tmpdir(), "neocrm-find-"));
const dataDir = join(folder, "data");
let server: Contender | undefined;
try {
  const url = values.postgres ? await newDatabase({ durable: true }) : undefined;
  const began = performance.now();
  await fillNew(dataDir, url, (account) => seedRows(Number(values.clients), account));
  console.log(
    `${values.clients} clients, twice as many tasks, put in and indexed in ${Math.round((performance.now() - began) / 1000)} s`,
  );
  server = url === undefined ? await startNeocrmFreely(dataDir) : await startNeocrm("neocrm", dataDir, url);
  await signInAll(server);
  if (what === "many") await measureMany(server, Number(values.clients), Number(values.changed));
  else {
    const bare = url === undefined ? join(dataDir, "neocrm.db") : undefined;
    await measureSearch(server, bare, Number(values.requests), Number(values.clients));
    if (url === undefined) await costOfWrites(folder);
  }
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
