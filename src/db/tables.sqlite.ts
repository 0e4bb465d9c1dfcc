import { sqliteColumns } from "./columns.sqlite";
import { describeTables } from "./tables";

// Named exports, because drizzle-kit reads them.
export const {
  roles,
  grants,
  users,
  sessions,
  refresh_tokens,
  password_resets,
  clients,
  client_tags,
  tasks,
  settings,
  events,
  idempotency_keys,
} = describeTables(sqliteColumns);
