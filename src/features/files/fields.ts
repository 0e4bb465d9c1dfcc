import { fieldsOf } from "../../list";

/** What lists of files can be filtered and sorted by. */
export const fileFields = fieldsOf(
  "files",
  {
    id: { type: "id" },
    name: { type: "text", key: "name_key", sort: true, searched: true },
    file_type: { type: "text", sort: true },
    file_size: { type: "integer", largest: Number.MAX_SAFE_INTEGER, sort: true },
    checksum: { type: "text" },
    folder_id: { type: "id", nullable: true },
    client_id: { type: "id", nullable: true },
    task_id: { type: "id", nullable: true },
    uploaded_by: { type: "id" },
    created_at: { type: "instant", sort: true },
    updated_at: { type: "instant", sort: true },
    deleted_at: { type: "instant", nullable: true },
    version: { type: "integer" },
  },
  {
    sort: "-created_at",
    shortcuts: { folder_id: "folder_id", client_id: "client_id", task_id: "task_id" },
    softDeleted: true,
    searched: true,
  },
);
