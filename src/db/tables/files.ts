import { sql } from "drizzle-orm";
import type { Columns } from "../columns.postgres";
import type { AccountTables } from "./accounts";
import type { ClientTables } from "./clients";
import type { TaskTables } from "./tasks";

const live = sql`deleted_at is null`;
const deleted = sql`deleted_at is not null`;

/** Files, the folders they lie in, and where their bytes are. */
export function describeFiles(
  c: Columns,
  { users, clients, tasks }: AccountTables & ClientTables & TaskTables,
) {
  /** Bytes that files have, the same ones once. A row is there exactly as long as a file has them. */
  const blobs = c.table(
    "blobs",
    {
      /** SHA-256 in hexadecimal. */
      hash: c.sortKey("hash").primaryKey(),
      /** Under what the store has them: never used twice, so that what is removed is never what somebody just put. */
      key: c.text("key").notNull(),
      size: c.size("size").notNull(),
      /** Written by whoever refers to them, so that on PostgreSQL they and whoever removes them do not miss each other. */
      used_at: c.time("used_at").notNull(),
      created_at: c.time("created_at").notNull(),
    },
    (t) => [
      c.uniqueIndex("blobs_key").on(t.key),
      // All of them are added up without reading the table.
      c.index("blobs_by_size").on(t.size),
    ],
  );

  const folders = c.table(
    "folders",
    {
      id: c.id("id").primaryKey(),
      name: c.text("name").notNull(),
      name_key: c.sortKey("name_key").notNull(),
      /** Without case: what is unique among live siblings. */
      name_normal: c.text("name_normal"),
      /** No foreign key: when folders are made anew from their events, one may come before the folder that it is in. */
      parent_id: c.id("parent_id"),
      /** The same, and a text where there is none: an index takes no null for equal to another. */
      parent_id_key: c.text("parent_id_key").notNull(),
      created_by: c
        .id("created_by")
        .notNull()
        .references(() => users.id),
      created_at: c.time("created_at").notNull(),
      updated_at: c.time("updated_at").notNull(),
      deleted_at: c.time("deleted_at"),
      version: c.integer("version").notNull().default(1),
    },
    (t) => [
      c.uniqueIndex("folders_name").on(t.parent_id_key, t.name_normal).where(live),
      // Down the tree, whatever is deleted of it.
      c.index("folders_by_parent").on(t.parent_id, t.name_key, t.id),
      c.index("folders_by_name").on(t.name_key, t.id).where(live),
      c.index("folders_by_creation").on(t.created_at, t.id).where(live),
      c.index("folders_by_update").on(t.updated_at, t.id).where(live),
      c.index("folders_by_creator").on(t.created_by, t.created_at, t.id).where(live),
      c.index("folders_by_deletion").on(t.created_at, t.id).where(deleted),
    ],
  );

  const files = c.table(
    "files",
    {
      id: c.id("id").primaryKey(),
      name: c.text("name").notNull(),
      name_key: c.sortKey("name_key").notNull(),
      /** As it was called where it came from. */
      original_name: c.text("original_name").notNull(),
      /** A media type, by the bytes. */
      file_type: c.sortKey("file_type").notNull(),
      file_size: c.size("file_size").notNull(),
      checksum: c
        .sortKey("checksum")
        .notNull()
        .references(() => blobs.hash),
      folder_id: c.id("folder_id").references(() => folders.id, { onDelete: "set null" }),
      /** Both stay when the record is deleted, and go when it is purged. */
      client_id: c.id("client_id").references(() => clients.id, { onDelete: "set null" }),
      task_id: c.id("task_id").references(() => tasks.id, { onDelete: "set null" }),
      description: c.text("description"),
      uploaded_by: c
        .id("uploaded_by")
        .notNull()
        .references(() => users.id),
      metadata: c.json<Record<string, unknown>>("metadata").notNull(),
      created_at: c.time("created_at").notNull(),
      updated_at: c.time("updated_at").notNull(),
      deleted_at: c.time("deleted_at"),
      version: c.integer("version").notNull().default(1),
    },
    (t) => [
      c.index("files_by_name").on(t.name_key, t.id).where(live),
      c.index("files_by_type").on(t.file_type, t.id).where(live),
      c.index("files_by_size").on(t.file_size, t.id).where(live),
      c.index("files_by_creation").on(t.created_at, t.id).where(live),
      c.index("files_by_update").on(t.updated_at, t.id).where(live),
      // Filtered by one of these, a list is still in the order that it has without being asked for one.
      c.index("files_by_type_creation").on(t.file_type, t.created_at, t.id).where(live),
      c.index("files_by_client").on(t.client_id, t.created_at, t.id).where(live),
      c.index("files_by_task").on(t.task_id, t.created_at, t.id).where(live),
      c.index("files_by_uploader").on(t.uploaded_by, t.created_at, t.id).where(live),
      // What belongs to a record that is removed for good is looked for among the deleted ones too.
      c
        .index("files_of_client")
        .on(t.client_id)
        .where(sql`client_id is not null`),
      c
        .index("files_of_task")
        .on(t.task_id)
        .where(sql`task_id is not null`),
      c.index("files_by_deletion").on(t.created_at, t.id).where(deleted),
      // Whatever is in a folder, deleted with it or not.
      c.index("files_by_folder").on(t.folder_id, t.created_at, t.id),
      c.index("files_by_checksum").on(t.checksum, t.created_at, t.id),
      // What somebody has uploaded takes room, deleted or not.
      c.index("files_by_use").on(t.uploaded_by, t.file_size),
    ],
  );

  /** What the bytes of files tell, found by a job: the same for all files that have them. Without a row it was never looked for. */
  const contents = c.table("contents", {
    hash: c
      .sortKey("hash")
      .primaryKey()
      .references(() => blobs.hash, { onDelete: "cascade" }),
    /** `pending`, `ready` or `failed`. */
    state: c.text("state").notNull(),
    /** Why it failed, for whoever may see the file. */
    problem: c.text("problem"),
    metadata: c.json<Record<string, unknown>>("metadata").notNull(),
    /** The beginning of the text that stands in it; null where there is none. */
    text: c.text("text"),
    /** More text stands in it. */
    is_cut: c.boolean("is_cut").notNull(),
    read_at: c.time("read_at"),
  });

  /** Small pictures of images. Their bytes are kept like those of files. */
  const previews = c.table(
    "previews",
    {
      hash: c
        .sortKey("hash")
        .notNull()
        .references(() => contents.hash, { onDelete: "cascade" }),
      /** Which of the sizes. */
      size: c.text("size").notNull(),
      checksum: c
        .sortKey("checksum")
        .notNull()
        .references(() => blobs.hash),
      bytes: c.integer("bytes").notNull(),
      width: c.integer("width").notNull(),
      height: c.integer("height").notNull(),
    },
    (t) => [
      c.uniqueIndex("previews_by_size").on(t.hash, t.size),
      c.index("previews_by_checksum").on(t.checksum),
    ],
  );

  /** Pictures of people. The id stands in their address, which everybody can read who knows it, and is new for each picture. */
  const avatars = c.table(
    "avatars",
    {
      id: c.id("id").primaryKey(),
      user_id: c
        .id("user_id")
        .notNull()
        .references(() => users.id, { onDelete: "cascade" }),
      checksum: c
        .sortKey("checksum")
        .notNull()
        .references(() => blobs.hash),
      bytes: c.integer("bytes").notNull(),
      created_at: c.time("created_at").notNull(),
    },
    (t) => [c.uniqueIndex("avatars_by_user").on(t.user_id), c.index("avatars_by_checksum").on(t.checksum)],
  );

  /** Links that show a file to whoever has them, by the SHA-256 of their token. Those that are over stay with the file. */
  const file_shares = c.table(
    "file_shares",
    {
      id: c.id("id").primaryKey(),
      file_id: c
        .id("file_id")
        .notNull()
        .references(() => files.id, { onDelete: "cascade" }),
      hash: c.text("hash").notNull(),
      /** The link lives as long as they may share the file. */
      created_by: c
        .id("created_by")
        .notNull()
        .references(() => users.id),
      password_hash: c.text("password_hash"),
      expires_at: c.time("expires_at"),
      max_downloads: c.integer("max_downloads"),
      downloads: c.integer("downloads").notNull().default(0),
      /** The file is shown, and not given away. */
      view_only: c.boolean("view_only").notNull(),
      created_at: c.time("created_at").notNull(),
      revoked_at: c.time("revoked_at"),
    },
    (t) => [
      c.uniqueIndex("file_shares_hash").on(t.hash),
      c.index("file_shares_by_file").on(t.file_id, t.created_at, t.id),
    ],
  );

  return { blobs, folders, files, file_shares, contents, previews, avatars };
}

/** The tables other areas refer to. */
export type FileTables = ReturnType<typeof describeFiles>;
