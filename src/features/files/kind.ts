import { revived } from "../../db/rebuild";
import type { RecordKind } from "../../record-kind";
import { fileFields } from "./fields";
import { presentFile, type FileView } from "./schema";
import { fileSearch, searchedIn, searchedOfFile } from "./search";
import {
  fileById,
  fileColumns,
  filesById,
  insertFile,
  rebuildFile,
  updateFile,
  wholeFile,
  type FileRow,
} from "./store";

/** Files as records: how they are found, written, searched and made anew. */
export const fileKind: RecordKind<FileRow, FileView> = {
  name: "file",
  // Whose the records are that files are attached to is asked of one file; nothing of it is shown.
  resource: { fields: fileFields, columns: fileColumns as never },
  unique: [],
  find: (session, id) => fileById.first(session, { id }),
  findMany: (session, ids) => filesById.all(session, { ids }),
  async insert(session, row) {
    await insertFile.all(session, wholeFile(row));
    await fileSearch.put(session, row.id, await searchedIn(session, row));
  },
  async update(session, before, after) {
    await updateFile(session, before, wholeFile(after));
    if (Bun.deepEquals(searchedOfFile(before, null), searchedOfFile(after, null))) return;
    await fileSearch.put(session, after.id, await searchedIn(session, after));
  },
  present: presentFile,
  async rebuild(session, told, pass) {
    const row = wholeFile(revived("files", told));
    const difference = await rebuildFile(session, row, pass);
    if (pass === "write") await fileSearch.assure(session, row.id, await searchedIn(session, row));
    return difference;
  },
};
