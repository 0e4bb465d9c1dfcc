import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A text under an id, found again by its keys. */
export interface Noted {
  id: string;
  text: string;
  keys: readonly string[];
}

/** Texts that are too many for memory, in a file without a name: nothing of it is left when the process is gone. */
export class Scratch {
  readonly #db: Database;
  readonly #statements;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), "neocrm-scratch-"));
    this.#db = new Database(join(folder, "scratch.db"), { create: true, readwrite: true });
    this.#db.run("PRAGMA journal_mode = OFF");
    this.#db.run("PRAGMA synchronous = OFF");
    this.#db.run("PRAGMA locking_mode = EXCLUSIVE");
    this.#db.run("CREATE TABLE texts (id TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID");
    this.#db.run("CREATE TABLE keys (key TEXT, id TEXT, PRIMARY KEY (key, id)) WITHOUT ROWID");
    rmSync(folder, { recursive: true });
    this.#statements = {
      put: this.#db.prepare("INSERT INTO texts VALUES (?, ?) ON CONFLICT DO UPDATE SET text = excluded.text"),
      key: this.#db.prepare("INSERT INTO keys VALUES (?, ?) ON CONFLICT DO NOTHING"),
      ids: this.#db.prepare("SELECT id FROM keys WHERE key = ?"),
      text: this.#db.prepare("SELECT text FROM texts WHERE id = ?"),
    };
  }

  /** Notes texts, each in the place of what was noted under its id; by its keys of before it is found still. */
  put(noted: readonly Noted[]): void {
    const { put, key } = this.#statements;
    this.#db.transaction(() => {
      for (const each of noted) {
        put.run(each.id, each.text);
        for (const name of each.keys) key.run(name, each.id);
      }
    })();
  }

  /** The ids of what was noted under a key. */
  idsOf(key: string): string[] {
    return (this.#statements.ids.all(key) as { id: string }[]).map(({ id }) => id);
  }

  /** What was noted under an id. */
  textOf(id: string): string | undefined {
    return (this.#statements.text.get(id) as { text: string } | null)?.text;
  }

  close(): void {
    this.#db.close();
  }
}
