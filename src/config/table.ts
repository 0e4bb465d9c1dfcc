import {
  addressRanges,
  anyText,
  bearerToken,
  country,
  email,
  host,
  mediaTypes,
  origins,
  otlpEndpoint,
  otlpHeaders,
  postgresUrl,
  publicUrl,
  sentryDsn,
  signingSecret,
  smtpUrl,
  timesOfDay,
} from "./formats";
import { logModules, type LogModule } from "../ops/log-modules";
import { boolean, choice, integer, size, type Type } from "./types";

/** One thing that can be configured. */
export interface Setting<Value> {
  readonly type: Type<Value>;
  /** `null` when it may stay unset. */
  readonly default: Value;
  /** Its environment variable. A secret may also come from the file that `<env>_FILE` names. */
  readonly env: string;
  /** Its short name on the command line, where its key is accepted too. Secrets are never flags. */
  readonly flag?: string;
  /** Never printed, logged or quoted in a message. */
  readonly secret: boolean;
  /** An admin may change it while the server runs; what is configured is then where it starts from. */
  readonly changeable: boolean;
  /** A running server takes a new value over on SIGHUP; what an admin may change always is. */
  readonly reloads: boolean;
  /** One sentence for whoever sets it. */
  readonly describe: string;
}

type Described<Value> = Pick<Setting<Value>, "env" | "flag" | "describe"> &
  Partial<Pick<Setting<Value>, "secret" | "changeable" | "reloads">>;

function setting<Value>(
  given: Described<Value> & { type: Type<Value>; default: NoInfer<Value> },
): Setting<Value> {
  return { secret: false, changeable: false, reloads: given.changeable ?? false, ...given };
}

function optional<Value>(given: Described<Value> & { type: Type<Value> }): Setting<Value | null> {
  return setting<Value | null>({ ...given, default: null } as Parameters<typeof setting<Value | null>>[0]);
}

const KiB = 1024;
const MiB = 1024 * KiB;
const TiB = 1024 * 1024 * MiB;

const logLevel = choice("debug", "info", "warn", "error");

/** A level for each part of the server that has one of its own. `fromEntries` forgets the names, which the cast gives back. */
const levelsOfModules = Object.fromEntries(
  Object.entries(logModules).map(([name, what]) => [
    `log.levels.${name}`,
    optional({
      type: logLevel,
      env: `NEOCRM_LOG_LEVELS_${name.toUpperCase()}`,
      reloads: true,
      describe: `What is logged at least of ${what}; unset, as log.level says.`,
    }),
  ]),
) as unknown as Record<`log.levels.${LogModule}`, Setting<"debug" | "info" | "warn" | "error" | null>>;

/** Everything that can be configured. Files, variables, flags, types and documentation all come from here. */
export const settings = {
  "server.host": setting({
    type: host,
    default: "0.0.0.0",
    env: "HOST",
    flag: "host",
    describe: "The address to listen on; 0.0.0.0 takes connections from every network.",
  }),
  "server.port": setting({
    type: integer(0, 65_535),
    default: 3000,
    env: "PORT",
    flag: "port",
    describe: "The port to listen on; 0 takes any free one.",
  }),
  "server.public_url": optional({
    type: publicUrl,
    env: "NEOCRM_SERVER_PUBLIC_URL",
    reloads: true,
    describe: "Where people reach the server; links in mails start with it.",
  }),
  "server.grace_seconds": setting({
    type: integer(0, 600),
    default: 10,
    env: "NEOCRM_SERVER_GRACE_SECONDS",
    describe: "How many seconds a stopping server gives to the requests that are under way.",
  }),
  "server.trusted_proxies": setting({
    type: addressRanges,
    default: [],
    env: "NEOCRM_SERVER_TRUSTED_PROXIES",
    reloads: true,
    describe: "The proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
  }),
  "server.https": setting({
    type: choice("off", "redirect", "require"),
    default: "off",
    env: "NEOCRM_SERVER_HTTPS",
    reloads: true,
    describe:
      "What happens to requests that reached the proxy without HTTPS: served, redirected, or refused.",
  }),
  "server.hsts_max_age": setting({
    type: integer(0, 63_072_000),
    default: 31_536_000,
    env: "NEOCRM_SERVER_HSTS_MAX_AGE",
    reloads: true,
    describe: "For how many seconds browsers that came by HTTPS insist on it; 0 sends no such header.",
  }),
  "server.body_limit": setting({
    type: size(KiB, 64 * MiB),
    default: MiB,
    env: "NEOCRM_SERVER_BODY_LIMIT",
    describe: "The largest request body, uploads of files and lists of many records (8 MiB) apart.",
  }),
  "server.idle_timeout_seconds": setting({
    type: integer(1, 255),
    default: 30,
    env: "NEOCRM_SERVER_IDLE_TIMEOUT_SECONDS",
    describe: "After how many seconds without traffic a connection is closed.",
  }),

  "data.dir": setting({
    type: anyText,
    default: "data",
    env: "DATA_DIR",
    flag: "data-dir",
    describe: "Where the database, files and secrets are kept; relative to the directory of the start.",
  }),

  "files.max_size": setting({
    type: size(KiB, TiB),
    default: 50 * MiB,
    env: "MAX_FILE_SIZE",
    changeable: true,
    describe: "The largest file that can be uploaded.",
  }),
  "files.max_count": setting({
    type: integer(1, 1_000),
    default: 50,
    env: "NEOCRM_FILES_MAX_COUNT",
    changeable: true,
    describe: "How many files one request can upload.",
  }),
  "files.user_quota": setting({
    type: size(0, 1024 * TiB),
    default: 0,
    env: "NEOCRM_FILES_USER_QUOTA",
    changeable: true,
    describe:
      "How much room the files may take that one user uploaded, deleted ones included; 0 is no limit.",
  }),
  "files.quota": setting({
    type: size(0, 1024 * TiB),
    default: 0,
    env: "NEOCRM_FILES_QUOTA",
    changeable: true,
    describe: "How much room all files together may take, the same bytes counted once; 0 is no limit.",
  }),
  "files.refused_types": setting({
    type: mediaTypes,
    default: ["application/x-msdownload", "application/x-elf", "application/x-mach-binary"],
    env: "NEOCRM_FILES_REFUSED_TYPES",
    changeable: true,
    describe: "The types of files that are not taken, by their bytes: at first, programs.",
  }),

  "s3.endpoint": optional({
    type: publicUrl,
    env: "S3_ENDPOINT",
    describe:
      "Where a service that speaks like S3 is, to keep files there; unset, they are in the data directory.",
  }),
  "s3.bucket": optional({
    type: anyText,
    env: "S3_BUCKET",
    describe: "The bucket that files are kept in.",
  }),
  "s3.region": setting({
    type: anyText,
    default: "us-east-1",
    env: "S3_REGION",
    describe: "The region of the bucket.",
  }),
  "s3.access_key_id": optional({
    type: anyText,
    env: "S3_ACCESS_KEY_ID",
    reloads: true,
    secret: true,
    describe: "Who the server is to the service that has its files.",
  }),
  "s3.secret_access_key": optional({
    type: anyText,
    env: "S3_SECRET_ACCESS_KEY",
    reloads: true,
    secret: true,
    describe: "What proves it there.",
  }),

  "database.url": optional({
    type: postgresUrl,
    env: "DATABASE_URL",
    secret: true,
    describe: "The PostgreSQL database; unset, SQLite in the data directory.",
  }),
  "database.connections": setting({
    type: integer(1, 500),
    default: 10,
    env: "NEOCRM_DATABASE_CONNECTIONS",
    describe: "How many connections to PostgreSQL are held open at most.",
  }),
  "database.deadline_ms": setting({
    type: integer(100, 600_000),
    default: 5000,
    env: "NEOCRM_DATABASE_DEADLINE_MS",
    describe: "After how many milliseconds a query is given up.",
  }),

  "auth.jwt_secret": optional({
    type: signingSecret,
    env: "JWT_SECRET",
    reloads: true,
    secret: true,
    describe:
      "The key that signs access tokens; unset, one is made on the first start and kept with the data.",
  }),
  "auth.jwt_secret_previous": optional({
    type: signingSecret,
    env: "JWT_SECRET_PREVIOUS",
    reloads: true,
    secret: true,
    describe: "The key before the last change, so that tokens signed with it stay valid until they expire.",
  }),
  "auth.access_token_minutes": setting({
    type: integer(1, 1440),
    default: 15,
    env: "NEOCRM_AUTH_ACCESS_TOKEN_MINUTES",
    describe: "How many minutes an access token is valid.",
  }),
  "auth.refresh_token_days": setting({
    type: integer(1, 365),
    default: 30,
    env: "NEOCRM_AUTH_REFRESH_TOKEN_DAYS",
    describe: "How many days a sign-in lasts without being used.",
  }),
  "auth.registration": setting({
    type: choice("open", "closed"),
    default: "closed",
    env: "NEOCRM_AUTH_REGISTRATION",
    changeable: true,
    describe: "Whether anyone may make an account, or only those whom an admin lets in.",
  }),
  "auth.password_reset_minutes": setting({
    type: integer(5, 10_080),
    default: 60,
    env: "NEOCRM_AUTH_PASSWORD_RESET_MINUTES",
    describe: "How many minutes a mailed link to choose a password is good for.",
  }),
  "auth.password_concurrency": setting({
    type: integer(0, 64),
    default: 0,
    env: "NEOCRM_AUTH_PASSWORD_CONCURRENCY",
    describe: "How many passwords are hashed at once; 0 is one less than the processor cores, at least one.",
  }),
  "auth.password_queue": setting({
    type: integer(0, 10_000),
    default: 100,
    env: "NEOCRM_AUTH_PASSWORD_QUEUE",
    describe: "How many passwords may wait to be hashed before further sign-ins are told to come back later.",
  }),

  "admin.email": optional({
    type: email,
    env: "NEOCRM_ADMIN_EMAIL",
    describe: "The first admin, made on a start that finds no admin.",
  }),
  "admin.password": optional({
    type: anyText,
    env: "NEOCRM_ADMIN_PASSWORD",
    secret: true,
    describe: "The password of the first admin.",
  }),

  "mail.from": setting({
    type: email,
    default: "neocrm@localhost",
    env: "NEOCRM_MAIL_FROM",
    reloads: true,
    describe: "The sender's address of mails.",
  }),

  "mail.smtp_url": optional({
    type: smtpUrl,
    env: "SMTP_URL",
    reloads: true,
    secret: true,
    describe: "The mail server that takes mails; unset, they are written to outbox/ in the data directory.",
  }),
  "mail.tls": setting({
    type: choice("required", "opportunistic", "none"),
    default: "required",
    env: "NEOCRM_MAIL_TLS",
    reloads: true,
    describe:
      "Whether mails go to an smtp:// server only encrypted and if its certificate is right, encrypted if it can, or never so.",
  }),

  "tracing.endpoint": optional({
    type: otlpEndpoint,
    env: "OTEL_EXPORTER_OTLP_ENDPOINT",
    describe: "The OpenTelemetry collector that takes traces over OTLP/HTTP; unset, there are none.",
  }),
  "tracing.headers": optional({
    type: otlpHeaders,
    env: "OTEL_EXPORTER_OTLP_HEADERS",
    secret: true,
    describe: "Headers for the collector, such as authorization=Bearer%20…; several with commas between.",
  }),
  "tracing.percent": setting({
    type: integer(0, 100),
    default: 100,
    env: "NEOCRM_TRACING_PERCENT",
    describe: "How many of a hundred requests are traced, of those whose caller does not decide it.",
  }),
  "reports.dsn": optional({
    type: sentryDsn,
    env: "SENTRY_DSN",
    secret: true,
    describe: "Where errors are reported, Sentry or what speaks its protocol; unset, nowhere.",
  }),

  "cors.origins": setting({
    type: origins,
    default: [],
    env: "CORS_ORIGIN",
    describe: 'The web sites whose pages may call the API; "*" is every one.',
  }),

  "limits.ip_per_minute": setting({
    type: integer(0, 1_000_000),
    default: 100,
    env: "RATE_LIMIT_IP",
    changeable: true,
    describe: "Requests a minute from one address without credentials; 0 is no limit.",
  }),
  "limits.auth_per_minute": setting({
    type: integer(0, 1_000_000),
    default: 10,
    env: "RATE_LIMIT_AUTH",
    changeable: true,
    describe: "Attempts a minute to sign in or register, for each address and account; 0 is no limit.",
  }),
  "limits.user_per_minute": setting({
    type: integer(0, 1_000_000),
    default: 1000,
    env: "RATE_LIMIT_USER",
    changeable: true,
    describe: "Requests a minute of one user; 0 is no limit.",
  }),

  "api.require_if_match": setting({
    type: boolean,
    default: false,
    env: "NEOCRM_API_REQUIRE_IF_MATCH",
    changeable: true,
    describe: "Whether a change must name the version it is made to.",
  }),
  "api.idempotency_hours": setting({
    type: integer(1, 720),
    default: 24,
    env: "NEOCRM_API_IDEMPOTENCY_HOURS",
    describe: "For how many hours a repeated request with the same Idempotency-Key gets the first answer.",
  }),

  "visibility.clients": setting({
    type: choice("all", "own"),
    default: "all",
    env: "NEOCRM_VISIBILITY_CLIENTS",
    changeable: true,
    describe: "Which clients the role user sees: all, or only its own and those assigned to it.",
  }),

  "tasks.due_soon_hours": setting({
    type: integer(0, 720),
    default: 24,
    env: "NEOCRM_TASKS_DUE_SOON_HOURS",
    changeable: true,
    describe:
      "How many hours before it is due a task's owner is told, for tasks written from then on; 0 is not at all.",
  }),

  "clients.default_country": optional({
    type: country,
    env: "NEOCRM_CLIENTS_DEFAULT_COUNTRY",
    changeable: true,
    describe: "The country of phone numbers that are written without one.",
  }),

  "retention.days": setting({
    type: integer(1, 3650),
    default: 30,
    env: "NEOCRM_RETENTION_DAYS",
    changeable: true,
    describe: "After how many days a deleted record is removed for good.",
  }),
  "retention.sign_in_days": setting({
    type: integer(1, 36_500),
    default: 365,
    env: "NEOCRM_RETENTION_SIGN_IN_DAYS",
    describe: "After how many days it is forgotten who signed in, from where, and who failed to.",
  }),
  "retention.event_days": setting({
    type: integer(0, 36_500),
    default: 0,
    env: "NEOCRM_RETENTION_EVENT_DAYS",
    describe:
      "After how many days it is forgotten what happened; what was the case then stays. 0 forgets nothing.",
  }),

  "backup.dir": optional({
    type: anyText,
    env: "NEOCRM_BACKUP_DIR",
    describe:
      "Where backups are made by themselves, best on another disk; relative to the directory of the start. Unset, none are.",
  }),
  "backup.at": setting({
    type: timesOfDay,
    default: ["02:00"],
    env: "NEOCRM_BACKUP_AT",
    describe: "When backups are made by themselves, in UTC.",
  }),
  "backup.keep_daily": setting({
    type: integer(0, 3650),
    default: 7,
    env: "NEOCRM_BACKUP_KEEP_DAILY",
    describe: "Of how many days the newest backup of each is kept; those of the last 24 hours all are.",
  }),
  "backup.keep_weekly": setting({
    type: integer(0, 520),
    default: 4,
    env: "NEOCRM_BACKUP_KEEP_WEEKLY",
    describe: "Of how many weeks the newest backup of each is kept.",
  }),
  "backup.keep_monthly": setting({
    type: integer(0, 120),
    default: 12,
    env: "NEOCRM_BACKUP_KEEP_MONTHLY",
    describe: "Of how many months the newest backup of each is kept.",
  }),

  "realtime.connections": setting({
    type: integer(0, 1_000_000),
    default: 10_000,
    env: "NEOCRM_REALTIME_CONNECTIONS",
    changeable: true,
    describe: "How many WebSockets and event streams one instance holds at once.",
  }),
  "realtime.connections_per_user": setting({
    type: integer(1, 1_000_000),
    default: 20,
    env: "NEOCRM_REALTIME_CONNECTIONS_PER_USER",
    changeable: true,
    describe: "How many WebSockets and event streams one user has at once on one instance.",
  }),
  "realtime.frames_per_second": setting({
    type: integer(1, 10_000),
    default: 50,
    env: "NEOCRM_REALTIME_FRAMES_PER_SECOND",
    changeable: true,
    describe: "How many frames a second are taken from one WebSocket.",
  }),

  "log.level": setting({
    type: logLevel,
    default: "info",
    env: "LOG_LEVEL",
    reloads: true,
    flag: "log-level",
    describe: "What is logged at least.",
  }),
  "log.format": setting({
    type: choice("auto", "json", "pretty"),
    default: "auto",
    env: "NEOCRM_LOG_FORMAT",
    reloads: true,
    describe: "How log lines look; auto is pretty on a terminal and JSON elsewhere.",
  }),
  "log.file": optional({
    type: anyText,
    env: "NEOCRM_LOG_FILE",
    reloads: true,
    describe:
      "The file that the log is written to, relative to the directory of the start; unset, standard output.",
  }),
  "log.rotate_size": setting({
    type: size(0, TiB),
    default: 100 * MiB,
    env: "NEOCRM_LOG_ROTATE_SIZE",
    reloads: true,
    describe: "How large log.file becomes before it is put aside as <file>.1; 0 is without end.",
  }),
  "log.rotate_hours": setting({
    type: integer(0, 8760),
    default: 0,
    env: "NEOCRM_LOG_ROTATE_HOURS",
    reloads: true,
    describe: "How many hours log.file is written to before it is put aside; 0 is without end.",
  }),
  "log.keep": setting({
    type: integer(0, 1000),
    default: 7,
    env: "NEOCRM_LOG_KEEP",
    reloads: true,
    describe: "How many files that were put aside are kept.",
  }),
  ...levelsOfModules,

  "metrics.token": optional({
    type: bearerToken,
    env: "METRICS_TOKEN",
    reloads: true,
    secret: true,
    describe:
      "What Prometheus sends as its bearer token to read /metrics; unset, only an admin may read it there.",
  }),
  "metrics.port": setting({
    type: integer(0, 65_535),
    default: 0,
    env: "METRICS_PORT",
    describe: "A port of 127.0.0.1 alone that serves /metrics and /health without a token; 0 is none.",
  }),

  "features.setup": setting({
    type: boolean,
    default: true,
    env: "NEOCRM_FEATURES_SETUP",
    describe: "POST /api/auth/setup can make the first admin with the one-time code.",
  }),
  "features.uploads": setting({
    type: boolean,
    default: true,
    env: "NEOCRM_FEATURES_UPLOADS",
    changeable: true,
    describe: "Files can be uploaded; those that are there can be read in any case.",
  }),
  "features.exports": setting({
    type: boolean,
    default: true,
    env: "NEOCRM_FEATURES_EXPORTS",
    changeable: true,
    describe: "Whole lists can be exported as files.",
  }),
  "features.imports": setting({
    type: boolean,
    default: true,
    env: "NEOCRM_FEATURES_IMPORTS",
    changeable: true,
    describe: "Clients and tasks can be imported from files; what was begun goes on in any case.",
  }),
  "features.shares": setting({
    type: boolean,
    default: true,
    env: "NEOCRM_FEATURES_SHARES",
    changeable: true,
    describe: "Files can be shared by links, and those that there are lead somewhere.",
  }),
  "features.notification_mails": setting({
    type: boolean,
    default: true,
    env: "NEOCRM_FEATURES_NOTIFICATION_MAILS",
    changeable: true,
    describe:
      "People get mails about what happens; those about their account and its security are sent in any case.",
  }),

  "shares.days": setting({
    type: integer(0, 3_650),
    default: 30,
    env: "NEOCRM_SHARES_DAYS",
    changeable: true,
    describe: "For how many days a link to a file is good, unless its maker says otherwise; 0 is for good.",
  }),
} as const;

/** The name of a setting: section and key, as in the TOML files. */
export type Key = keyof typeof settings;

/** What is configured, by the names of the table. */
export type Config = { readonly [K in Key]: (typeof settings)[K]["default"] };

/** The names of all settings, in the order of the table. */
export const keys = Object.keys(settings) as Key[];

/** Whether a name from outside is that of a setting. */
export const isKey = (name: string): name is Key => Object.hasOwn(settings, name);

/** A setting whose value type is not known, for code that goes over the whole table. */
export const settingOf = (key: Key): Setting<unknown> => settings[key];
