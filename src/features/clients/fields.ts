import { fieldsOf, recordFields } from "../../list";
import { phoneKey } from "./phone";
import { clientStatuses } from "./schema";

/** What lists of clients can be filtered and sorted by. */
export const clientFields = fieldsOf(
  "clients",
  {
    name: { type: "text", key: "name_key", sort: true, searched: true },
    email: { type: "text", key: "email_key", sort: true, nullable: true, searched: true },
    phone: { type: "phone", key: "phone_key", nullable: true, normalise: phoneKey },
    company: { type: "text", key: "company_key", sort: true, nullable: true, searched: true },
    position: { type: "text", key: "position_key", nullable: true, searched: true },
    industry: { type: "text", key: "industry_key", nullable: true, searched: true },
    address: { type: "text", key: "address_key", nullable: true, searched: true },
    status: { type: "choice", of: clientStatuses, sort: true },
    tags: {
      type: "tags",
      through: (t) => ({ table: t.client_tags, record: t.client_tags.client_id, key: t.client_tags.tag_key }),
    },
    ...recordFields,
  },
  {
    sort: "-created_at",
    shortcuts: { status: "status", assigned_to: "assigned_to", assignee: "assigned_to" },
    softDeleted: true,
    searched: true,
  },
);
