import { Database } from "bun:sqlite";
import { join } from "node:path";
import { sqliteMigrations } from "../src/db/migrations.generated";
import { sqliteMigrator } from "../src/db/migrate.sqlite";
import { openSqliteStore } from "../src/db/sqlite";
import { clientSearch } from "../src/features/clients/search";
import { newId } from "../src/ids";
import { indexNext } from "../src/search/indexer";
import type { Contender } from "./contenders";
import { percentile, printTable, type TableRow } from "./table";

/** What is asked, and how a bare FTS5 query asks the same. */
const searches = (clients: number): Record<string, { path: string; bare: string }> => ({
  "whole word": { path: "search?q=hansen", bare: '"han" AND "nse" AND "sen"' },
  "word of a few": {
    path: `search?q=${encodeURIComponent(`company ${clients % 4_999}`)}`,
    bare: '"com" AND "pan"',
  },
  "prefix of 2": { path: "search?q=ha", bare: '" ha"' },
  "prefix of 3": { path: "search?q=han", bare: '"han"' },
  "prefix of 5": { path: "search?q=goncal", bare: '"gon" AND "nca" AND "cal"' },
  "without accents": { path: "search?q=francois+tremblay", bare: '"fra" AND "anc" AND "tre" AND "emb"' },
  "middle of a word": { path: "search?q=rembla", bare: '"rem" AND "mbl" AND "bla"' },
  "phone, grouped": { path: "search?q=20+00+07+77", bare: '"200" AND "007" AND "777"' },
  "phone from abroad": { path: "search?q=%2B47+20+00+07+77", bare: '"200" AND "007" AND "777"' },
  "part of a phone": { path: "search?q=07772", bare: '"077" AND "772"' },
  "part of a mail": { path: "search?q=client777@exam", bare: '"cli" AND "777"' },
  "nothing, a letter forgiven": { path: "search?q=hanson", bare: '"ans" AND "son"' },
  "phrase and not": { path: "search?q=%22jack+smith%22+-company", bare: '"jac" AND "smi"' },
  "list, facets' twin": { path: "clients?q=hansen&status=active&sort=name", bare: '"han" AND "sen"' },
  "list, few": { path: "clients?q=client777@&sort=-updated_at", bare: '"cli" AND "777"' },
});

/** Milliseconds of each search, on a server with nothing else to do; reads meanwhile. */
export async function measureSearch(
  { url, tokens }: Contender,
  file: string | undefined,
  requests: number,
  clients: number,
): Promise<void> {
  const ask = async (path: string, user = 0) => {
    const start = performance.now();
    const response = await fetch(`${url}/api/${path}`, {
      headers: { authorization: `Bearer ${tokens[user]}` },
    });
    await response.text();
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
    return performance.now() - start;
  };
  const bare = file === undefined ? undefined : new Database(file, { readonly: true });
  bare?.run("PRAGMA cache_size = -49152");
  const rows: TableRow[] = [];
  const reads: number[] = [];
  for (const [name, search] of Object.entries(searches(clients))) {
    await ask(search.path);
    const times: number[] = [];
    for (let i = 0; i < requests; i++) {
      const read = ask("clients?limit=20", 1);
      times.push(await ask(search.path));
      reads.push(await read);
    }
    const floor = bare?.prepare(
      "SELECT rowid FROM clients_trigrams WHERE clients_trigrams MATCH ? ORDER BY rowid DESC LIMIT 1001",
    );
    const floors = Array.from({ length: requests }, () => {
      const start = performance.now();
      floor?.all(search.bare);
      return performance.now() - start;
    });
    const [p50, p95, floor50] = [percentile(times, 50), percentile(times, 95), percentile(floors, 50)];
    rows.push([name, p50.toFixed(1), p95.toFixed(1), bare ? floor50.toFixed(1) : ""]);
  }
  bare?.close();
  printTable(
    `Search over ${clients.toLocaleString("en")} clients and twice as many tasks, milliseconds:`,
    ["search", "p50", "p95", "bare FTS5, p50"],
    rows,
  );
  console.log(
    `reads of a list meanwhile: p50 ${percentile(reads, 50).toFixed(1)} ms, p99 ${percentile(reads, 99).toFixed(1)} ms`,
  );
}

/** Microseconds of the processor that search adds to a write: at once, and when it is indexed. */
export async function costOfWrites(folder: string): Promise<void> {
  const file = join(folder, "writes.db");
  await sqliteMigrator(file, folder, sqliteMigrations).up();
  const store = openSqliteStore(file);
  const db = new Database(file);
  db.run("PRAGMA foreign_keys = OFF");
  const count = 5_000;
  const spent = async (work: () => Promise<unknown>) => {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    return ((user + system) / count).toFixed(1);
  };
  const words = (i: number) => `Jack Hansen ${i} Köhler Müller`;
  const rows = Array.from({ length: count }, (_, i) => ({ id: newId(), i }));
  const parents = db.prepare(
    "INSERT INTO clients (id, name, name_key, status, tags, created_by, created_at, updated_at) VALUES (?, '', '', 'active', '[]', '', 0, 0)",
  );
  db.transaction(() => rows.forEach(({ id }) => parents.run(id)))();
  const put = await spent(async () => {
    for (let start = 0; start < count; start += 100) {
      await store.tx(async (session) => {
        for (const { id, i } of rows.slice(start, start + 100)) {
          const company = `Company ${i % 500}`;
          await clientSearch.put(session, id, { title: words(i), more: [company, `client${i}@example.com`], phone: `+47${20_000_000 + i}`, rest: ["Retail", "vip", "north", "Prefers to be called in the morning."] }); // prettier-ignore
        }
      });
    }
  });
  const indexed = await spent(async () => {
    while ((await store.tx((session) => indexNext(session, "clients"))) > 0);
  });
  console.log(
    `search adds to a write ${put} µs of the processor (100 in a transaction), and ${indexed} µs when it is indexed`,
  );
  db.close();
  await store.close();
}
