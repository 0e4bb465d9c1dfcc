import { SQL, type TransactionSQL } from "bun";
import { join } from "node:path";
import type { BlobRef } from "./blob-list";
import { BackupFailed } from "./failed";
import { linesOf } from "./lines";
import type { DatabaseSource } from "./make";
import { names } from "./manifest";
import { PostgresTools } from "./postgres-tools";
import { unwatched, type OnProgress, type Watch } from "./progress";

/** The PostgreSQL database at `url`, copied by `pg_dump` while others write. */
export const postgresSource = (url: string): DatabaseSource => ({
  engine: "postgres",
  async copyInto(folder, watch) {
    const file = join(folder, names.postgres);
    const contents = await dumpPostgres(url, file, watch);
    return { file: names.postgres, ...contents };
  },
});

/** What a dump holds. */
export interface Dumped {
  migrations: string[];
  rows: Record<string, number>;
  blobs: BlobRef[];
}

/**
 * Dumps what is committed at one instant, in which the rows are counted, too; then the dump is read and counted again.
 * @throws BackupFailed when the programs are missing or too old, or the dump is not whole, the signal's reason when it is aborted
 */
export async function dumpPostgres(
  url: string,
  file: string,
  { onProgress, signal }: Watch = unwatched,
): Promise<Dumped> {
  const tools = new PostgresTools(url, signal);
  return withClient(url, async (client) => {
    await tools.assertFit(client);
    const dumped = await client.begin("isolation level repeatable read read only", async (transaction) => {
      await transaction.unsafe("SET LOCAL statement_timeout = 0");
      await transaction.unsafe("SET LOCAL idle_in_transaction_session_timeout = 0");
      const [{ snapshot, schema }] =
        await transaction`SELECT pg_export_snapshot() AS snapshot, current_schema() AS schema`;
      const contents = await contentsOf(transaction);
      const which = ["--format=custom", "--no-owner", "--no-privileges", `--schema=${schema}`];
      const follow = await following(transaction, contents, onProgress);
      await tools.run(
        "pg_dump",
        ["--verbose", ...which, `--snapshot=${snapshot}`, `--file=${file}`],
        follow.line,
      );
      follow.end();
      return contents;
    });
    const rows = await rowsInDump(tools, file);
    const apart = Object.keys(dumped.rows).find((table) => rows[table] !== dumped.rows[table]);
    if (apart !== undefined)
      throw new BackupFailed(
        `The dump has ${rows[apart] ?? 0} rows in ${apart} instead of ${dumped.rows[apart]}. Nothing was kept of it.`,
      );
    return dumped;
  });
}

/** Works with a connection of its own. */
export async function withClient<Result>(
  url: string,
  work: (client: SQL) => Promise<Result>,
): Promise<Result> {
  const client = new SQL({ url, max: 1 });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** What is in the database, for one transaction. */
async function contentsOf(transaction: TransactionSQL): Promise<Dumped> {
  const tables: { name: string }[] =
    await transaction`SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1`;
  const rows: Record<string, number> = {};
  for (const { name } of tables) {
    const [{ count }] = await transaction`SELECT count(*) AS count FROM ${transaction(name)}`;
    rows[name] = Number(count);
  }
  const migrations: { tag: string }[] =
    "_migrations" in rows ? await transaction`SELECT tag FROM _migrations ORDER BY tag COLLATE "C"` : [];
  const blobs: (Omit<BlobRef, "size"> & { size: string })[] =
    "blobs" in rows ? await transaction`SELECT hash, key, size FROM blobs ORDER BY hash` : [];
  return {
    migrations: migrations.map(({ tag }) => tag),
    rows,
    blobs: blobs.map(({ hash, key, size }) => ({ hash, key, size: Number(size) })),
  };
}

/** Follows pg_dump by what it says: which table it has come to. A table counts as done when the next one begins. */
async function following(transaction: TransactionSQL, { blobs }: Dumped, onProgress: OnProgress) {
  const tables: { name: string; size: string }[] = await transaction`
    SELECT tablename AS name, pg_table_size(format('%I.%I', schemaname, tablename)::regclass) AS size
    FROM pg_tables WHERE schemaname = current_schema()`;
  const sizes = new Map(tables.map(({ name, size }) => [name, Number(size)]));
  const size = sum(sizes.values());
  const total = size + sum(blobs.map((blob) => blob.size));
  let done = 0;
  let current = 0;
  onProgress({ done, total });
  return {
    line(line: string) {
      const table = /dumping contents of table ".*\.([^".]+)"/.exec(line)?.[1];
      if (table === undefined) return;
      done += current;
      current = sizes.get(table) ?? 0;
      onProgress({ done, total });
    },
    end: () => onProgress({ done: size, total }),
  };
}

const sum = (sizes: Iterable<number>) => [...sizes].reduce((all, size) => all + size, 0);

/** How many rows of each table a dump holds: it is read from end to end. */
export async function rowsInDump(tools: PostgresTools, file: string): Promise<Record<string, number>> {
  const reading = tools.start("pg_restore", ["--data-only", "--file=-", file]);
  await reading.stdin.end();
  const rows: Record<string, number> = {};
  let table: string | undefined;
  for await (const line of linesOf(reading.stdout)) {
    if (table === undefined) {
      table = /^COPY [^.]+\."?([^ "]+)"? .*FROM stdin;$/.exec(line)?.[1];
      if (table !== undefined) rows[table] = 0;
    } else if (line === "\\.") table = undefined;
    else rows[table] = rows[table]! + 1;
  }
  await reading.done();
  return rows;
}
