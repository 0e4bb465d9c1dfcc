/**
 * Puts the migrations in `drizzle/` into the program: writes `src/db/migrations.generated.ts`, which imports
 * the SQL as text, so that the executable carries it.
 *
 * After a change of `src/db/tables/`:
 *
 *   bun scripts/embed-migrations.ts --init         before the first release: writes 0000_init anew, up and down
 *   bun scripts/embed-migrations.ts --add <name>   after it: adds a migration; write its `down/<tag>.sql`
 *   bun scripts/embed-migrations.ts                embeds what is there, such as SQL edited by hand
 *
 * A migration that was released never changes again.
 */
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { getTableName } from "drizzle-orm";
import { postgresColumns } from "../src/db/columns.postgres";
import { describeTables } from "../src/db/tables";

const engines = ["sqlite", "postgres"] as const;
type Engine = (typeof engines)[number];

const top = join(import.meta.dir, "..");
const folderOf = (engine: Engine) => join(top, "drizzle", engine);

/** The tags of one engine's migrations, oldest first. */
export async function listTags(engine: Engine): Promise<string[]> {
  const journal = await Bun.file(join(folderOf(engine), "meta/_journal.json")).json();
  return (journal.entries as { tag: string }[]).map(({ tag }) => tag);
}

/** The text of `migrations.generated.ts`. */
export async function renderMigrations(): Promise<string> {
  const imports: string[] = [];
  const lists: string[] = [];
  for (const engine of engines) {
    const rows: string[] = [];
    for (const [index, tag] of (await listTags(engine)).entries()) {
      for (const [direction, path] of Object.entries({ Up: `${tag}.sql`, Down: `down/${tag}.sql` })) {
        if (!existsSync(join(folderOf(engine), path)))
          throw new Error(`drizzle/${engine}/${path} is missing.`);
        imports.push(
          `import ${engine}${direction}${index} from "../../drizzle/${engine}/${path}" with { type: "text" };`,
        );
      }
      rows.push(`  { tag: "${tag}", up: ${engine}Up${index}, down: ${engine}Down${index} },`);
    }
    lists.push(
      `/** The migrations of ${engine === "sqlite" ? "SQLite" : "PostgreSQL"}, oldest first. */`,
      `export const ${engine}Migrations: Migration[] = [`,
      ...rows,
      "];",
      "",
    );
  }
  return [
    "// Written by scripts/embed-migrations.ts.",
    ...imports,
    `import type { Migration } from "./migrate";`,
    "",
    ...lists,
  ].join("\n");
}

/** Where `renderMigrations` belongs. */
export const generatedFile = join(top, "src/db/migrations.generated.ts");

const drizzleKit = (engine: Engine, ...args: string[]) =>
  run("x", "--bun", "drizzle-kit", "generate", "--config", `scripts/drizzle.${engine}.ts`, ...args);

async function run(...args: string[]) {
  const command = [process.execPath, ...args];
  const child = Bun.spawn(command, { cwd: top, stdin: "inherit", stdout: "ignore", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed.`);
}

/** The first migration again, from the tables as they are; what was written by hand after it stays. */
async function regenerateInit(engine: Engine) {
  const folder = folderOf(engine);
  const byHand = readdirSync(folder)
    .filter((name) => /^\d{4}_.*\.sql$/.test(name) && name !== "0000_init.sql")
    .toSorted();
  rmSync(join(folder, "meta"), { recursive: true, force: true });
  rmSync(join(folder, "0000_init.sql"), { force: true });
  await drizzleKit(engine, "--name", "init");
  for (const file of byHand) {
    const path = join(folder, file);
    renameSync(path, `${path}.kept`);
    await drizzleKit(engine, "--custom", "--name", file.slice(5, -4));
    renameSync(`${path}.kept`, path);
  }
  await Bun.write(join(folder, "down/0000_init.sql"), dropAll(engine));
}

/** Referring tables first: they are described after the tables they refer to. */
function dropAll(engine: Engine) {
  const quote = engine === "sqlite" ? "`" : '"';
  const names = Object.values(describeTables(postgresColumns)).map((table) => getTableName(table));
  const statements = names.toReversed().map((name) => `DROP TABLE ${quote}${name}${quote};`);
  return `${statements.join("\n--> statement-breakpoint\n")}\n`;
}

if (import.meta.main) {
  const [command, name] = process.argv.slice(2);
  if (command === "--init") for (const engine of engines) await regenerateInit(engine);
  else if (command === "--add" && name)
    for (const engine of engines) await drizzleKit(engine, "--name", name);
  else if (command) throw new Error("Usage: bun scripts/embed-migrations.ts [--init | --add <name>]");
  await run("fmt", "drizzle");
  await Bun.write(generatedFile, await renderMigrations());
}
