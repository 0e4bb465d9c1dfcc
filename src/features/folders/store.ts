import { and, eq, isNull } from "drizzle-orm";
import { hot, type Params } from "../../db/hot";
import { rebuildIn } from "../../db/rebuild";
import {
  insertInto,
  recordById,
  recordColumns,
  recordsAmong,
  updateChangedIn,
  withDerived,
  type RecordOf,
  type RowOf,
} from "../../db/rows";

/** A folder without the columns that follow from the others. */
export type FolderRow = RecordOf<"folders">;

/** The columns of a `FolderRow`. */
export const folderColumns = recordColumns("folders");

/** One folder by id, deleted or not. */
export const folderById = recordById("folders");

/** The folders with these ids, deleted or not. */
export const foldersById = recordsAmong("folders");

/** The id of the live folder that has this name beside others. */
export const folderNamed = hot(
  ({ t: { folders }, q }, p: Params<{ parent_id_key: string; name_normal: string }>) =>
    q
      .select({ id: folders.id })
      .from(folders)
      .where(
        and(
          eq(folders.parent_id_key, p.parent_id_key),
          eq(folders.name_normal, p.name_normal),
          isNull(folders.deleted_at),
        ),
      )
      .limit(1),
);

/** Some of the folders in a folder, deleted or not. */
export const foldersIn = hot((shape, p: Params<{ parent_id: string; most: number }>) => {
  const { folders } = shape.t;
  return shape.q
    .select(folderColumns(shape.t))
    .from(folders)
    .where(eq(folders.parent_id, p.parent_id))
    .limit(p.most);
});

/** Adds a folder. Fails as `unique` when its name is taken beside others. */
export const insertFolder = insertInto("folders");

/** Writes what changed about a folder. Fails as `unique` like an insert. */
export const updateFolder = updateChangedIn("folders");

/** Makes the row of a folder what it has to be; gives the columns in which it was not. */
export const rebuildFolder = rebuildIn("folders", ["name_normal"]);

/** In what form a name is unique: without case. */
export const normalName = (name: string) => name.normalize("NFC").toLowerCase();

/** The row with the columns that follow from the others. */
export const wholeFolder = (row: FolderRow): RowOf<"folders"> =>
  withDerived("folders", row, {
    name_normal: normalName(row.name),
    parent_id_key: row.parent_id ?? "",
  });
