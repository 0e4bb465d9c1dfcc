/** Migrations on both engines: in full or not at all, back again, and never over a newer database. */
import { Database } from "bun:sqlite";
import { SQL } from "bun";
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { NewerDatabase, type Migration, type Migrator } from "../../../src/db/migrate";
import { postgresMigrator } from "../../../src/db/migrate.postgres";
import { sqliteMigrator } from "../../../src/db/migrate.sqlite";
import { postgresMigrations, sqliteMigrations } from "../../../src/db/migrations.generated";
import { newId } from "../../../src/ids";
import { newDatabase } from "../../support/postgres";
import { failure, temporaryFolder } from "./fixtures";

const folder = temporaryFolder();
afterAll(folder.remove);

/** One empty database, and the two things that the tests do with it. */
interface Target {
  migrator(migrations: Migration[]): Migrator;
  query(sql: string): Promise<unknown[][]>;
}

function sqliteTarget(): Target & { file: string; backups: string } {
  const file = join(folder.path, `${newId()}.db`);
  const backups = `${file}.backups`;
  return {
    file,
    backups,
    migrator: (migrations) => sqliteMigrator(file, backups, migrations),
    query: async (sql) => {
      const db = new Database(file);
      try {
        return db.query(sql).values();
      } finally {
        db.close();
      }
    },
  };
}

async function postgresTarget(): Promise<Target> {
  const url = await newDatabase({ empty: true });
  return {
    migrator: (migrations) => postgresMigrator(url, migrations),
    query: async (sql) => {
      const client = new SQL({ url, max: 1 });
      try {
        return [...(await client.unsafe(sql).values())];
      } finally {
        await client.close();
      }
    },
  };
}

const first: Migration = {
  tag: "0000_first",
  up: `CREATE TABLE parents (id integer PRIMARY KEY, name text);
--> statement-breakpoint
CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES parents (id) ON DELETE CASCADE);
--> statement-breakpoint
INSERT INTO parents VALUES (1, 'a');
--> statement-breakpoint
INSERT INTO children VALUES (1, 1);`,
  down: "DROP TABLE children;\n--> statement-breakpoint\nDROP TABLE parents;",
};
const second: Migration = {
  tag: "0001_second",
  up: "ALTER TABLE parents ADD COLUMN note text",
  down: "ALTER TABLE parents DROP COLUMN note",
};
const fails: Migration = {
  tag: "0002_fails",
  up: "DELETE FROM children;\n--> statement-breakpoint\nNONSENSE",
  down: "DELETE FROM children;\n--> statement-breakpoint\nNONSENSE",
};

const kinds = {
  sqlite: {
    open: async () => sqliteTarget() as Target,
    migrations: sqliteMigrations,
    tables: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> '_migrations'",
  },
  postgres: {
    open: postgresTarget,
    migrations: postgresMigrations,
    tables: "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_migrations'",
  },
};

for (const [engine, { open, migrations, tables }] of Object.entries(kinds)) {
  describe(engine, () => {
    test("our migrations go up, down to nothing, and up again", async () => {
      const target = await open();
      const migrator = target.migrator(migrations);
      const tags = migrations.map(({ tag }) => tag);
      expect((await migrator.status()).pending).toEqual(tags);
      expect((await migrator.up()).tags).toEqual(tags);
      expect((await migrator.up()).tags).toEqual([]);
      expect(await target.query("SELECT count(*) FROM grants")).toEqual([[expect.anything()]]);
      for (const tag of tags.toReversed()) expect((await migrator.down()).tag).toBe(tag);
      expect(await migrator.down()).toEqual({ tag: null, snapshot: null });
      expect(await target.query(tables)).toEqual([]);
      expect((await migrator.up()).tags).toEqual(tags);
    });

    test("the status tells what is applied, pending and unknown, and changes nothing", async () => {
      const target = await open();
      const migrator = target.migrator([first, second]);
      expect(await migrator.status()).toEqual({
        applied: [],
        pending: ["0000_first", "0001_second"],
        unknown: [],
      });
      expect(await target.query(tables)).toEqual([]);
      await target.migrator([first]).up();
      expect(await migrator.status()).toEqual({
        applied: [{ tag: "0000_first", applied_at: expect.any(Number) }],
        pending: ["0001_second"],
        unknown: [],
      });
      await migrator.up();
      expect((await target.migrator([first]).status()).unknown).toEqual(["0001_second"]);
    });

    test("a newer database is refused, up and down, with what to do", async () => {
      const target = await open();
      await target.migrator([first, second]).up();
      for (const direction of ["up", "down"] as const) {
        const refused = target.migrator([first])[direction]();
        await expect(refused).rejects.toBeInstanceOf(NewerDatabase);
        const message = await failure(refused);
        expect(message).toContain("it has 0001_second");
        expect(message).toContain("Start the newer neocrm, or restore a snapshot from before the upgrade");
      }
    });

    test("a migration that fails leaves everything as it was, in both directions", async () => {
      const target = await open();
      await target.migrator([first]).up();
      expect(await failure(target.migrator([first, second, fails]).up())).toStartWith(
        "Migration 0002_fails failed and nothing was changed: ",
      );
      const broken = { ...first, down: fails.down };
      expect(await failure(target.migrator([broken]).down())).toStartWith(
        "Reverting migration 0000_first failed",
      );
      expect(await target.query("SELECT id FROM children")).toEqual([[1]]);
      expect(await target.query("SELECT * FROM parents")).toEqual([[1, "a"]]);
      expect((await target.migrator([first, second]).status()).pending).toEqual(["0001_second"]);
    });

    test("instances that start together migrate once", async () => {
      const target = await open();
      const migrator = target.migrator([first, second]);
      const results = await Promise.all([migrator.up(), migrator.up(), migrator.up()]);
      expect(results.flatMap(({ tags }) => tags)).toEqual(["0000_first", "0001_second"]);
    });
  });
}

describe("SQLite's snapshots", () => {
  test("what holds data is copied before it changes, for its owner only", async () => {
    const target = sqliteTarget();
    expect((await target.migrator([first]).up()).snapshot).toBeNull();
    expect(existsSync(target.backups)).toBe(false);

    const { snapshot } = await target.migrator([first, second]).up();
    expect(snapshot).toStartWith(join(target.backups, "before-0001_second-"));
    expect(statSync(snapshot!).mode & 0o777).toBe(0o600);
    expect(statSync(target.backups).mode & 0o777).toBe(0o700);
    const copy = new Database(snapshot!, { readonly: true });
    expect(copy.query("PRAGMA integrity_check").values()).toEqual([["ok"]]);
    expect(copy.query("SELECT * FROM parents").values()).toEqual([[1, "a"]]);
    expect(copy.query("SELECT tag FROM _migrations").values()).toEqual([["0000_first"]]);
    copy.close();

    await Bun.sleep(2); // Another millisecond, another name.
    const reverted = await target.migrator([first, second]).down();
    expect(reverted.tag).toBe("0001_second");
    expect(reverted.snapshot).not.toBe(snapshot);
    expect(readdirSync(target.backups)).toHaveLength(2);
  });

  test("none is taken when nothing is pending, and none is left when the migration fails", async () => {
    const target = sqliteTarget();
    await target.migrator([first]).up();
    expect((await target.migrator([first]).up()).snapshot).toBeNull();
    expect(await failure(target.migrator([first, fails]).up())).toContain("0002_fails");
    expect(readdirSync(target.backups)).toEqual([]);
  });

  test("without a place for the copy nothing is migrated", async () => {
    const target = sqliteTarget();
    await target.migrator([first]).up();
    await Bun.write(target.backups, "a file, not a folder");
    expect(await failure(target.migrator([first, second]).up())).toContain("EEXIST");
    expect((await target.migrator([first, second]).status()).pending).toEqual(["0001_second"]);
  });

  test("asking for the status does not make a database", async () => {
    const target = sqliteTarget();
    await target.migrator([first]).status();
    expect(existsSync(target.file)).toBe(false);
  });
});

describe("SQLite's rebuilt tables", () => {
  const triggers: Migration = {
    tag: "0001_triggers",
    up: `CREATE TABLE log (name text);
--> statement-breakpoint
CREATE TRIGGER keep AFTER INSERT ON parents BEGIN INSERT INTO log VALUES (new.name); END;
--> statement-breakpoint
CREATE TRIGGER forget AFTER INSERT ON parents BEGIN INSERT INTO log VALUES ('forget'); END;`,
    down: "DROP TRIGGER keep;\n--> statement-breakpoint\nDROP TRIGGER forget;\n--> statement-breakpoint\nDROP TABLE log;",
  };
  /** What drizzle-kit writes when a column becomes NOT NULL, and a trigger dropped by hand. */
  const rebuild: Migration = {
    tag: "0002_rebuild",
    up: `PRAGMA foreign_keys=OFF;
--> statement-breakpoint
DROP TRIGGER forget;
--> statement-breakpoint
CREATE TABLE __new_parents (id integer PRIMARY KEY, name text NOT NULL);
--> statement-breakpoint
INSERT INTO __new_parents SELECT id, name FROM parents;
--> statement-breakpoint
DROP TABLE parents;
--> statement-breakpoint
ALTER TABLE __new_parents RENAME TO parents;
--> statement-breakpoint
PRAGMA foreign_keys=ON;`,
    down: "SELECT 1",
  };

  test("keep their children and their triggers", async () => {
    const target = sqliteTarget();
    await target.migrator([first, triggers]).up();
    expect((await target.migrator([first, triggers, rebuild]).up()).tags).toEqual(["0002_rebuild"]);
    expect(await target.query("SELECT id, parent FROM children")).toEqual([[1, 1]]);
    await target.query("INSERT INTO parents VALUES (2, 'b')");
    expect(await target.query("SELECT name FROM log")).toEqual([["b"]]);
  });

  test("are refused when they leave children without a parent", async () => {
    const target = sqliteTarget();
    await target.migrator([first]).up();
    const orphans = { tag: "0001_orphans", up: "DELETE FROM parents", down: "SELECT 1" };
    expect(await failure(target.migrator([first, orphans]).up())).toContain("broken references");
    expect(await target.query("SELECT id FROM parents")).toEqual([[1]]);
  });
});
