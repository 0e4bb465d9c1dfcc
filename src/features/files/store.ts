import { and, eq, isNull, sql } from "drizzle-orm";
import { count } from "../../db/count";
import { hot, type Params, type Query, type Shape } from "../../db/hot";
import { rebuildIn } from "../../db/rebuild";
import {
  insertInto,
  recordColumns,
  updateChangedIn,
  withDerived,
  type RecordOf,
  type RowOf,
} from "../../db/rows";

/** A file without the columns that follow from the others, and whose the records are that it is attached to. */
export type FileRow = RecordOf<"files"> & FileOwners;

/** Who made the records that a file is attached to, and who works on them; null where there is none. */
export interface FileOwners {
  client_created_by: string | null;
  client_assigned_to: string | null;
  task_created_by: string | null;
  task_assigned_to: string | null;
}

/** The columns of a file's own record. */
export const fileColumns = recordColumns("files");

const files = ({ t, q }: Shape) => {
  const { files, clients, tasks } = t;
  return q
    .select({
      ...fileColumns(t),
      ...{ client_created_by: clients.created_by, client_assigned_to: clients.assigned_to },
      ...{ task_created_by: tasks.created_by, task_assigned_to: tasks.assigned_to },
    })
    .from(files)
    .leftJoin(clients, eq(clients.id, files.client_id))
    .leftJoin(tasks, eq(tasks.id, files.task_id));
};

/** One file by id, deleted or not. */
export const fileById = hot((shape, p: Params<{ id: string }>) => {
  const found = files(shape).where(eq(shape.t.files.id, p.id)).limit(1);
  return found as PromiseLike<unknown> as Query<FileRow>;
});

/** The files with these ids (a JSON array), deleted or not. */
export const filesById = hot((shape, p: Params<{ ids: string }>) => {
  const found = files(shape).where(shape.dialect.isAmong(shape.t.files.id, p.ids));
  return found as PromiseLike<unknown> as Query<FileRow>;
});

/** Folders by a JSON array of their ids, and how many files of theirs are read at most. */
interface InFolders {
  folders: string;
  most: number;
}

/** Live files in some folders. */
export const liveInFolders = hot((shape, p: Params<InFolders>) => {
  const { folder_id, deleted_at } = shape.t.files;
  const isInside = and(shape.dialect.isAmong(folder_id, p.folders), isNull(deleted_at));
  return files(shape).where(isInside).limit(p.most) as PromiseLike<unknown> as Query<FileRow>;
});

/** How many live files are in some folders: at most `most`. */
export const countInFolders = hot((shape, p: Params<InFolders>) => {
  const { files } = shape.t;
  const isInside = and(shape.dialect.isAmong(files.folder_id, p.folders), isNull(files.deleted_at));
  const found = shape.q
    .select({ one: sql`1` })
    .from(files)
    .where(isInside)
    .limit(p.most);
  return shape.q.select({ total: count() }).from(found.as("found"));
});

/** Files in some folders that were deleted at one instant: with the folders. */
export const deletedInFolders = hot((shape, p: Params<InFolders & { deleted_at: number }>) => {
  const { folder_id, deleted_at } = shape.t.files;
  const isInside = and(shape.dialect.isAmong(folder_id, p.folders), eq(deleted_at, p.deleted_at));
  return files(shape).where(isInside).limit(p.most) as PromiseLike<unknown> as Query<FileRow>;
});

/** The ids of some files, deleted or not, that a record, or a folder, has. */
const idsWhere = (column: "client_id" | "task_id" | "folder_id") =>
  hot(({ t: { files }, q }, p: Params<{ value: string; most: number }>) =>
    q.select({ id: files.id }).from(files).where(eq(files[column], p.value)).limit(p.most),
  );

/** The same by what they belong to. */
export const filesOf = {
  client_id: idsWhere("client_id"),
  task_id: idsWhere("task_id"),
  folder_id: idsWhere("folder_id"),
} as const;

const ownersIn = (column: "client_id" | "task_id") =>
  hot(({ t: { files }, q, dialect }, p: Params<{ ids: string }>) =>
    q
      .select({ id: files[column] })
      .from(files)
      .where(dialect.isAmong(files[column], p.ids))
      .groupBy(files[column]),
  );

/** Those of some records (a JSON array of ids) that have files, deleted or not. */
export const ownersOfFiles = { client_id: ownersIn("client_id"), task_id: ownersIn("task_id") } as const;

/** Adds a file. */
export const insertFile = insertInto("files");

/** Writes what changed about a file. */
export const updateFile = updateChangedIn("files");

/** Makes the row of a file what it has to be; gives the columns in which it was not. */
export const rebuildFile = rebuildIn("files", []);

/** The row with the columns that follow from the others. */
export const wholeFile = (row: RecordOf<"files">): RowOf<"files"> => withDerived("files", row, {});

/** Removes a file's row; gives what its bytes are. */
export const removeFile = hot(({ t: { files }, q }, p: Params<{ id: string }>) =>
  q.delete(files).where(eq(files.id, p.id)).returning({ checksum: files.checksum }),
);
