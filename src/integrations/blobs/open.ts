import { join } from "node:path";
import type { Config } from "../../config";
import { ConfigError } from "../../config/error";
import type { Blobs } from "./blobs";
import { diskBlobs } from "./disk";
import { s3Blobs } from "./s3";

/** The store that the configuration names. @throws ConfigError when it names half of one */
export function openBlobs(config: Config, dataDir: string): Blobs {
  const endpoint = config["s3.endpoint"];
  if (endpoint === null) return diskBlobs(join(dataDir, "blobs"));
  const needed = ["s3.bucket", "s3.access_key_id", "s3.secret_access_key"] as const;
  const missing = needed.filter((key) => config[key] === null);
  if (missing.length > 0) throw new ConfigError(missing.map((key) => `s3.endpoint needs ${key} beside it`));
  return s3Blobs({
    ...{ endpoint, bucket: config["s3.bucket"]!, region: config["s3.region"] },
    accessKeyId: config["s3.access_key_id"]!,
    secretAccessKey: config["s3.secret_access_key"]!,
  });
}
