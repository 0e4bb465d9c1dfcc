import { databaseFile } from "../../backup/database-files";
import type { KeepRules } from "../../backup/keep";
import { makeBackup, type DatabaseSource, type Made } from "../../backup/make";
import { names } from "../../backup/manifest";
import { blobsIn, copySqlite } from "../../backup/sqlite";
import type { ConfigWithSecrets } from "../../config";
import { join } from "node:path";
import type { BlobKeeper } from "../files/blob-keeper";

/** What it works with. */
export interface BackupOptions {
  config: ConfigWithSecrets;
  dataDir: string;
  keeper: BlobKeeper;
}

/** Backs up everything, and knows what was backed up. */
export class BackupService {
  constructor(private readonly options: BackupOptions) {}

  /** Makes a backup in a folder. @throws BackupFailed */
  async make(to: string, keep: KeepRules): Promise<Made> {
    const { config, dataDir, keeper } = this.options;
    const url = config["database.url"];
    const database = url === null ? sqliteSource(databaseFile(dataDir)) : await serverSource(url);
    return makeBackup(
      {
        ...{ database, dataDir },
        readBlob: (ref) => keeper.bytesOf(ref),
        holdBlobs: (work) => keeper.hold(work),
      },
      to,
      keep,
    );
  }
}

const serverSource = async (url: string) => (await import("../../backup/postgres")).postgresSource(url);

const sqliteSource = (file: string): DatabaseSource => ({
  engine: "sqlite",
  async copyInto(folder) {
    const copy = join(folder, names.sqlite);
    const inspected = await copySqlite(file, copy);
    return { file: names.sqlite, ...inspected, blobs: blobsIn(copy) };
  },
});
