import { join } from "node:path";

/** SQLite's files in a data directory: the database, and what belongs to it while it is used. */
export const databaseFiles = ["neocrm.db", "neocrm.db-wal", "neocrm.db-shm"] as const;

/** Where SQLite keeps everything. */
export const databaseFile = (dataDir: string): string => join(dataDir, databaseFiles[0]);

/** Where snapshots go that are taken before an upgrade. */
export const snapshotsOf = (dataDir: string): string => join(dataDir, "backups");
