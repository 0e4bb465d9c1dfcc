import { fieldsOf } from "../../list";

/** What lists of folders can be filtered and sorted by. */
export const folderFields = fieldsOf(
  "folders",
  {
    id: { type: "id" },
    name: { type: "text", key: "name_key", sort: true },
    parent_id: { type: "id", nullable: true },
    created_by: { type: "id" },
    created_at: { type: "instant", sort: true },
    updated_at: { type: "instant", sort: true },
    deleted_at: { type: "instant", nullable: true },
    version: { type: "integer" },
  },
  { sort: "name", shortcuts: { parent_id: "parent_id" }, softDeleted: true },
);
