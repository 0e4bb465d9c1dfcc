import type { ConfigWithSecrets, LoadedConfig } from "./config";
import { telling } from "./db/after-commit";
import { measured } from "./db/measured";
import type { Store } from "./db/store";
import { Background } from "./background";
import type { Consumer } from "./events/consumer";
import { eventsTopic } from "./events/record";
import { Relay } from "./events/relay";
import { searchTopic } from "./db/search-write";
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
import type { BulkService } from "./features/bulk/service";
import { clientPolicy } from "./features/clients/policy";
import { ClientService } from "./features/clients/service";
import { ExportService } from "./features/exports/service";
import type { ImportService } from "./features/imports/service";
import { Notifier } from "./features/notifications/consumer";
import { notificationTopic } from "./features/notifications/notify";
import { NotificationService } from "./features/notifications/service";
import type { BlobKeeper } from "./features/files/blob-keeper";
import type { FileService } from "./features/files/service";
import type { Uploads } from "./features/files/uploads";
import { Passes } from "./features/shares/passes";
import { ShareService } from "./features/shares/service";
import { ShareVisits } from "./features/shares/visits";
import type { FolderService } from "./features/folders/service";
import { DashboardService } from "./features/dashboard/service";
import { jobSeenBy, type JobService } from "./features/jobs/service";
import { LiveSettings } from "./features/settings/live";
import { SearchService } from "./features/search/service";
import { SettingService } from "./features/settings/service";
import { AlarmClock } from "./features/tasks/alarm-clock";
import { taskPolicy } from "./features/tasks/policy";
import { TaskService } from "./features/tasks/service";
import type { Avatars } from "./features/users/avatars";
import { UserService } from "./features/users/service";
import { assignments } from "./hand-over";
import type { TrustedProxies } from "./http/client-address";
import type { Transport } from "./http/edge";
import { Idempotency } from "./http/idempotency";
import { sealWith } from "./http/seal";
import type { Bus } from "./integrations/bus/bus";
import type { JobKind } from "./jobs/job";
import { jobsTopic } from "./jobs/queue";
import { memoryLimiter, type Limiter } from "./integrations/limiter";
import { loginThrottle } from "./integrations/login-throttle";
import type { PurgeResult, Retention } from "./retention/purge";
import { Metrics } from "./ops/metrics";
import { Monitor } from "./ops/monitor/monitor";
import { tracedService } from "./ops/tracing/services";
import { tracedStore } from "./ops/tracing/store";
import { tracing } from "./ops/tracing/tracing";
import { mailKind } from "./mails/kind";
import { loadTemplates } from "./mails/templates";
import { Links } from "./links";
import type { Actor } from "./policy";
import type { Watched } from "./realtime/hints";
import { Hub } from "./realtime/hub";
import { hour, second } from "./clock";
import { isEnabled } from "./config/features";
import { deaf, followCancels, followSettings, forgetEverywhere, settingsTopic } from "./other-instances";
import { openFiles } from "./parts-of-files";
import { openJobs } from "./parts-of-jobs";
import { arrival, openBus, openMail, openStore, signing } from "./surroundings";

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
// prettier-ignore
const services = [
  "auth", "sessions", "tickets", "accounts", "passwords", "resets", "invitations", "verifications", "settings", "users",
  "clients", "tasks", "shares", "visits", "activities", "notifications", "jobs", "bulk", "imports", "dashboard",
] as const;

const withTracedServices = (parts: Parts): Parts => ({
  ...parts,
  ...Object.fromEntries(services.map((name) => [name, tracedService<object>(parts[name])])),
});

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
  const filing = openFiles({
    ...{ store, live, dataDir, clients, tasks, forget, measure: metrics.work },
    followed: { clients: policies[0], tasks: policies[1] },
    importing: () => working.imports.filesInUse(),
  });
  const { blobs, keeper, contents, folders, files } = filing;
  const backups = new BackupService({ config, dataDir, store, keeper });
  backups.show(metrics);
  const users = new UserService(store, forget);
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
  const mails = mailKind({
    ...{ store, mail, templates, links, seal },
    tellsByMail: () => live.get("features.notification_mails"),
  });
  const working = openJobs({
    ...{ store, live, config, services: { clients, tasks, folders, files } },
    ...{ blobs, keeper, contents, backups, mails, measure: metrics.work },
  });
  const { imports, worker, scheduler } = working;
  wakes.set(jobsTopic, () => worker.nudge());
  metrics.watch({ hasher, store, relay, worker, bus });
  const activities = new ActivityService({
    store,
    policy: new ActivityPolicy(...policies, filing.folderPolicy, filing.filePolicy),
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
  followCancels(worker, bus);
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
    avatars: filing.avatars,
    clients,
    tasks,
    folders,
    files,
    uploads: filing.uploads,
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
    purge: working.purge,
    notifications,
    kinds: working.kinds,
    alarms,
    search: new SearchService({ clients, tasks, files }),
    jobs: working.jobs,
    bulk: working.bulk,
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
        indexer.close(),
        scheduler.close(),
        alarms.close(),
        worker.close(config["server.grace_seconds"] * second),
      ]);
      filing.close();
      await background.settled();
      // After whoever may still have written.
      await relay.close();
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

/** Mails that wait to be written. */
const mostInBackground = 1_000;
