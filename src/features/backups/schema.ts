import { Type, type Static } from "@sinclair/typebox";
import type { Found } from "../../backup/manifest";
import { Instant } from "../../http/schema";

/** A backup as the API shows it. */
export const BackupView = Type.Object(
  {
    id: Type.String({ description: "The name of its folder." }),
    created_at: Instant,
    version: Type.String({ description: "Of the neocrm that made it." }),
    engine: Type.Union([Type.Literal("sqlite"), Type.Literal("postgres")]),
    database_bytes: Type.Integer(),
    rows: Type.Integer({ description: "Of all tables." }),
    blobs: Type.Integer({ description: "Different bytes that files have." }),
    blob_bytes: Type.Integer(),
    missing_blobs: Type.Integer({ description: "Those that the server did not have any more." }),
  },
  { title: "Backup" },
);
export type BackupView = Static<typeof BackupView>;

/** What was found, as the API shows it. */
export const presentBackup = ({ name, manifest }: Found): BackupView => ({
  ...{ id: name, created_at: manifest.created_at, version: manifest.neocrm, engine: manifest.engine },
  database_bytes: manifest.database.size,
  rows: Object.values(manifest.rows).reduce((sum, count) => sum + count, 0),
  ...{ blobs: manifest.blobs.count, blob_bytes: manifest.blobs.bytes },
  missing_blobs: manifest.blobs.missing.length,
});
