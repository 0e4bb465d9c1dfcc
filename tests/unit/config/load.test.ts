import { expect, test } from "bun:test";
import { join } from "node:path";
import { features } from "../../../src/config/features";
import { ConfigError } from "../../../src/config/error";
import type { LoadOptions } from "../../../src/config/load";
import { profileFiles } from "../../../src/config/profiles";
import { keys, settings, type Key } from "../../../src/config/table";
import { logModules } from "../../../src/ops/log-modules";
import { load, problemsOf, temporaryDirectory, write } from "./support";

const here = temporaryDirectory();
const low = join(here, "low");
write(here, {
  "own.toml": "[server]\nport = 4003\ngrace_seconds = 3\n",
  "low/config/config.production.toml": "[server]\nport = 4002\ngrace_seconds = 2\nhsts_max_age = 2\n",
  "same/config/config.staging.toml": profileFiles.staging,
});

test("without anything, production and the defaults", () => {
  const loaded = load();
  expect(loaded.profile).toBe("production");
  const defaults = Object.fromEntries(keys.map((key) => [key, settings[key].default]));
  expect<Record<string, unknown>>(loaded.config).toEqual(defaults);
  expect(loaded.sources["server.port"]).toBe("default");
  expect(loaded.sources["auth.registration"]).toBe("config.production.toml");
});

interface Precedence {
  what: string;
  from: Partial<LoadOptions>;
  key?: Key;
  value: unknown;
  source: string;
}

const own = join(here, "own.toml");
const local = join(low, "config/config.production.toml");
const precedence: Precedence[] = [
  { what: "the default", from: {}, value: 3000, source: "default" },
  {
    what: "the profile over the default",
    from: { profile: "development" },
    key: "server.host",
    value: "127.0.0.1",
    source: "config.development.toml",
  },
  {
    what: "the file in the working directory over the profile",
    from: { cwd: low },
    value: 4002,
    source: local,
  },
  {
    what: "a named file over both",
    from: { cwd: low, file: own },
    value: 4003,
    source: own,
  },
  {
    what: "what a named file leaves out comes from below it",
    from: { cwd: low, file: own },
    key: "server.hsts_max_age",
    value: 2,
    source: local,
  },
  {
    what: "a relative file is searched in the working directory",
    from: { cwd: here, file: "own.toml" },
    value: 4003,
    source: own,
  },
  {
    what: "the environment over files",
    from: { cwd: low, file: own, env: { PORT: "4004" } },
    value: 4004,
    source: "PORT",
  },
  {
    what: "an empty variable is none",
    from: { cwd: low, file: own, env: { PORT: "" } },
    value: 4003,
    source: own,
  },
  { what: "nor is a blank one", from: { env: { PORT: "  " } }, value: 3000, source: "default" },
  {
    what: "a flag over everything",
    from: { cwd: low, file: own, env: { PORT: "4004" }, flags: { port: "4005" } },
    value: 4005,
    source: "--port",
  },
  {
    what: "a key as a flag",
    from: { env: { PORT: "4004" }, flags: { "server.port": "0" } },
    value: 0,
    source: "--server.port",
  },
  {
    what: "a flag that was not given",
    from: { env: { PORT: "4004" }, flags: { port: undefined } },
    value: 4004,
    source: "PORT",
  },
  {
    what: "a flag without a value is a boolean",
    from: { flags: { "api.require_if_match": true } },
    key: "api.require_if_match",
    value: true,
    source: "--api.require_if_match",
  },
  {
    what: "a copy of the profile in the working directory adds nothing",
    from: { cwd: join(here, "same"), profile: "staging" },
    key: "log.format",
    value: "json",
    source: "config.staging.toml",
  },
];

for (const { what, from, key = "server.port", value, source } of precedence)
  test(what, () => {
    const { config, sources } = load(from);
    expect<unknown>(config[key]).toEqual(value);
    expect(sources[key]).toBe(source);
  });

test("each profile", () => {
  const of = (profile: string) => load({ profile }).config;
  expect(of("development")).toMatchObject({
    "server.host": "127.0.0.1",
    "auth.registration": "open",
    "cors.origins": ["*"],
  });
  expect(of("test")).toMatchObject({
    "server.host": "127.0.0.1",
    "server.port": 0,
    "limits.ip_per_minute": 0,
    "log.levels.http": "error",
  });
  for (const profile of ["staging", "production"])
    expect(of(profile)).toMatchObject({
      "server.host": "0.0.0.0",
      "auth.registration": "closed",
      "cors.origins": [],
    });
});

test("the profile comes from the flag, else the environment, else what is given", () => {
  const env = { NEOCRM_PROFILE: "staging" };
  expect(load({ profile: "development", env }).profile).toBe("development");
  expect(load({ env, defaultProfile: "development" }).profile).toBe("staging");
  expect(load({ env: { NEOCRM_PROFILE: "" }, defaultProfile: "development" }).profile).toBe("development");
});

test("the data directory is absolute", () => {
  expect(load({ cwd: "/srv/crm" }).dataDir).toBe("/srv/crm/data");
  expect(load({ cwd: "/srv/crm", env: { DATA_DIR: "../elsewhere" } }).dataDir).toBe("/srv/elsewhere");
  expect(load({ cwd: "/srv/crm", env: { DATA_DIR: "/var/lib/crm" } }).dataDir).toBe("/var/lib/crm");
});

test("every setting can be set from the environment", () => {
  const samples: Partial<Record<Key, string>> = {
    "server.host": "::1",
    "server.public_url": "https://crm.example.com/",
    "server.trusted_proxies": "10.0.0.0/8, ::1",
    "server.https": "redirect",
    "server.body_limit": "2MiB",
    "data.dir": "elsewhere",
    "files.max_size": "10485760",
    "files.refused_types": "application/zip, Application/PDF",
    "s3.endpoint": "https://s3.example.com",
    "database.url": "postgres://crm@db/crm",
    "auth.jwt_secret": "s".repeat(32),
    "auth.jwt_secret_previous": "p".repeat(32),
    "auth.registration": "open",
    "admin.email": "ada@example.com",
    "admin.password": "correct horse",
    "mail.from": "crm@example.com",
    "mail.smtp_url": "smtps://crm:secret@mail.example.com",
    "mail.tls": "none",
    "tracing.endpoint": "http://collector:4318",
    "tracing.headers": "authorization=Bearer%20x",
    "reports.dsn": "https://key@sentry.example.com/1",
    "cors.origins": "https://app.example.com,*",
    "api.require_if_match": "yes",
    "visibility.clients": "own",
    "clients.default_country": "VN",
    "database.deadline_ms": "101",
    "log.level": "error",
    "log.format": "pretty",
    "log.file": "neocrm.log",
    "log.keep": "8",
    ...Object.fromEntries(Object.keys(logModules).map((name) => [`log.levels.${name}`, "warn"])),
    "metrics.token": "what-prometheus-sends",
    ...Object.fromEntries(features.map((feature) => [`features.${feature}`, "off"])),
    "backup.at": "00:30, 12:30",
    "backup.keep_daily": "8",
  };
  const env = Object.fromEntries(keys.map((key) => [settings[key].env, samples[key] ?? "7"]));
  const { config, sources } = load({ env });
  for (const key of keys) {
    expect<unknown>(config[key]).not.toEqual(settings[key].default);
    expect(sources[key]).toBe(settings[key].env);
  }
  expect(config).toMatchObject({
    "server.public_url": "https://crm.example.com",
    "server.trusted_proxies": ["10.0.0.0/8", "::1"],
    "server.body_limit": 2_097_152,
    "cors.origins": ["https://app.example.com", "*"],
    "api.require_if_match": true,
    "features.setup": false,
    "limits.ip_per_minute": 7,
  });
});

test("variables have the conventional name or that of the key, and none has two meanings", () => {
  const conventional =
    "HOST PORT DATABASE_URL JWT_SECRET JWT_SECRET_PREVIOUS CORS_ORIGIN MAX_FILE_SIZE DATA_DIR LOG_LEVEL RATE_LIMIT_IP RATE_LIMIT_AUTH RATE_LIMIT_USER SMTP_URL METRICS_TOKEN METRICS_PORT OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_HEADERS SENTRY_DSN S3_ENDPOINT S3_BUCKET S3_REGION S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY";
  const names = keys.map((key) => settings[key].env as string);
  for (const [at, key] of keys.entries()) {
    const own = `NEOCRM_${key.replaceAll(".", "_").toUpperCase()}`;
    expect([...conventional.split(" "), own]).toContain(names[at]!);
  }
  expect(names).toEqual(expect.arrayContaining(conventional.split(" ")));
  expect(new Set(names).size).toBe(names.length);
});

test("all problems are told at once", () => {
  write(here, { "bad.toml": "[server]\nport = 70000\nhots = 'x'\n" });
  const use = () =>
    load({ file: join(here, "bad.toml"), env: { LOG_LEVEL: "loud" }, flags: { port: "x", prot: "1" } });
  expect(use).toThrow(ConfigError);
  expect(problemsOf(use)).toEqual([
    `${here}/bad.toml: server.port = 70000: expected an integer from 0 to 65535`,
    `${here}/bad.toml: unknown key server.hots (did you mean server.host?)`,
    'environment variable LOG_LEVEL: log.level = "loud": expected one of debug, info, warn, error',
    'flag --port: server.port = "x": expected an integer from 0 to 65535',
    "command line: unknown flag --prot (did you mean --port?)",
  ]);
});

const unknownKeys: [toml: string, problem: string][] = [
  ["[servr]\nport = 1", "unknown key servr.port (did you mean server.port?)"],
  ["[server]\nPort = 1", "unknown key server.Port (did you mean server.port?)"],
  ["port = 1", "unknown key port (did you mean server.port?)"],
  ["[http]\nport = 1", "unknown key http.port (did you mean server.port?)"],
  ["[auth]\njwt-secret = 'never shown'", "unknown key auth.jwt-secret (did you mean auth.jwt_secret?)"],
  ["[server.port]\nvalue = 1", "unknown key server.port.value"],
  ["zzzz = 1", "unknown key zzzz"],
  ["__proto__ = 1", "unknown key __proto__"],
  ["constructor = 1", "unknown key constructor"],
  ["server = 1", "unknown key server"],
];

for (const [toml, problem] of unknownKeys)
  test(`${JSON.stringify(toml)} is refused`, () => {
    write(here, { "unknown.toml": toml });
    const file = join(here, "unknown.toml");
    expect(problemsOf(() => load({ file }))).toEqual([`${file}: ${problem}`]);
  });

const broken: [toml: string, line: number, message: string][] = [
  ["[server]\nport =\nhost = 'x'\n", 2, "Missing value"],
  ["[server]\nport = 1\nport = 2\n\n[log]\n", 3, "redefine"],
  ["[cors]\norigins = [\n  '*',\n]\n[log\nlevel = 'info'\n", 5, "]"],
  ["[server]\nport = 1\n[cors]\norigins = [\n  '*',\n", 4, "Unterminated array"],
  ["nonsense", 1, "Expected"],
];

for (const [toml, line, message] of broken)
  test(`a syntax error names file and line ${line}`, () => {
    write(here, { "broken.toml": toml });
    const file = join(here, "broken.toml");
    const [problem, ...others] = problemsOf(() => load({ file }));
    expect(problem).toStartWith(`${file}, line ${line}: `);
    expect(problem).toContain(message);
    expect(others).toEqual([]);
  });

test("a section with nothing in it is no mistake", () => {
  write(here, { "empty.toml": "[server]\n# port = 1\n" });
  expect(load({ file: join(here, "empty.toml") }).config["server.port"]).toBe(3000);
});

test("a named file must be there", () => {
  expect(problemsOf(() => load({ file: "/nowhere/x.toml" }))).toEqual([
    "/nowhere/x.toml: cannot be read (ENOENT)",
  ]);
});

test("an unknown profile", () => {
  const choices = "expected one of development, test, staging, production";
  expect(problemsOf(() => load({ profile: "stagin" }))).toEqual([
    `flag --profile: unknown profile "stagin" (did you mean staging?): ${choices}`,
  ]);
  expect(problemsOf(() => load({ env: { NEOCRM_PROFILE: "x", PORT: "x" } }))).toEqual([
    `environment variable NEOCRM_PROFILE: unknown profile "x": ${choices}`,
    'environment variable PORT: server.port = "x": expected an integer from 0 to 65535',
  ]);
});
