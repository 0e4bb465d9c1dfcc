import type { Columns } from "../columns.postgres";
import type { AccountTables } from "./accounts";

/** What an admin chose while the server ran. */
export function describeSettings(c: Columns, { users }: AccountTables) {
  /** Values over those of the configuration's files; what has no row here has its configured value. */
  const settings = c.table(
    "settings",
    {
      id: c.id("id").primaryKey(),
      /** Of the configuration's table, such as `visibility.clients`. */
      key: c.text("key").notNull(),
      /** Wrapped, as a JSON column holds objects; `null` when the stored value was taken back. */
      value: c.json<{ value: unknown }>("value"),
      updated_by: c.id("updated_by").references(() => users.id),
      created_at: c.time("created_at").notNull(),
      updated_at: c.time("updated_at").notNull(),
      version: c.integer("version").notNull().default(1),
    },
    (t) => [c.uniqueIndex("settings_key").on(t.key)],
  );

  return { settings };
}
