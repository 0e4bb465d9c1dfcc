import { Type, type Static } from "@sinclair/typebox";
import { isoTime, isoTimeOrNull } from "../../clock";
import { Body, Id, Instant, Nullable } from "../../http/schema";
import { ProblemView } from "../../http/problem";
import { previewSizes, type PreviewSize } from "../../contents/contents";
import type { RecordOf } from "../../db/rows";
import type { Known } from "./contents";

/** A file as the API shows it. */
export const FileView = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    original_name: Type.String({ description: "As it was called where it came from." }),
    file_type: Type.String({ description: "Its media type, by its bytes." }),
    file_size: Type.Integer({ description: "In bytes." }),
    checksum: Type.String({ description: "SHA-256 of its bytes, in hexadecimal." }),
    folder_id: Nullable(Type.String()),
    client_id: Nullable(Type.String()),
    task_id: Nullable(Type.String()),
    description: Nullable(Type.String()),
    uploaded_by: Type.String(),
    metadata: Type.Record(Type.String(), Type.Unknown()),
    created_at: Instant,
    updated_at: Instant,
    deleted_at: Nullable(Instant),
    version: Type.Integer(),
  },
  { title: "File" },
);
export type FileView = Static<typeof FileView>;

/** Characters that no name has: those that control a terminal, a header or the direction of text, and slashes. */
const notInNames = "\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069/\\\\";

/** What a file or a folder may be called. */
export const FileName = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: `^(?!\\s*\\.{0,2}\\s*$)[^${notInNames}]+$`,
  description: "must be a name without slashes and control characters",
});

const optional = {
  description: Nullable(Type.String({ maxLength: 20_000 })),
  folder_id: Nullable(Id),
  client_id: Nullable(Id),
  task_id: Nullable(Id),
};

/** The fields to change; `null` clears. */
export const FilePatch = Type.Partial(Body({ name: FileName, ...optional }), {
  title: "FilePatch",
  additionalProperties: false,
});
export type FilePatch = Static<typeof FilePatch>;

/** What a form says of the files in it, besides their bytes. */
export const FileDetails = Type.Partial(
  Body({ ...optional, description: Type.String({ maxLength: 20_000 }) }),
  { additionalProperties: false },
);
export type FileDetails = Static<typeof FileDetails>;

const bytes = (description: string) => Type.String({ format: "binary", description });
const details = {
  description: Type.Optional(Type.String({ maxLength: 20_000 })),
  folder_id: Type.Optional(Id),
  client_id: Type.Optional(Id),
  task_id: Type.Optional(Id),
};

/** A form with one file. */
export const UploadForm = Type.Object({ file: bytes("The file."), ...details });

/** A form with many. */
export const BatchForm = Type.Object({
  files: bytes("A file; there may be many fields of this name."),
  ...details,
});

/** What became of each file of a form, in their order. */
export const BatchResult = Type.Object(
  {
    uploaded: Type.Integer(),
    failed: Type.Integer(),
    data: Type.Array(
      Type.Object({
        name: Type.String(),
        file: Nullable(FileView),
        // Some codes have further members.
        problem: Nullable(Type.Object(ProblemView.properties, { additionalProperties: true })),
      }),
    ),
  },
  { title: "BatchUpload" },
);
export type BatchResult = Static<typeof BatchResult>;

/** Where a file can be downloaded without an `Authorization` header. */
export const DownloadUrl = Type.Object(
  {
    download_url: Type.String(),
    expires_in: Type.Integer({ description: "Seconds." }),
  },
  { title: "DownloadUrl" },
);

const PreviewSizeName = Type.Union(
  Object.keys(previewSizes).map((size) => Type.Literal(size as PreviewSize)),
);

/** What stands in a file. */
export const FileMetadata = Type.Object(
  {
    id: Type.String({ description: "Of the file." }),
    state: Type.Union([Type.Literal("pending"), Type.Literal("ready"), Type.Literal("failed")], {
      description: "`pending` while it is read: what was known before stays until then.",
    }),
    problem: Nullable(Type.String({ description: "Why it could not be read." })),
    file_type: Type.String(),
    file_size: Type.Integer(),
    checksum: Type.String(),
    metadata: Type.Record(Type.String(), Type.Unknown(), {
      description:
        "What there is of `width`, `height`, `pages`, `sheets`, `slides`, `title`, `author`, `taken_at`, `camera_model` and others. Not where a picture was taken.",
    }),
    text: Nullable(Type.String({ description: "The text in it, or its beginning; it is searched." })),
    is_cut: Type.Boolean({ description: "More text stands in it than is kept." }),
    previews: Type.Array(
      Type.Object({ size: PreviewSizeName, width: Type.Integer(), height: Type.Integer() }),
      { description: "The pictures that there are of it." },
    ),
    read_at: Nullable(Instant),
  },
  { title: "FileMetadata" },
);
export type FileMetadata = Static<typeof FileMetadata>;

/** What is known of the contents of a file, as the API shows it. */
export const presentContents = (file: RecordOf<"files">, known: Known): FileMetadata => ({
  id: file.id,
  state: known.state as FileMetadata["state"],
  problem: known.problem,
  file_type: file.file_type,
  file_size: file.file_size,
  checksum: file.checksum,
  metadata: known.metadata,
  text: known.text,
  is_cut: known.is_cut,
  previews: known.previews
    .map(({ size, width, height }) => ({ size: size as PreviewSize, width, height }))
    .toSorted(
      (a, b) => a.width * a.height - b.width * b.height || previewSizes[a.size] - previewSizes[b.size],
    ),
  read_at: isoTimeOrNull(known.read_at),
});

const Usage = {
  bytes: Type.Integer(),
  quota: Nullable(Type.Integer({ description: "`null` for no limit." })),
};

/** How much room files take. */
export const StorageUsage = Type.Object(
  {
    total: Type.Integer({ description: "Files that you may see." }),
    bytes: Type.Integer({ description: "What they have together." }),
    by_type: Type.Array(
      Type.Object({ file_type: Type.String(), total: Type.Integer(), bytes: Type.Integer() }),
      { description: "The same by media type, the largest first." },
    ),
    yours: Type.Object(Usage, { description: "What you uploaded, deleted files included." }),
    kept: Nullable(
      Type.Object(Usage, {
        description: "What is kept of all files, the same bytes once; `null` unless you see all of them.",
      }),
    ),
  },
  { title: "StorageUsage" },
);
export type StorageUsage = Static<typeof StorageUsage>;

/** The row as the API shows it. */
export const presentFile = (row: RecordOf<"files">): FileView => ({
  id: row.id,
  name: row.name,
  original_name: row.original_name,
  file_type: row.file_type,
  file_size: row.file_size,
  checksum: row.checksum,
  folder_id: row.folder_id,
  client_id: row.client_id,
  task_id: row.task_id,
  description: row.description,
  uploaded_by: row.uploaded_by,
  metadata: row.metadata,
  created_at: isoTime(row.created_at),
  updated_at: isoTime(row.updated_at),
  deleted_at: isoTimeOrNull(row.deleted_at),
  version: row.version,
});
