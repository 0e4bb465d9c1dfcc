import { expect, test } from "bun:test";
import { join } from "node:path";
import { printConfig, printDefaults } from "../../../src/config/print";
import { keys, settings } from "../../../src/config/table";
import { load, temporaryDirectory, write } from "./support";

const here = temporaryDirectory();
const defaultFile = join(import.meta.dir, "../../../config/config.default.toml");
const secret = "a-secret-that-must-not-be-shown-anywhere";

test("the effective configuration, each line with its source", () => {
  const printed = printConfig(
    load({ cwd: "/srv", env: { PORT: "8080", JWT_SECRET: secret }, flags: { host: "::1" } }),
  );
  for (const line of [
    "# profile: production",
    "# data directory: /srv/data",
    "[server]",
    'host = "::1"  # --host',
    "port = 8080  # PORT",
    "# public_url =  # default",
    'body_limit = "1MiB"  # default',
    "origins = []  # config.production.toml",
    'jwt_secret = "***"  # JWT_SECRET',
    "# jwt_secret_previous =  # default",
  ])
    expect(printed.split("\n")).toContain(line);
  expect(printed).not.toContain(secret);
});

test("no secret is ever printed", () => {
  const url = `postgres://crm:${secret}@db/crm`;
  const env = {
    DATABASE_URL: url,
    JWT_SECRET: secret,
    JWT_SECRET_PREVIOUS: secret,
    NEOCRM_ADMIN_PASSWORD: secret,
  };
  const printed = printConfig(load({ env }));
  expect(printed).not.toContain(secret);
  expect(printed.match(/"\*\*\*"/g)).toHaveLength(4);
});

test("what is printed can be read again", () => {
  const env = {
    DATA_DIR: 'odd "name"\\ # \u007f\n é',
    CORS_ORIGIN: "*,https://app.example.com",
    MAX_FILE_SIZE: "1234567",
    NEOCRM_SERVER_BODY_LIMIT: "10MB",
    NEOCRM_FEATURES_SETUP: "no",
    NEOCRM_CLIENTS_DEFAULT_COUNTRY: "VN",
  };
  const { config, ...rest } = load({ env });
  write(here, { "printed.toml": printConfig({ config, ...rest }) });
  expect(load({ file: join(here, "printed.toml") }).config).toEqual(config);
});

test("config.default.toml is made from the table: run scripts/generate-config.ts", async () => {
  expect(await Bun.file(defaultFile).text()).toBe(printDefaults());
});

test("config.default.toml says exactly the defaults", () => {
  const { config, sources } = load({ file: defaultFile, profile: "production" });
  for (const key of keys) {
    expect<unknown>(config[key]).toEqual(settings[key].default);
    expect(sources[key]).toBe(settings[key].default === null ? "default" : defaultFile);
  }
});

test("config.default.toml describes every setting", async () => {
  const text = await Bun.file(defaultFile).text();
  for (const key of keys) {
    const { describe, env, type } = settings[key];
    expect(text).toContain(`# ${describe}\n`);
    expect(text).toContain(` Variable: ${env}`);
    expect(text).toContain(type.expects.slice(1));
    expect(text).toMatch(new RegExp(`^(# )?${key.slice(key.indexOf(".") + 1)} =`, "m"));
  }
});
