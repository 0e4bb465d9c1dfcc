import { sqliteColumns } from "./columns.sqlite";
import { describeTables } from "./tables";

// Named exports, because drizzle-kit reads them.
export const {
  roles,
  grants,
  users,
  sessions,
  refresh_tokens,
  clients,
  client_tags,
  events,
  idempotency_keys,
} = describeTables(sqliteColumns);
