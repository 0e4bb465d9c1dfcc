import { getTableColumns } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { isoTimeOrNull } from "../clock";
import type { TableName } from "../db/rows";
import type { Tables } from "../db/tables";

/** A record as it is exported. */
export type Exported = Record<string, unknown>;

/** The tables that are exported, under their own names, with the columns that are left out: what nobody should have. */
export const exported = {
  users: ["password_hash", "auth_version"],
  roles: [],
  grants: [],
  clients: [],
  tasks: [],
  folders: [],
  files: [],
  events: [],
  notifications: [],
  notification_preferences: [],
  settings: [],
} as const satisfies Partial<Record<TableName, readonly string[]>>;
/** One of `exported`. */
export type ExportedTable = keyof typeof exported;

/** The others: what follows from those above, ends by itself, or lets somebody in. Every table is in one of both. */
export const notExported = [
  // Beside their clients and files, and made anew from records.
  ...["client_tags", "blobs", "clients_search", "tasks_search", "files_search", "task_alarms"],
  // Found in files, and pictures.
  ...["contents", "previews", "avatars"],
  // Sign-ins, links that let somebody in, and the answers of requests.
  ...[
    "file_shares",
    "sessions",
    "refresh_tokens",
    "password_resets",
    "invitations",
    "email_verifications",
    "tickets",
  ],
  "idempotency_keys",
  // The machinery.
  ...["consumers", "jobs", "job_inputs", "job_problems", "schedules", "notification_counters"],
] as const;

const derived = /_(key|normal)$/;
const instant = /_at$|^due_date$/;

/** The columns of a table that are exported. */
export function columnsOf(t: Tables, name: ExportedTable): Record<string, PgColumn> {
  const all = Object.entries(getTableColumns(t[name] as PgTable));
  const without: readonly string[] = exported[name];
  return Object.fromEntries(all.filter(([column]) => !derived.test(column) && !without.includes(column)));
}

/** A row with its instants as the API has them: ISO 8601, UTC. */
export const presented = (row: Exported): Exported =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      instant.test(name) ? isoTimeOrNull(value as number | null) : value,
    ]),
  );
