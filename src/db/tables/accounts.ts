import { sql } from "drizzle-orm";
import type { Columns } from "../columns.postgres";

/** Who may come in: users, what their roles allow, and their sessions. */
export function describeAccounts(c: Columns) {
  const roles = c.table(
    "roles",
    {
      id: c.id("id").primaryKey(),
      slug: c.text("slug").notNull(),
      description: c.text("description").notNull(),
    },
    (t) => [c.uniqueIndex("roles_slug").on(t.slug)],
  );

  /** What a role may do: `permission` is `resource.action`, `scope` is `own` or `all`. */
  const grants = c.table(
    "grants",
    {
      id: c.id("id").primaryKey(),
      role_id: c
        .id("role_id")
        .notNull()
        .references(() => roles.id, { onDelete: "cascade" }),
      permission: c.text("permission").notNull(),
      scope: c.text("scope").$type<"own" | "all">().notNull(),
    },
    (t) => [c.uniqueIndex("grants_permission").on(t.role_id, t.permission)],
  );

  const users = c.table(
    "users",
    {
      id: c.id("id").primaryKey(),
      email: c.text("email").notNull(),
      email_key: c.sortKey("email_key").notNull().default(""),
      /** Lower case: two accounts never differ in case alone. */
      email_normal: c.text("email_normal").notNull(),
      full_name: c.text("full_name").notNull(),
      full_name_key: c.sortKey("full_name_key").notNull(),
      password_hash: c.text("password_hash").notNull(),
      role_id: c
        .id("role_id")
        .notNull()
        .references(() => roles.id),
      avatar_url: c.text("avatar_url"),
      is_active: c.boolean("is_active").notNull().default(true),
      time_zone: c.text("time_zone").notNull().default("UTC"),
      locale: c.text("locale").notNull().default("en"),
      /** Stands in every access token; raising it ends those that were given out. */
      auth_version: c.integer("auth_version").notNull().default(1),
      created_at: c.time("created_at").notNull(),
      updated_at: c.time("updated_at").notNull(),
      version: c.integer("version").notNull().default(1),
    },
    (t) => [
      c.uniqueIndex("users_email").on(t.email_normal),
      c.index("users_by_name").on(t.full_name_key, t.id),
      c.index("users_by_email").on(t.email_key, t.id),
      c.index("users_by_creation").on(t.created_at, t.id),
      c.index("users_by_update").on(t.updated_at, t.id),
      // Pickers show nobody whose account is closed.
      c.index("users_by_activity_name").on(t.is_active, t.full_name_key, t.id),
      c.index("users_by_activity_email").on(t.is_active, t.email_key, t.id),
      c.index("users_by_activity_creation").on(t.is_active, t.created_at, t.id),
      c.index("users_by_role").on(t.role_id),
    ],
  );

  /** One sign-in on one device: a family of refresh tokens, each of which replaces the one before. */
  const sessions = c.table(
    "sessions",
    {
      id: c.id("id").primaryKey(),
      user_id: c
        .id("user_id")
        .notNull()
        .references(() => users.id, { onDelete: "cascade" }),
      ip: c.text("ip"),
      user_agent: c.text("user_agent"),
      created_at: c.time("created_at").notNull(),
      last_used_at: c.time("last_used_at").notNull(),
      expires_at: c.time("expires_at").notNull(),
      ended_at: c.time("ended_at"),
      version: c.integer("version").notNull().default(1),
    },
    (t) => [
      c.index("sessions_by_user").on(t.user_id, t.created_at, t.id),
      c.index("sessions_by_use").on(t.user_id, t.last_used_at, t.id),
    ],
  );

  /** Refresh tokens by their SHA-256. Used ones are kept as long as their session: seen again, they end it. */
  const refresh_tokens = c.table(
    "refresh_tokens",
    {
      hash: c.text("hash").primaryKey(),
      session_id: c
        .id("session_id")
        .notNull()
        .references(() => sessions.id, { onDelete: "cascade" }),
      created_at: c.time("created_at").notNull(),
      used_at: c.time("used_at"),
    },
    (t) => [c.index("refresh_tokens_by_session").on(t.session_id)],
  );

  /** Links to choose a new password, by the SHA-256 of their token. Each works once. */
  const password_resets = c.table(
    "password_resets",
    {
      hash: c.text("hash").primaryKey(),
      user_id: c
        .id("user_id")
        .notNull()
        .references(() => users.id, { onDelete: "cascade" }),
      created_at: c.time("created_at").notNull(),
      expires_at: c.time("expires_at").notNull(),
    },
    (t) => [
      c.index("password_resets_by_user").on(t.user_id),
      c.index("password_resets_by_expiry").on(t.expires_at),
    ],
  );

  /** Links that make an account, by the SHA-256 of their token. Each works once. */
  const invitations = c.table(
    "invitations",
    {
      id: c.id("id").primaryKey(),
      hash: c.text("hash").notNull(),
      email: c.text("email").notNull(),
      email_normal: c.text("email_normal").notNull(),
      full_name: c.text("full_name"),
      role_id: c
        .id("role_id")
        .notNull()
        .references(() => roles.id),
      invited_by: c
        .id("invited_by")
        .notNull()
        .references(() => users.id),
      created_at: c.time("created_at").notNull(),
      expires_at: c.time("expires_at").notNull(),
      accepted_at: c.time("accepted_at"),
      version: c.integer("version").notNull().default(1),
    },
    (t) => [
      c.uniqueIndex("invitations_hash").on(t.hash),
      c.index("invitations_by_email").on(t.email_normal),
      c
        .index("invitations_by_expiry")
        .on(t.expires_at)
        .where(sql`accepted_at is null`),
    ],
  );

  /** Links that prove an address, by the SHA-256 of their token. One that was used stays: the address is proven by it. */
  const email_verifications = c.table(
    "email_verifications",
    {
      hash: c.text("hash").primaryKey(),
      user_id: c
        .id("user_id")
        .notNull()
        .references(() => users.id, { onDelete: "cascade" }),
      email_normal: c.text("email_normal").notNull(),
      created_at: c.time("created_at").notNull(),
      expires_at: c.time("expires_at").notNull(),
      verified_at: c.time("verified_at"),
    },
    (t) => [
      c.index("email_verifications_by_user").on(t.user_id),
      c
        .index("email_verifications_by_expiry")
        .on(t.expires_at)
        .where(sql`verified_at is null`),
    ],
  );

  /** What stands in a URL in the place of a token, by its SHA-256, for those that cannot send headers. */
  const tickets = c.table(
    "tickets",
    {
      hash: c.text("hash").primaryKey(),
      session_id: c
        .id("session_id")
        .notNull()
        .references(() => sessions.id, { onDelete: "cascade" }),
      user_id: c.id("user_id").notNull(),
      auth_version: c.integer("auth_version").notNull(),
      purpose: c.text("purpose").$type<"ws" | "sse" | "download" | "preview">().notNull(),
      resource_id: c.id("resource_id"),
      created_at: c.time("created_at").notNull(),
      expires_at: c.time("expires_at").notNull(),
      /** Of those that work once. */
      used_at: c.time("used_at"),
    },
    (t) => [c.index("tickets_by_expiry").on(t.expires_at), c.index("tickets_by_session").on(t.session_id)],
  );

  return {
    ...{ roles, grants, users, sessions, refresh_tokens, password_resets },
    ...{ invitations, email_verifications, tickets },
  };
}

/** The tables other areas refer to. */
export type AccountTables = ReturnType<typeof describeAccounts>;
