import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrationsLock, serversLock } from "../db/migrate.postgres";
import { BackupFailed } from "./failed";
import { withClient } from "./postgres";
import { PostgresTools, type RunningTool } from "./postgres-tools";

/** What is put into a database. */
export interface Dump {
  file: string;
  /** How many rows each table has afterwards. */
  rows: Readonly<Record<string, number>>;
  /** Where the bytes are now, by hash. */
  keys: ReadonlyMap<string, string>;
}

/** Whether there is something of ours in a database. @throws BackupFailed when something else is, or servers run on it */
export function isFilled(url: string): Promise<boolean> {
  return withClient(url, async (client) => {
    await new PostgresTools(url).assertFit(client);
    const [{ is_free }] = await client`SELECT pg_try_advisory_lock(${serversLock}) AS is_free`;
    if (!is_free) throw new BackupFailed(serversRun);
    const [{ tables, ours }] = await client`
      SELECT count(*)::int AS tables, count(*) FILTER (WHERE tablename = '_migrations')::int AS ours
      FROM pg_tables WHERE schemaname = current_schema()`;
    if (tables > 0 && ours === 0)
      throw new BackupFailed("This database holds tables of something else. Give neocrm one of its own.");
    return tables > 0;
  });
}

const serversRun = "Servers run on this database: stop all of them first.";

/**
 * Puts a dump in the place of everything that the database holds, in one transaction: it is all there afterwards, with as many
 * rows as it should have, or nothing was changed. Servers that start meanwhile wait for it.
 * @throws BackupFailed
 */
export async function restoreDump(url: string, { file, rows, keys }: Dump): Promise<void> {
  const tools = new PostgresTools(url);
  const folder = await mkdtemp(join(tmpdir(), "neocrm-"));
  try {
    const list = join(folder, "list");
    await writeFile(list, await withoutSchema(tools, file));
    const psql = tools.start("psql", ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]);
    // What it selects is of no interest, and a full pipe would stop it.
    const silence = new Response(psql.stdout).text();
    try {
      for await (const part of script(tools, { file, list, rows, keys })) {
        void psql.stdin.write(part);
        await psql.stdin.flush();
      }
    } catch (error) {
      // Without its last line, which commits, the transaction is taken back. If psql went away, it knows better why.
      await end(psql);
      await psql.done();
      throw error;
    }
    await end(psql);
    await Promise.all([psql.done(), silence]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Its reader may be gone. */
const end = async ({ stdin }: RunningTool) =>
  void (await Promise.resolve(stdin.end()).catch(() => undefined));

/** The table of contents of a dump, without the schema itself, which every database has. */
async function withoutSchema(tools: PostgresTools, file: string): Promise<string> {
  const contents = await tools.run("pg_restore", ["--list", file]);
  return contents
    .split("\n")
    .filter((line) => !/^\d+; \d+ \d+ (SCHEMA|COMMENT - SCHEMA) /.test(line))
    .join("\n");
}

async function* script(
  tools: PostgresTools,
  { file, list, rows, keys }: Dump & { list: string },
): AsyncGenerator<string | Uint8Array> {
  yield `BEGIN;
SELECT current_schema() AS schema \\gset
SELECT pg_advisory_xact_lock(${migrationsLock});
${raiseUnless(`pg_try_advisory_xact_lock(${serversLock})`, serversRun)}
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
    EXECUTE format('DROP TABLE %I CASCADE', name);
  END LOOP;
END $$;
`;
  const reading = tools.start("pg_restore", [
    ...["--no-owner", "--no-privileges", `--use-list=${list}`, "--file=-", file],
  ]);
  await reading.stdin.end();
  for await (const chunk of reading.stdout) yield chunk;
  await reading.done();
  yield '\nSET search_path TO :"schema";\n';
  yield* rekeying(keys);
  for (const [table, count] of Object.entries(rows))
    yield raiseUnless(
      `(SELECT count(*) FROM "${table}") = ${count}`,
      `${table} has not the rows it should have.`,
    );
  yield "COMMIT;\n";
}

const raiseUnless = (condition: string, message: string) =>
  `DO $$ BEGIN IF NOT (${condition}) THEN RAISE EXCEPTION '${message}'; END IF; END $$;\n`;

function* rekeying(keys: ReadonlyMap<string, string>): Generator<string> {
  if (keys.size === 0) return;
  yield "CREATE TEMPORARY TABLE restored_keys (hash text PRIMARY KEY, key text) ON COMMIT DROP;\n";
  yield "COPY restored_keys FROM stdin;\n";
  for (const [hash, key] of keys) yield `${hash}\t${key}\n`;
  yield "\\.\n";
  yield "UPDATE blobs SET key = restored_keys.key FROM restored_keys WHERE blobs.hash = restored_keys.hash;\n";
}
