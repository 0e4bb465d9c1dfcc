import { join } from "node:path";
import type { Config, ConfigWithSecrets, LoadedConfig } from "./config";
import { postgresMigrations, sqliteMigrations } from "./db/migrations.generated";
import type { Migrator, UpgradeWork } from "./db/migrate";
import { selfCheck } from "./db/self-check";
import { databaseFile, snapshotsOf } from "./backup/database-files";
import { pruningSnapshots } from "./backup/snapshots";
import { sqliteMigrator } from "./db/migrate.sqlite";
import { telling } from "./db/after-commit";
import { measured, type StoreMeasures } from "./db/measured";
import { openSqliteStore } from "./db/sqlite";
import type { Session, Store } from "./db/store";
import { Background } from "./background";
import type { Consumer } from "./events/consumer";
import { eventsTopic } from "./events/record";
import { Relay } from "./events/relay";
import { searchTopic } from "./db/search-write";
import { fillFileSearch, fillSearch } from "./search/fill";
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
import { BackupService } from "./features/backups/service";
import { BulkService, type BulkRecords } from "./features/bulk/service";
import { clientFields } from "./features/clients/fields";
import { clientPolicy } from "./features/clients/policy";
import { ClientInput, ClientPatch } from "./features/clients/schema";
import { ClientService } from "./features/clients/service";
import { ExportService } from "./features/exports/service";
import { namingFor } from "./features/imports/naming";
import type { ImportRecords } from "./features/imports/records";
import { ImportService } from "./features/imports/service";
import { Notifier } from "./features/notifications/consumer";
import { notificationTopic } from "./features/notifications/notify";
import { NotificationService } from "./features/notifications/service";
import { ContentReader } from "./contents/reader";
import { FileContents } from "./features/files/contents";
import { BlobKeeper } from "./features/files/blob-keeper";
import { FilePolicy } from "./features/files/policy";
import { Quota } from "./features/files/quota";
import { FileService } from "./features/files/service";
import { Uploads } from "./features/files/uploads";
import { Passes } from "./features/shares/passes";
import { ShareService } from "./features/shares/service";
import { ShareVisits } from "./features/shares/visits";
import { FolderPolicy } from "./features/folders/policy";
import { FolderService } from "./features/folders/service";
import { DashboardService } from "./features/dashboard/service";
import { tellFinished } from "./features/jobs/finished";
import { jobSeenBy, JobService } from "./features/jobs/service";
import { undoKind } from "./features/jobs/undo";
import { follow, type Follower } from "./features/settings/follow";
import { LiveSettings } from "./features/settings/live";
import { SearchService } from "./features/search/service";
import { SettingService } from "./features/settings/service";
import { AlarmClock } from "./features/tasks/alarm-clock";
import { taskFields } from "./features/tasks/fields";
import { taskPolicy } from "./features/tasks/policy";
import { TaskInput, TaskPatch } from "./features/tasks/schema";
import { TaskService } from "./features/tasks/service";
import { Avatars } from "./features/users/avatars";
import { UserService } from "./features/users/service";
import { assignments } from "./hand-over";
import { trustedProxies, type TrustedProxies } from "./http/client-address";
import type { Transport } from "./http/edge";
import { Idempotency } from "./http/idempotency";
import { sealWith } from "./http/seal";
import type { Bus } from "./integrations/bus/bus";
import { memoryBus } from "./integrations/bus/memory";
import { openBlobs } from "./integrations/blobs/open";
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
import { Monitor } from "./ops/monitor/monitor";
import type { Mail } from "./integrations/mail/mail";
import { outboxMail } from "./integrations/mail/outbox";
import { smtpMail } from "./integrations/mail/smtp";
import { tracedKind } from "./ops/tracing/jobs";
import { tracedService } from "./ops/tracing/services";
import { tracedStore } from "./ops/tracing/store";
import { tracing } from "./ops/tracing/tracing";
import { mailKind } from "./mails/kind";
import { loadTemplates } from "./mails/templates";
import { Links } from "./links";
import type { Actor } from "./policy";
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
  /** Goes over to another configuration, which differs only in what needs no restart. */
  reconfigure(loaded: Pick<LoadedConfig, "config" | "sources">): void;
  /** How requests come here. */
  proxies: TrustedProxies;
  transport: Transport;
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
  avatars: Avatars;
  clients: ClientService;
  tasks: TaskService;
  folders: FolderService;
  files: FileService;
  uploads: Uploads;
  shares: ShareService;
  visits: ShareVisits;
  keeper: BlobKeeper;
  backups: BackupService;
  activities: ActivityService;
  notifications: NotificationService;
  /** What is done with jobs. */
  kinds: readonly JobKind[];
  /** Tells people about their tasks when the time comes. */
  alarms: AlarmClock;
  search: SearchService;
  jobs: JobService;
  bulk: BulkService;
  imports: ImportService;
  /** From here on, what follows from events, what was queued and what is due is done here. */
  start(): void;
  hub: Hub;
  monitor: Monitor;
  dashboard: DashboardService;
  exports: ExportService;
  /** Removes for good what has been kept for long enough: as configured, or as `keep` says. For one process at a time. */
  purge(keep?: Partial<Retention>): Promise<PurgeResult>;
  close(): Promise<void>;
}

/** What is called once for each request, or so. */
const services = [
  ...([
    "auth",
    "sessions",
    "tickets",
    "accounts",
    "passwords",
    "resets",
    "invitations",
    "verifications",
  ] as const),
  ...([
    "settings",
    "users",
    "clients",
    "tasks",
    "shares",
    "visits",
    "activities",
    "notifications",
    "jobs",
    "bulk",
    "imports",
    "dashboard",
  ] as const),
] as const;

const withTracedServices = (parts: Parts): Parts => ({
  ...parts,
  ...Object.fromEntries(services.map((name) => [name, tracedService<object>(parts[name])])),
});

/** The migrator of the database that the configuration names. */
export async function openMigrator(config: Config, dataDir: string): Promise<Migrator> {
  const url = config["database.url"];
  if (url === null) {
    const migrator = sqliteMigrator(databaseFile(dataDir), snapshotsOf(dataDir), sqliteMigrations, work);
    return pruningSnapshots(migrator, dataDir, "db");
  }
  // Loaded only where it is used: Bun's client for PostgreSQL takes 20 ms of a start.
  const { postgresMigrator } = await import("./db/migrate.postgres");
  const snapshot = async (name: string) => {
    const { snapshotPostgres } = await import("./backup/snapshot-postgres");
    return snapshotPostgres(url, dataDir, name);
  };
  const migrator = postgresMigrator(url, postgresMigrations, { ...work, snapshot });
  return pruningSnapshots(migrator, dataDir, "dump");
}

/** What migrations need besides SQL, and what has to be so after them. */
const work: UpgradeWork = {
  fills: { "0007_search": fillSearch, "0011_contents": fillFileSearch },
  check: selfCheck,
};

/** Opens the stores, which have to be migrated, and builds the services on them. */
export async function openParts(
  config: ConfigWithSecrets,
  { dataDir, sources }: Pick<LoadedConfig, "dataDir" | "sources">,
): Promise<Parts> {
  const templates = await loadTemplates(dataDir);
  const metrics = new Metrics(config["database.url"] === null ? "sqlite" : "postgres");
  const wakes = new Map<string, () => void>();
  const opened = measured(await openStore(config, dataDir, metrics.store), metrics.store);
  const database = tracing() ? tracedStore(opened) : opened;
  const tell = (topic: string) => {
    const wake = wakes.get(topic);
    if (wake) wake();
    else ringing.start(deaf, () => bus.ring(topic));
  };
  const store = telling(database, tell);
  const live = new LiveSettings(config, sources);
  const bus = await openBus(config);
  const secret = () => live.get("auth.jwt_secret")!;
  const previousSecret = () => live.get("auth.jwt_secret_previous");
  const tokens = live.opened(signing, () =>
    accessTokens(secret(), previousSecret(), config["auth.access_token_minutes"]),
  );
  const identities = new Identities(store, tokens, () => bus.isDeaf);
  const background = new Background(mostInBackground);
  const ringing = new Background();
  const forget = forgetEverywhere(identities, bus, ringing, (userId) => hub.recheck(userId));
  const hasher = passwordHasher({
    concurrency: config["auth.password_concurrency"],
    queue: config["auth.password_queue"],
  });
  const checks = new PasswordChecks(hasher, loginThrottle());
  const issuer = new TokenIssuer(tokens, config["auth.refresh_token_days"]);
  const limiter = memoryLimiter({ maxKeys: 100_000 });
  const links = new Links(() => live.get("server.public_url"));
  const mail = live.opened(
    ["mail.from", "mail.smtp_url", "mail.tls"],
    () => openMail(live, dataDir),
    (old) => old.close?.(),
  );
  const seal = live.opened(signing, () => sealWith(secret(), previousSecret()));
  const mailing = { store, seal };
  const verifications = new VerificationService({ ...mailing, link: links.verifyEmail });
  const resets = new ResetService({
    ...{ ...mailing, checks, limiter, background, forget, link: links.resetPassword },
    minutes: config["auth.password_reset_minutes"],
  });
  const seesClients = clientPolicy(() => live.get("visibility.clients"));
  const policies = [seesClients, taskPolicy(seesClients)] as const;
  const clients = new ClientService(store, policies[0], () => live.get("clients.default_country"));
  const tasks = new TaskService(store, policies[1], clients.sees, () => live.get("tasks.due_soon_hours"));
  const blobs = live.opened(["s3.access_key_id", "s3.secret_access_key"], () =>
    openBlobs(live.all(), dataDir),
  );
  const keeper = new BlobKeeper(store, blobs, () => imports.filesInUse());
  const backups = new BackupService({ config, dataDir, store, keeper });
  backups.show(metrics);
  const quota = new Quota(() => ({
    file: live.get("files.max_size"),
    user: live.get("files.user_quota"),
    all: live.get("files.quota"),
  }));
  const filePolicy = new FilePolicy({ clients: policies[0], tasks: policies[1] });
  const folderPolicy = new FolderPolicy();
  const folders: FolderService = new FolderService(store, folderPolicy, () => files.contents);
  const contentReader = new ContentReader();
  const contents = new FileContents(store, keeper, contentReader);
  const files = new FileService({
    ...{ store, policy: filePolicy, keeper, quota, contents, hasFolder: folders.sees },
    client: (session, actor, id) => clients.seen(session, actor, id),
    task: (session, actor, id) => tasks.seen(session, actor, id),
  });
  const uploads = new Uploads({
    ...{ store, files, keeper, quota },
    refusedTypes: () => live.get("files.refused_types"),
    measure: metrics.work,
  });
  const users = new UserService(store, forget);
  // Somebody waits for it, so it does not wait for the files of others.
  const avatarReader = new ContentReader(10 * second);
  const avatars = new Avatars({ store, keeper, reader: avatarReader, forget });
  const ringUser = (userId: string) => ringing.start(deaf, () => bus.ring(notificationTopic(userId)));
  const alarms = new AlarmClock({ store, tasks, ring: ringUser });
  const consumers: Consumer[] = [new Notifier({ clients, tasks, files }, ringUser)];
  const relay = new Relay({
    ...{ store, consumers },
    ordered: () => ringing.start(deaf, () => bus.ring(eventsTopic)),
  });
  wakes.set(eventsTopic, () => relay.nudge());
  const indexer = new Indexer(store);
  wakes.set(searchTopic, () => indexer.nudge());
  const kinds: JobKind[] = [
    mailKind({
      ...{ store, mail, templates, links, seal },
      tellsByMail: () => live.get("features.notification_mails"),
    }),
    undoKind(store, undoableKinds({ clients, tasks, files })),
  ];
  const country = () => live.get("clients.default_country");
  const bulk = new BulkService(
    store,
    { clients: manyOf(clients, clientFields), tasks: manyOf(tasks, taskFields) },
    country,
  );
  const imports: ImportService = new ImportService({
    ...{ store, blobs },
    records: { clients: importedClients(clients), tasks: importedTasks(tasks) },
    mostBytes: () => live.get("files.max_size"),
    naming: (actor) => namingFor(store, clients, actor),
  });
  kinds.push(...bulk.kinds, ...backups.kinds, ...imports.kinds, contents.kind);
  const worker = new Worker({
    ...{ store, onEnd: tellFinished, measures: metrics.work },
    // One process writes a SQLite file.
    isAlone: store.engine === "sqlite",
    kinds: tracing() ? kinds.map(tracedKind) : kinds,
  });
  wakes.set(jobsTopic, () => worker.nudge());
  const scheduler = new Scheduler(store);
  pruneDaily(scheduler, store, config["api.idempotency_hours"] * hour);
  const purgeNow = async (keep?: Partial<Retention>) => {
    const purged = await purge(store, purgedKinds({ clients, tasks, folders, files }), {
      records: live.get("retention.days"),
      signIns: config["retention.sign_in_days"],
      events: config["retention.event_days"],
      ...keep,
    });
    await keeper.sweep(strayAfterMs);
    return purged;
  };
  scheduler.every("purge", day, async () => void (await purgeNow()));
  backups.schedule(scheduler);
  scheduler.once("alarms of older tasks", () => tasks.makeAlarms());
  scheduler.once("contents of older files", () => contents.readOlder());
  metrics.watch({ hasher, store, relay, worker, bus });
  const activities = new ActivityService({
    store,
    policy: new ActivityPolicy(...policies, folderPolicy, filePolicy),
    clients,
    users,
  });
  const notifications = new NotificationService(store);
  const settings = new SettingService(store, live, () => ringing.start(deaf, () => bus.ring(settingsTopic)));
  const admit = ({ userId, sessionId, authVersion }: Actor) =>
    identities.bearer({ userId: userId!, sessionId: sessionId!, authVersion: authVersion! });
  const hub: Hub = new Hub({
    ...{ store, bus, admit, measure: metrics.work },
    sees: jobSeenBy,
    kinds: new Map<string, Watched>([
      ["client", clients],
      ["task", tasks],
      ["folder", folders],
      ["file", files],
    ]),
    limits: () => ({
      connections: live.get("realtime.connections"),
      perUser: live.get("realtime.connections_per_user"),
    }),
  });
  metrics.gauge("neocrm_realtime_connections", "WebSockets and event streams open now.", () => hub.size);
  const monitor = new Monitor({ metrics, store, hub, dataDir });
  await bus.start();
  const followed = followSettings(settings, bus);
  await settings.load();
  const parts: Parts = {
    store,
    metrics,
    live,
    reconfigure(next) {
      live.configure(next.config, next.sources);
      identities.forgetAll();
    },
    ...arrival(live),
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
    avatars,
    clients,
    tasks,
    folders,
    files,
    uploads,
    shares: new ShareService({
      ...{ store, files, checks, link: links.share },
      days: () => live.get("shares.days"),
    }),
    visits: new ShareVisits({
      ...{ store, files, checks, contents },
      passes: new Passes(secret),
    }),
    keeper,
    backups,
    activities,
    dashboard: new DashboardService({ clients, tasks, files, notifications, activities }),
    exports: new ExportService({ admit }),
    purge: purgeNow,
    notifications,
    kinds,
    alarms,
    search: new SearchService({ clients, tasks, files }),
    jobs: new JobService(store, kinds),
    bulk,
    imports,
    start() {
      for (const part of [relay, indexer, worker, scheduler, alarms, monitor]) part.start();
    },
    hub,
    monitor,
    async close() {
      await monitor.close();
      await hub.close();
      await Promise.all([
        relay.close(),
        indexer.close(),
        scheduler.close(),
        alarms.close(),
        worker.close(config["server.grace_seconds"] * second),
      ]);
      contentReader.close();
      avatarReader.close();
      await background.settled();
      mail.close?.();
      await followed.close();
      await ringing.settled();
      await bus.close();
      await store.close();
      metrics.close();
    },
  };
  return tracing() ? withTracedServices(parts) : parts;
}

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

/** How requests reach the server, as it is configured at that moment. */
const arrival = (live: LiveSettings): Pick<Parts, "proxies" | "transport"> => ({
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
const signing = ["auth.jwt_secret", "auth.jwt_secret_previous"] as const;

function openMail(live: LiveSettings, dataDir: string): Mail {
  const url = live.get("mail.smtp_url");
  const from = live.get("mail.from");
  if (url === null) return outboxMail(join(dataDir, "outbox"), from);
  return smtpMail({ url, from, tls: live.get("mail.tls"), timeoutMs: smtpTimeoutMs });
}

const smtpTimeoutMs = 30 * second;

const manyOf = (service: ClientService | TaskService, fields: BulkRecords["fields"]): BulkRecords => ({
  fields,
  walk: (actor, request) => service.walk(actor, request),
  applyIn: (session, actor, item, change) => service.applyIn(session, actor, item, change),
});

const importedClients = (clients: ClientService): ImportRecords => ({
  ...{ input: ClientInput, patch: ClientPatch, kept: ["status"], matches: clients.matches },
  createManyIn: (session, actor, inputs) => clients.createManyIn(session, actor, inputs),
  applyIn: (session, actor, item, change) => clients.applyIn(session, actor, item, change),
  seenAmong: (session, actor, ids) => clients.seenAmong(session, actor, ids),
  find: (session, id) => clients.current(session, id),
  recall: (session, rows) => clients.recall(session, rows as never),
});

const importedTasks = (tasks: TaskService): ImportRecords => ({
  ...{ input: TaskInput, patch: TaskPatch, kept: ["status", "priority"], matches: tasks.matches },
  createManyIn: (session, actor, inputs) => tasks.createManyIn(session, actor, inputs),
  applyIn: (session, actor, item, change) => tasks.applyIn(session, actor, item, change),
  seenAmong: (session, actor, ids) => tasks.seenAmong(session, actor, ids),
  find: (session, id) => tasks.current(session, id),
  recall: (session, rows) => tasks.recall(session, rows as never),
});

/** No upload takes so long: what has no row by then was left behind. */
const strayAfterMs = day;

/** What a job can have changed. A record that others point to does not go: they would lose it without an event. */
const undoableKinds = ({ clients, tasks, files }: Pick<Parts, "clients" | "tasks" | "files">) => ({
  client: {
    undoIn: clients.undoIn,
    inUse: async (session: Session, ids: string) =>
      (await tasks.clientsAmong(session, ids)).union(await files.ownersAmong(session, "client_id", ids)),
  },
  task: {
    undoIn: tasks.undoIn,
    inUse: (session: Session, ids: string) => files.ownersAmong(session, "task_id", ids),
  },
});

/** What is removed for good: what belongs to others first; from the others, those that are left are taken before. */
const purgedKinds = ({
  clients,
  tasks,
  folders,
  files,
}: Pick<Parts, "clients" | "tasks" | "folders" | "files">): Purged[] => [
  { ...files.rebuilt, remove: (session, id) => files.remove(session, id) },
  {
    ...folders.rebuilt,
    detach: async (session, actor, id, most) => {
      const left = await files.leave(session, actor, "folder_id", id, most);
      return left === most ? most : left + (await folders.leaveParent(session, actor, id, most - left));
    },
  },
  {
    ...tasks.rebuilt,
    detach: (session, actor, id, most) => files.leave(session, actor, "task_id", id, most),
  },
  {
    ...clients.rebuilt,
    detach: async (session, actor, id, most) => {
      const left = await tasks.leaveClient(session, actor, id, most);
      return left === most ? most : left + (await files.leave(session, actor, "client_id", id, most - left));
    },
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
function forgetEverywhere(
  identities: Identities,
  bus: Bus,
  ringing: Background,
  recheck: (userId: string) => void,
) {
  bus.onRing((topic) => {
    if (topic.startsWith(userTopic)) identities.forget(topic.slice(userTopic.length));
  });
  bus.onGap(() => identities.forgetAll());
  return (userId: string): void => {
    identities.forget(userId);
    recheck(userId);
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
