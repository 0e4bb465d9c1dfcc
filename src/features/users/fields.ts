import { fieldsOf } from "../../list";

/** What lists of people can be filtered and sorted by: nobody by what they may not see of others. */
export const userFields = fieldsOf(
  "users",
  {
    id: { type: "id" },
    full_name: { type: "text", key: "full_name_key", sort: true },
    email: { type: "text", key: "email_key", sort: true, grant: "users.email" },
    role: {
      type: "reference",
      key: "role_id",
      through: (t) => ({ table: t.roles, id: t.roles.id, name: t.roles.slug }),
      grant: "users.manage",
    },
    is_active: { type: "boolean", grant: "users.manage" },
    created_at: { type: "instant", sort: true, grant: "users.manage" },
    updated_at: { type: "instant", grant: "users.manage" },
  },
  { sort: "full_name" },
);
