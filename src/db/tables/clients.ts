import { sql } from "drizzle-orm";
import type { Columns } from "../columns.postgres";
import type { AccountTables } from "./accounts";

const live = sql`deleted_at is null`;
const deleted = sql`deleted_at is not null`;

/** The people and companies a company works for. */
export function describeClients(c: Columns, { users }: AccountTables) {
  const clients = c.table(
    "clients",
    {
      id: c.id("id").primaryKey(),
      external_id: c.text("external_id"),
      external_id_key: c.sortKey("external_id_key"),
      name: c.text("name").notNull(),
      name_key: c.sortKey("name_key").notNull(),
      email: c.text("email"),
      email_key: c.sortKey("email_key"),
      /** Lower case: what is unique among live clients. Unlike `email_key`, it keeps its accents. */
      email_normal: c.text("email_normal"),
      phone: c.text("phone"),
      /** E.164 where the number can be understood, else its digits, else what was typed, folded. */
      phone_key: c.sortKey("phone_key"),
      company: c.text("company"),
      company_key: c.sortKey("company_key"),
      position: c.text("position"),
      position_key: c.sortKey("position_key"),
      industry: c.text("industry"),
      industry_key: c.sortKey("industry_key"),
      address: c.text("address"),
      address_key: c.sortKey("address_key"),
      status: c.text("status").$type<"prospect" | "active" | "inactive" | "customer">().notNull(),
      assigned_to: c.id("assigned_to").references(() => users.id),
      tags: c.json<string[]>("tags").notNull(),
      notes: c.text("notes"),
      avatar_url: c.text("avatar_url"),
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
      // Deleted rows keep their values; the indexes leave them out: the values are free again at once, and lists of
      // live clients do not wade through what was deleted.
      c.uniqueIndex("clients_email").on(t.email_normal).where(live),
      c.uniqueIndex("clients_external_id").on(t.external_id).where(live),
      c.index("clients_by_external_id").on(t.external_id_key, t.id).where(live),
      c.index("clients_by_name").on(t.name_key, t.id).where(live),
      c.index("clients_by_company").on(t.company_key, t.id).where(live),
      c.index("clients_by_industry").on(t.industry_key, t.id).where(live),
      c.index("clients_by_email").on(t.email_key, t.id).where(live),
      c.index("clients_by_status").on(t.status, t.id).where(live),
      c.index("clients_by_creation").on(t.created_at, t.id).where(live),
      c.index("clients_by_update").on(t.updated_at, t.id).where(live),
      c.index("clients_by_phone").on(t.phone_key, t.id).where(live),
      // Filtered by one of these, a list is still in the order that it has without being asked for one.
      c.index("clients_by_status_creation").on(t.status, t.created_at, t.id).where(live),
      // With the status, so that somebody's active clients are counted without reading the others.
      c.index("clients_by_assignee").on(t.assigned_to, t.created_at, t.id, t.status).where(live),
      c.index("clients_by_creator").on(t.created_by, t.created_at, t.id).where(live),
      c.index("clients_by_deletion").on(t.created_at, t.id).where(deleted),
    ],
  );

  /** The tags of a client, folded, for filters; the client's row holds them as they were typed. */
  const client_tags = c.table(
    "client_tags",
    {
      client_id: c
        .id("client_id")
        .notNull()
        .references(() => clients.id, { onDelete: "cascade" }),
      tag_key: c.sortKey("tag_key").notNull(),
    },
    (t) => [
      c.uniqueIndex("client_tags_by_tag").on(t.tag_key, t.client_id),
      c.index("client_tags_by_client").on(t.client_id),
    ],
  );

  return { clients, client_tags };
}

/** The tables other areas refer to. */
export type ClientTables = ReturnType<typeof describeClients>;
