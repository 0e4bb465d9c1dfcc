import { open, readdir, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Has a file, or the names in a folder, on disk when it resolves. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The same for everything in a folder, and for the folder itself; of a file, for that. */
export async function syncAll(path: string): Promise<void> {
  if ((await stat(path)).isDirectory())
    for (const name of await readdir(path)) await syncAll(join(path, name));
  await sync(path);
}

/** Writes a text whole or not at all, readable by its owner only, and synced under its name. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.draft`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await sync(dirname(path));
}
