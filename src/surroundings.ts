import { join } from "node:path";
import { databaseFile } from "./backup/database-files";
import { second } from "./clock";
import type { Config } from "./config";
import type { StoreMeasures } from "./db/measured";
import { openSqliteStore } from "./db/sqlite";
import type { Store } from "./db/store";
import type { LiveSettings } from "./features/settings/live";
import { trustedProxies, type TrustedProxies } from "./http/client-address";
import type { Transport } from "./http/edge";
import type { Bus } from "./integrations/bus/bus";
import { memoryBus } from "./integrations/bus/memory";
import type { Mail } from "./integrations/mail/mail";
import { outboxMail } from "./integrations/mail/outbox";
import { smtpMail } from "./integrations/mail/smtp";

/** Opens the database, which has to be migrated. */
export async function openStore(config: Config, dataDir: string, measures: StoreMeasures): Promise<Store> {
  const url = config["database.url"];
  const deadlineMs = config["database.deadline_ms"];
  if (url === null) return openSqliteStore(databaseFile(dataDir), { deadlineMs, measures });
  const { openPostgresStore } = await import("./db/postgres");
  return openPostgresStore(url, { deadlineMs, measures, connections: config["database.connections"] });
}

/** Opens what tells other instances that something happened. */
export async function openBus(config: Config): Promise<Bus> {
  const url = config["database.url"];
  if (url === null) return memoryBus();
  const { postgresBus } = await import("./integrations/bus/postgres");
  return postgresBus(url);
}

/** How requests reach the server, as it is configured at that moment. */
export const arrival = (live: LiveSettings): { proxies: TrustedProxies; transport: Transport } => ({
  proxies: live.opened(["server.trusted_proxies"], () =>
    trustedProxies([...live.get("server.trusted_proxies")]),
  ),
  transport: live.opened(["server.https", "server.hsts_max_age", "server.public_url"], () => ({
    https: live.get("server.https"),
    hstsSeconds: live.get("server.hsts_max_age"),
    publicUrl: live.get("server.public_url"),
  })),
});

/** What a token or a sealed text depends on. */
export const signing = ["auth.jwt_secret", "auth.jwt_secret_previous"] as const;

/** Opens what takes mails: a mail server, or a folder. */
export function openMail(live: LiveSettings, dataDir: string): Mail {
  const url = live.get("mail.smtp_url");
  const from = live.get("mail.from");
  if (url === null) return outboxMail(join(dataDir, "outbox"), from);
  return smtpMail({ url, from, tls: live.get("mail.tls"), timeoutMs: smtpTimeoutMs });
}

const smtpTimeoutMs = 30 * second;
