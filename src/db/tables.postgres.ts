import { postgresColumns } from "./columns.postgres";
import { describeTables } from "./tables";

// Named exports, because drizzle-kit reads them.
export const {
  roles,
  grants,
  users,
  sessions,
  refresh_tokens,
  password_resets,
  invitations,
  email_verifications,
  tickets,
  clients,
  client_tags,
  tasks,
  clients_search,
  tasks_search,
  settings,
  events,
  consumers,
  jobs,
  job_inputs,
  job_problems,
  schedules,
  notifications,
  notification_counters,
  notification_preferences,
  task_alarms,
  idempotency_keys,
} = describeTables(postgresColumns);
