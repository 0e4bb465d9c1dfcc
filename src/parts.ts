import { join } from "node:path";
import type { Config, ConfigWithSecrets, LoadedConfig } from "./config";
import { postgresMigrations, sqliteMigrations } from "./db/migrations.generated";
import type { Fills, Migrator } from "./db/migrate";
import { sqliteMigrator } from "./db/migrate.sqlite";
import { telling } from "./db/after-commit";
import { measured, type StoreMeasures } from "./db/measured";
import { openSqliteStore } from "./db/sqlite";
import type { Store } from "./db/store";
import { Background } from "./background";
import type { Consumer } from "./events/consumer";
import { eventsTopic } from "./events/record";
import { Relay } from "./events/relay";
import { searchTopic } from "./db/search-write";
import { fillSearch } from "./search/fill";
import { Indexer } from "./search/indexer";
import { ActivityPolicy } from "./features/activities/policy";
import { ActivityService } from "./features/activities/service";
import { AccountService } from "./features/auth/account-service";
import { Identities } from "./features/auth/identities";
import { passwordHasher, type PasswordHasher } from "./features/auth/passwords";
import { PasswordChecks } from "./features/auth/password-checks";
import { InvitationService } from "./features/auth/invitation-service";
import { PasswordService } from "./features/auth/password-service";
import { ResetService } from "./features/auth/reset-service";
import { AuthService } from "./features/auth/service";
import { SessionService } from "./features/auth/session-service";
import { SignInLog } from "./features/auth/sign-in-log";
import { TicketService } from "./features/auth/ticket-service";
import { TokenIssuer } from "./features/auth/token-issuer";
import { VerificationService } from "./features/auth/verification-service";
import { accessTokens } from "./features/auth/tokens";
import { clientPolicy } from "./features/clients/policy";
import { ClientService } from "./features/clients/service";
import { Notifier } from "./features/notifications/consumer";
import { notificationTopic } from "./features/notifications/notify";
import { NotificationService } from "./features/notifications/service";
import { DashboardService } from "./features/dashboard/service";
import { JobService } from "./features/jobs/service";
import { follow, type Follower } from "./features/settings/follow";
import { LiveSettings } from "./features/settings/live";
import { SearchService } from "./features/search/service";
import { SettingService } from "./features/settings/service";
import { AlarmClock } from "./features/tasks/alarm-clock";
import { taskPolicy } from "./features/tasks/policy";
import { TaskService } from "./features/tasks/service";
import { UserService } from "./features/users/service";
import { assignments } from "./hand-over";
import { Idempotency } from "./http/idempotency";
import { sealWith } from "./http/seal";
import type { Bus } from "./integrations/bus/bus";
import { memoryBus } from "./integrations/bus/memory";
import type { JobKind } from "./jobs/job";
import { pruneDaily } from "./jobs/pruning";
import { jobsTopic } from "./jobs/queue";
import { Scheduler } from "./jobs/scheduler";
import { Worker } from "./jobs/worker";
import { memoryLimiter, type Limiter } from "./integrations/limiter";
import { loginThrottle } from "./integrations/login-throttle";
import { purge, type PurgeResult, type Retention } from "./retention/purge";
import type { Purged } from "./retention/records";
import { Metrics } from "./ops/metrics";
import type { Mail } from "./integrations/mail/mail";
import { outboxMail } from "./integrations/mail/outbox";
import { smtpMail } from "./integrations/mail/smtp";
import { mailKind } from "./mails/kind";
import { loadTemplates } from "./mails/templates";
import { Links } from "./links";
import type { Watched } from "./realtime/hints";
import { Hub } from "./realtime/hub";
import { day, hour, second } from "./clock";
import { isEnabled } from "./config/features";

/** Everything the server is made of, besides the HTTP in front of it. */
export interface Parts {
  store: Store;
  metrics: Metrics;
  /** The settings in force. */
  live: LiveSettings;
  bus: Bus;
  limiter: Limiter;
  links: Links;
  background: Background;
  hasher: PasswordHasher;
  identities: Identities;
  idempotency: Idempotency;
  auth: AuthService;
  sessions: SessionService;
  tickets: TicketService;
  accounts: AccountService;
  passwords: PasswordService;
  resets: ResetService;
  invitations: InvitationService;
  verifications: VerificationService;
  settings: SettingService;
  users: UserService;
  clients: ClientService;
  tasks: TaskService;
  activities: ActivityService;
  notifications: NotificationService;
  /** What is done with jobs. */
  kinds: readonly JobKind[];
  /** Tells people about their tasks when the time comes. */
  alarms: AlarmClock;
  search: SearchService;
  jobs: JobService;
  /** From here on, what follows from events, what was queued and what is due is done here. */
  start(): void;
  hub: Hub;
  dashboard: DashboardService;
  /** Removes for good what has been kept for long enough: as configured, or as `keep` says. For one process at a time. */
  purge(keep?: Partial<Retention>): Promise<PurgeResult>;
  close(): Promise<void>;
}

/** The migrator of the database that the configuration names. */
export async function openMigrator(config: Config, dataDir: string): Promise<Migrator> {
  const url = config["database.url"];
  if (url === null)
    return sqliteMigrator(databaseFile(dataDir), join(dataDir, "backups"), sqliteMigrations, fills);
  // Loaded only where it is used: Bun's client for PostgreSQL takes 20 ms of a start.
  const { postgresMigrator } = await import("./db/migrate.postgres");
  return postgresMigrator(url, postgresMigrations, fills);
}

/** What migrations need besides SQL. */
const fills: Fills = { "0005_search": fillSearch };

/** Opens the stores, which have to be migrated, and builds the services on them. */
export async function openParts(
  config: ConfigWithSecrets,
  { dataDir, sources }: Pick<LoadedConfig, "dataDir" | "sources">,
): Promise<Parts> {
  const templates = await loadTemplates(dataDir);
  const metrics = new Metrics(config["database.url"] === null ? "sqlite" : "postgres");
  const wakes = new Map<string, () => void>();
  const database = measured(await openStore(config, dataDir, metrics.store), metrics.store);
  const store = telling(database, (topic) => wakes.get(topic)?.());
  const live = new LiveSettings(config, sources);
  const bus = await openBus(config);
  const secret = config["auth.jwt_secret"];
  const tokens = accessTokens(
    secret,
    config["auth.jwt_secret_previous"],
    config["auth.access_token_minutes"],
  );
  const identities = new Identities(store, tokens);
  const background = new Background(mostInBackground);
  const ringing = new Background();
  const forget = forgetEverywhere(identities, bus, ringing);
  const hasher = passwordHasher({
    concurrency: config["auth.password_concurrency"],
    queue: config["auth.password_queue"],
  });
  const checks = new PasswordChecks(hasher, loginThrottle());
  const issuer = new TokenIssuer(tokens, config["auth.refresh_token_days"]);
  const limiter = memoryLimiter({ maxKeys: 100_000 });
  const links = new Links(config["server.public_url"]);
  const mail = openMail(config, dataDir);
  const seal = sealWith(secret, config["auth.jwt_secret_previous"]);
  const mailing = { store, seal };
  const verifications = new VerificationService({ ...mailing, link: links.verifyEmail });
  const resets = new ResetService({
    ...{ ...mailing, checks, limiter, background, forget, link: links.resetPassword },
    minutes: config["auth.password_reset_minutes"],
  });
  const policies = [clientPolicy(() => live.get("visibility.clients")), taskPolicy()] as const;
  const clients = new ClientService(store, policies[0], () => live.get("clients.default_country"));
  const tasks = new TaskService(store, policies[1], clients.sees, () => live.get("tasks.due_soon_hours"));
  const users = new UserService(store, forget);
  const ringUser = (userId: string) => ringing.start(deaf, () => bus.ring(notificationTopic(userId)));
  const alarms = new AlarmClock({ store, tasks, ring: ringUser });
  const consumers: Consumer[] = [new Notifier({ clients, tasks }, ringUser)];
  const relay = new Relay({
    ...{ store, consumers },
    ordered: () => ringing.start(deaf, () => bus.ring(eventsTopic)),
  });
  wakes.set(eventsTopic, () => relay.nudge());
  const indexer = new Indexer(store);
  wakes.set(searchTopic, () => indexer.nudge());
  const kinds: JobKind[] = [mailKind({ store, mail, templates, links, seal })];
  const worker = new Worker({ store, kinds });
  wakes.set(jobsTopic, () => worker.nudge());
  const scheduler = new Scheduler(store);
  pruneDaily(scheduler, store, config["api.idempotency_hours"] * hour);
  const purgeNow = (keep?: Partial<Retention>) =>
    purge(store, purgedKinds(clients, tasks), {
      records: live.get("retention.days"),
      signIns: config["retention.sign_in_days"],
      events: config["retention.event_days"],
      ...keep,
    });
  scheduler.every("purge", day, async () => void (await purgeNow()));
  metrics.watch({ hasher, store, relay, worker });
  const activities = new ActivityService({ store, policy: new ActivityPolicy(...policies), clients, users });
  const notifications = new NotificationService(store);
  const settings = new SettingService(store, live, () => ringing.start(deaf, () => bus.ring(settingsTopic)));
  const hub = new Hub({
    ...{ store, bus },
    kinds: new Map<string, Watched>([
      ["client", clients],
      ["task", tasks],
    ]),
    admit: ({ userId, sessionId, authVersion }) =>
      identities.bearer({ userId: userId!, sessionId: sessionId!, authVersion: authVersion! }),
    limits: () => ({
      connections: live.get("realtime.connections"),
      perUser: live.get("realtime.connections_per_user"),
    }),
  });
  metrics.gauge("neocrm_realtime_connections", "WebSockets and event streams open now.", () => hub.size);
  await bus.start();
  const followed = followSettings(settings, bus);
  await settings.load();
  return {
    store,
    metrics,
    live,
    bus,
    limiter,
    links,
    background,
    hasher,
    identities,
    idempotency: new Idempotency(store, seal, config["api.idempotency_hours"] * hour),
    auth: new AuthService({
      ...{ store, checks, issuer, verifications, secret, forget },
      signIns: new SignInLog({ store, background }),
      registration: () => live.get("auth.registration"),
      setupEnabled: isEnabled(config, "setup"),
    }),
    sessions: new SessionService(store, forget),
    tickets: new TicketService(store, identities),
    accounts: new AccountService({
      ...{ store, checks, resets, verifications, forget },
      assignments: [assignments("clients", clients), assignments("tasks", tasks)],
    }),
    passwords: new PasswordService({ store, checks, issuer, forget }),
    resets,
    invitations: new InvitationService({ ...mailing, checks, issuer, link: links.acceptInvitation }),
    verifications,
    settings,
    users,
    clients,
    tasks,
    activities,
    dashboard: new DashboardService({ clients, tasks, notifications, activities }),
    purge: purgeNow,
    notifications,
    kinds,
    alarms,
    search: new SearchService({ clients, tasks }),
    jobs: new JobService(store),
    start() {
      for (const part of [relay, indexer, worker, scheduler, alarms]) part.start();
    },
    hub,
    async close() {
      await hub.close();
      await Promise.all([
        relay.close(),
        indexer.close(),
        scheduler.close(),
        alarms.close(),
        worker.close(config["server.grace_seconds"] * second),
      ]);
      await background.settled();
      mail.close?.();
      await followed.close();
      await ringing.settled();
      await bus.close();
      await store.close();
      metrics.close();
    },
  };
}

/** Where SQLite keeps everything. */
export const databaseFile = (dataDir: string) => join(dataDir, "neocrm.db");

async function openStore(config: Config, dataDir: string, measures: StoreMeasures): Promise<Store> {
  const url = config["database.url"];
  const deadlineMs = config["database.deadline_ms"];
  if (url === null) return openSqliteStore(databaseFile(dataDir), { deadlineMs, measures });
  const { openPostgresStore } = await import("./db/postgres");
  return openPostgresStore(url, { deadlineMs, measures, connections: config["database.connections"] });
}

async function openBus(config: Config): Promise<Bus> {
  const url = config["database.url"];
  if (url === null) return memoryBus();
  const { postgresBus } = await import("./integrations/bus/postgres");
  return postgresBus(url);
}

function openMail(config: Config, dataDir: string): Mail {
  const url = config["mail.smtp_url"];
  const from = config["mail.from"];
  if (url === null) return outboxMail(join(dataDir, "outbox"), from);
  return smtpMail({ url, from, tls: config["mail.tls"], timeoutMs: smtpTimeoutMs });
}

const smtpTimeoutMs = 30 * second;

/** What waits to be done after an answer. */
/** What is removed for good: tasks, then clients, from which those that are left are taken before. */
const purgedKinds = (clients: ClientService, tasks: TaskService): Purged[] => [
  tasks.rebuilt,
  {
    ...clients.rebuilt,
    detach: (session, actor, id, most) => tasks.leaveClient(session, actor, id, most),
  },
];

/** Mails that wait to be written. */
const mostInBackground = 1_000;

const userTopic = "user:";
const settingsTopic = "settings";
const deaf = "The bus could not be rung";

/**
 * Makes every instance forget a user's tokens: here at once, elsewhere as soon as the bus rings there. Nobody
 * waits for that but whoever closes the bus.
 */
function forgetEverywhere(identities: Identities, bus: Bus, ringing: Background) {
  bus.onRing((topic) => {
    if (topic.startsWith(userTopic)) identities.forget(topic.slice(userTopic.length));
  });
  bus.onGap(() => identities.forgetAll());
  return (userId: string): void => {
    identities.forget(userId);
    ringing.start(deaf, () => bus.ring(userTopic + userId));
  };
}

/** Reads the stored settings again when another instance changed one, or may have. */
function followSettings(settings: SettingService, bus: Bus): Follower {
  const follower = follow(settings.load);
  bus.onRing((topic) => {
    if (topic === settingsTopic) follower.refresh();
  });
  bus.onGap(() => follower.refresh());
  return follower;
}
