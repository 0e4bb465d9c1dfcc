import { Type, type Static } from "@sinclair/typebox";
import { isoTime, isoTimeOrNull } from "../../clock";
import type { RecordOf } from "../../db/rows";
import { Body, Id, Instant, Nullable } from "../../http/schema";
import { FileName } from "../files/schema";

const fields = {
  id: Type.String(),
  name: Type.String(),
  parent_id: Nullable(Type.String()),
  created_by: Type.String(),
  created_at: Instant,
  updated_at: Instant,
  deleted_at: Nullable(Instant),
  version: Type.Integer(),
};

/** A folder as the API shows it. */
export const FolderView = Type.Object(fields, { title: "Folder" });
export type FolderView = Static<typeof FolderView>;

/** What a new folder is made from; without a parent, it is at the top. */
export const FolderInput = Type.Composite(
  [
    Body({ name: FileName }),
    Type.Partial(Body({ parent_id: Nullable(Id) }), { additionalProperties: false }),
  ],
  { title: "FolderInput", additionalProperties: false },
);
export type FolderInput = Static<typeof FolderInput>;

/** The fields to change; a `parent_id` moves the folder, `null` to the top. */
export const FolderPatch = Type.Partial(Body({ name: FileName, parent_id: Nullable(Id) }), {
  title: "FolderPatch",
  additionalProperties: false,
});
export type FolderPatch = Static<typeof FolderPatch>;

/** A folder with where it is and what folders are in it. */
export const FolderTree = Type.Object(
  {
    folder: FolderView,
    path: Type.Array(Type.Object({ id: Type.String(), name: Type.String() }), {
      description: "The folders that it lies in, from the top.",
    }),
    folders: Type.Array(Type.Object({ ...fields, depth: Type.Integer({ description: "1 for its own." }) }), {
      description:
        "The folders in it, level by level, each level by name; `parent_id` says where each belongs.",
    }),
    truncated: Type.Boolean({ description: "There are more." }),
  },
  { title: "FolderTree" },
);
export type FolderTree = Static<typeof FolderTree>;

/** How far down a tree is told. */
export const TreeQuery = Type.Object({
  depth: Type.String({
    pattern: "^([1-9]\\d?|100)$",
    code: "out_of_range",
    description: "How many levels, from 1 to 100: at first all.",
  }),
});

/** The row as the API shows it. */
export const presentFolder = (row: RecordOf<"folders">): FolderView => ({
  id: row.id,
  name: row.name,
  parent_id: row.parent_id,
  created_by: row.created_by,
  created_at: isoTime(row.created_at),
  updated_at: isoTime(row.updated_at),
  deleted_at: isoTimeOrNull(row.deleted_at),
  version: row.version,
});
