import { existsSync } from "node:fs";
import type { Watch } from "../backup/progress";
import type { LoadedConfig } from "../config";
import { ensureSecrets } from "../config/secrets";
import type { Migrator } from "../db/migrate";
import { lockDataDirectory } from "../ops/data-lock";
import { openMigrator } from "../migrator";
import { openParts, type Parts } from "../parts";
import { runOperation, type InputOf, type OperationName, type ResultOf } from "./operations";
import { askServer, isServerThere } from "./socket";

/** There is nothing to work on: most likely the directory's name is misspelt. */
export class NoDataDirectory extends Error {
  override name = "NoDataDirectory";

  constructor(dataDir: string) {
    super(
      `There is no data directory ${dataDir}. Name the right one with --data-dir, or start the server once.`,
    );
  }
}

/** The database lacks migrations. */
export class OlderDatabase extends Error {
  override name = "OlderDatabase";

  constructor(tags: string[]) {
    const missing = tags.join(", ");
    super(
      `The database is older than this program: it lacks ${missing}. Start the server, or run neocrm migrate up.`,
    );
  }
}

/**
 * Runs an operation: in the server that holds the data directory, or here, holding it meanwhile.
 * @param watch told how far it is, and breaks it off, where it is a long one
 * @throws OperationRefused or a Refusal when it is refused, DataDirectoryInUse when the holder does not answer,
 * OlderDatabase when the server has to upgrade it first
 */
export async function operate<Name extends OperationName>(
  loaded: LoadedConfig,
  name: Name,
  input: InputOf<Name>,
  watch?: Watch,
): Promise<ResultOf<Name>> {
  const reply = await askServer(loaded.dataDir, name, input, { watch });
  if (reply) return reply.result as ResultOf<Name>;
  if (needsData(loaded, name) && !existsSync(loaded.dataDir)) throw new NoDataDirectory(loaded.dataDir);
  return withData(
    loaded,
    (parts) => runOperation(parts, name, input, watch && { watch }) as Promise<ResultOf<Name>>,
  );
}

/** Asks for one operation of several that belong together. @param bytes what goes with the input */
export type Ask = <Name extends OperationName>(
  name: Name,
  input: InputOf<Name>,
  bytes?: Blob,
) => Promise<ResultOf<Name>>;

/**
 * Runs several operations that belong together, be it that one has a job done which the next asks about: in the server that
 * holds the data directory, or here, holding it meanwhile and doing what is to be done.
 * @throws as `operate` does
 */
export async function operateOften<T>(loaded: LoadedConfig, work: (ask: Ask) => Promise<T>): Promise<T> {
  if (await isServerThere(loaded.dataDir)) {
    return work(async (name, input, bytes) => {
      const reply = await askServer(loaded.dataDir, name, input, { bytes });
      if (!reply) throw new Error("The server has ended meanwhile.");
      return reply.result as never;
    });
  }
  if (loaded.config["database.url"] === null && !existsSync(loaded.dataDir))
    throw new NoDataDirectory(loaded.dataDir);
  return withData(loaded, (parts) => {
    parts.start();
    return work(
      (name, input, bytes) =>
        runOperation(parts, name, input, bytes && { bytes: bytes.stream() }) as Promise<never>,
    );
  });
}

async function withData<T>(loaded: LoadedConfig, work: (parts: Parts) => Promise<T>): Promise<T> {
  const { config: given, dataDir } = loaded;
  return holdingData(dataDir, async () => {
    const config = ensureSecrets(given, dataDir);
    await prepare(await openMigrator(config, dataDir));
    const parts = await openParts(config, loaded);
    try {
      return await work(parts);
    } finally {
      await parts.close();
    }
  });
}

/** Makes the tables where there are none. Changing those that hold data is nothing that happens by the way. */
async function prepare(migrator: Migrator): Promise<void> {
  const { applied, pending } = await migrator.status();
  if (applied.length > 0 && pending.length > 0) throw new OlderDatabase(pending);
  await migrator.up();
}

/** Does something that nobody else may do at the same time with this data directory. @throws DataDirectoryInUse */
export async function holdingData<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  const lock = lockDataDirectory(dataDir);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** Making the first accounts may come before everything else; PostgreSQL has its data elsewhere. */
const needsData = ({ config }: LoadedConfig, name: OperationName) =>
  config["database.url"] === null && name !== "user.create" && name !== "demo.seed";
