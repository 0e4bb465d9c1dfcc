import { databaseFile, snapshotsOf } from "./backup/database-files";
import { pruningSnapshots } from "./backup/snapshots";
import type { Config } from "./config";
import type { Migrator, UpgradeWork } from "./db/migrate";
import { sqliteMigrator } from "./db/migrate.sqlite";
import { postgresMigrations, sqliteMigrations } from "./db/migrations.generated";
import { selfCheck } from "./db/self-check";
import { fillFileSearch, fillSearch } from "./search/fill";

/** The migrator of the database that the configuration names. */
export async function openMigrator(config: Config, dataDir: string): Promise<Migrator> {
  const url = config["database.url"];
  if (url === null) {
    const migrator = sqliteMigrator(databaseFile(dataDir), snapshotsOf(dataDir), sqliteMigrations, work);
    return pruningSnapshots(migrator, dataDir, "db");
  }
  // Loaded only where it is used: Bun's client for PostgreSQL takes 20 ms of a start.
  const { postgresMigrator } = await import("./db/migrate.postgres");
  const snapshot = async (name: string) => {
    const { snapshotPostgres } = await import("./backup/snapshot-postgres");
    return snapshotPostgres(url, dataDir, name);
  };
  const migrator = postgresMigrator(url, postgresMigrations, { ...work, snapshot });
  return pruningSnapshots(migrator, dataDir, "dump");
}

/** What migrations need besides SQL, and what has to be so after them. */
const work: UpgradeWork = {
  fills: { "0007_search": fillSearch, "0011_contents": fillFileSearch },
  check: selfCheck,
};
