/** Commits until nothing fits any more, then counts: who was answered is there, who was rejected is not. */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { DbError } from "../../../src/db/errors";
import { sqliteMigrations } from "../../../src/db/migrations.generated";
import { sqliteMigrator } from "../../../src/db/migrate.sqlite";
import { openSqliteStore } from "../../../src/db/sqlite";
import { newId } from "../../../src/ids";
import { insertClient, insertUser } from "./fixtures";

const folder = process.argv[2]!;
const file = join(folder, "full.db");
await sqliteMigrator(file, folder, sqliteMigrations).up();
const store = openSqliteStore(file);
const ann = newId();
await store.tx((session) => insertUser(session, "ann", ann));

const accepted: string[] = [];
const rejected: string[] = [];
const kinds = new Set<string>();
await Promise.all(
  Array.from({ length: 100 }, async (_, lane) => {
    for (let i = 0; i < 60; i++) {
      const name = `${lane} ${i}`;
      const company = "x".repeat(500);
      try {
        await store.tx((session) => insertClient(session, ann, { name, company }));
        accepted.push(name);
      } catch (error) {
        rejected.push(name);
        kinds.add(error instanceof DbError ? error.kind : String(error));
      }
    }
  }),
);

const db = new Database(file, { readonly: true });
const find = db.prepare("SELECT 1 FROM clients WHERE name = ?");
const count = (names: string[], isThere: boolean) =>
  names.filter((name) => !!find.get(name) === isThere).length;
console.log(
  JSON.stringify({
    accepted: accepted.length,
    rejected: rejected.length,
    lost: count(accepted, false),
    ghosts: count(rejected, true),
    kinds: [...kinds],
  }),
);
process.exit(0);
