import { fold } from "../text";
import type { Exported } from "./exported-tables";

/** A name as every file system takes it. */
const safe = (name: unknown): string => {
  const text = String(name)
    .replaceAll(/[<>:"/\\|?*\p{Cc}]/gu, "_")
    .replace(/[. ]+$/, "");
  return cut(text === "" ? "_" : text);
};

/** Most file systems take 255 bytes; a number may come behind. */
const longest = 240;

/** Its ending is kept. */
function cut(name: string): string {
  if (Buffer.byteLength(name) <= longest) return name;
  const [ending = ""] = /\.\w{1,10}$/.exec(name) ?? [];
  let stem = name.slice(0, name.length - ending.length);
  while (Buffer.byteLength(stem + ending) > longest) stem = stem.slice(0, -1);
  return stem.toWellFormed() + ending;
}

/** Where files go that are exported: in folders like theirs, under their names, no two in one place. */
export class FilePlaces {
  readonly #folders = new Map<string, Exported>();
  readonly #paths = new Map<string, string>();
  readonly #places = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** From here on these folders are known. */
  know(folders: readonly Exported[]): void {
    for (const folder of folders) this.#folders.set(String(folder["id"]), folder);
  }

  /** The path of a file, from the folder of the export; deleted ones are apart. The same whenever it is asked for. */
  placeOf({ id, name, folder_id, deleted_at }: Exported): string {
    const known = this.#places.get(String(id));
    if (known !== undefined) return known;
    const top = deleted_at === null ? "files" : "deleted files";
    const place = this.#free(
      [top, this.#pathOf(folder_id), safe(name)].filter((part) => part !== "").join("/"),
    );
    this.#places.set(String(id), place);
    return place;
  }

  #pathOf(id: unknown): string {
    const folder = this.#folders.get(String(id));
    if (!folder) return "";
    const known = this.#paths.get(String(id));
    if (known !== undefined) return known;
    const path = this.#free(
      [this.#pathOf(folder["parent_id"]), safe(folder["name"])].filter(Boolean).join("/"),
    );
    this.#paths.set(String(id), path);
    return path;
  }

  /** With a number before its ending when another one has it: some file systems do not tell Ä from ä. */
  #free(path: string): string {
    const [, stem = path, ending = ""] = /^(.*?)((?:\.[^./]{1,10})?)$/s.exec(path) ?? [];
    for (let number = 1; ; number++) {
      const place = number === 1 ? path : `${stem} (${number})${ending}`;
      const name = fold(place);
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      return place;
    }
  }
}
