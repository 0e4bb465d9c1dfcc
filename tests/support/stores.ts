/** Stores as several processes would have them: one each on PostgreSQL, one for all on SQLite. */
import { openPostgresStore } from "../../src/db/postgres";
import type { Store } from "../../src/db/store";
import { engines as onFile } from "../unit/db/fixtures";
import { newDatabase } from "./postgres";

/** Opens `count` stores on one new, migrated database. */
export async function storesOnOne(engine: Store["engine"], folder: string, count: number): Promise<Store[]> {
  if (engine === "sqlite") {
    const store = await onFile.sqlite(folder);
    return Array.from({ length: count }, () => store);
  }
  const url = await newDatabase();
  return Array.from({ length: count }, () => openPostgresStore(url));
}

/** Closes each once. */
export const closeAll = (stores: Store[]) => Promise.all([...new Set(stores)].map((store) => store.close()));

/** Waits until `isSo`. @throws Error when that takes far longer than it may on a busy machine */
export async function until(isSo: () => unknown): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`It did not come true: ${isSo.toString()}`);
    await Bun.sleep(5);
  }
}
