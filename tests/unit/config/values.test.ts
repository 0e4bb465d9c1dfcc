import { expect, test } from "bun:test";
import { join } from "node:path";
import { isEnabled, type Feature } from "../../../src/config/features";
import { settings, type Config, type Key } from "../../../src/config/table";
import { load, problemsOf, temporaryDirectory, write } from "./support";

const here = temporaryDirectory();
const file = join(here, "values.toml");

function fromFile(key: Key, literal: string) {
  const [section, name] = key.split(".");
  write(here, { "values.toml": `[${section}]\n${name} = ${literal}\n` });
  return load({ file }).config[key];
}

const fromEnvironment = (key: Key, text: string) => load({ env: { [settings[key].env]: text } }).config[key];

interface Values {
  key: Key;
  expects: string;
  /** TOML literal → value. */
  good: Record<string, unknown>;
  /** TOML literal → as the message shows it. */
  bad: Record<string, string>;
  /** Text of a variable → value. */
  goodText: Record<string, unknown>;
  badText: string[];
}

const values: Values[] = [
  {
    key: "server.port",
    expects: "an integer from 0 to 65535",
    good: { "0": 0, "65535": 65535, "8_080": 8080, "0x10": 16 },
    bad: {
      "-1": "-1",
      "65536": "65536",
      "1.5": "1.5",
      '"80"': '"80"',
      true: "true",
      "[80]": "[80]",
      inf: "Infinity",
      "1979-05-27": '"1979-05-27"',
    },
    goodText: { "80": 80, " 80 ": 80 },
    badText: ["-1", "65536", "1.5", "0x10", "1e3", "eighty", "80 81", "99999999999999999999"],
  },
  {
    key: "server.host",
    expects: "a host name or IP address without a port",
    good: { '"::1"': "::1", '"localhost"': "localhost" },
    bad: { '""': '""', '"a b"': '"a b"', '"localhost:80"': '"localhost:80"', "1": "1" },
    goodText: { "127.0.0.1": "127.0.0.1" },
    badText: ["http://x", "-x"],
  },
  {
    key: "server.https",
    expects: "one of off, redirect, require",
    good: { '"require"': "require" },
    bad: { '"on"': '"on"', '"Require"': '"Require"', true: "true", false: "false" },
    goodText: { redirect: "redirect" },
    badText: ["yes"],
  },
  {
    key: "features.setup",
    expects: "true or false",
    good: { true: true, false: false },
    bad: { '"true"': '"true"', "1": "1" },
    goodText: { true: true, FALSE: false, "1": true, "0": false, yes: true, no: false, on: true, off: false },
    badText: ["2", "maybe", "constructor"],
  },
  {
    key: "server.body_limit",
    expects: 'a size from 1KiB to 64MiB, such as "10MB", "512KiB" or a number of bytes',
    good: { "1024": 1024, '"10MB"': 10_000_000, '"512KiB"': 524_288, '"64 MiB"': 67_108_864, '"2048"': 2048 },
    bad: {
      "1023": "1023",
      '"65MiB"': '"65MiB"',
      '"1.5MB"': '"1.5MB"',
      '"10 M"': '"10 M"',
      "2000.5": "2000.5",
    },
    goodText: { "10mb": 10_000_000, "1MiB": 1_048_576, "5000B": 5000 },
    badText: ["-1", "1XB", "MB", "1GiB", "1iB"],
  },
  {
    key: "mail.smtp_url",
    expects: "a URL such as smtp://user:password@mail.example.com:587 or smtps://…",
    good: {
      '"smtp://localhost"': "smtp://localhost",
      '"smtps://a%40b:c@[::1]:465/"': "smtps://a%40b:c@[::1]:465/",
    },
    bad: {
      '"mail.example.com"': "***",
      '"http://mail.example.com"': "***",
      '"smtp://"': "***",
      "25": "***",
      '"smtp://mail.example.com/inbox"': "***",
      '"smtp://mail.example.com?tls=1"': "***",
      '"smtp://mail.example.com:99999"': "***",
    },
    goodText: { "smtp://mail.example.com:25": "smtp://mail.example.com:25" },
    badText: [],
  },
  {
    key: "tracing.endpoint",
    expects: "an http or https URL such as http://localhost:4318",
    good: {
      '"http://localhost:4318"': "http://localhost:4318",
      '"https://otlp.example.com/otlp/"': "https://otlp.example.com/otlp",
    },
    bad: {
      '"localhost:4318"': '"localhost:4318"',
      '"grpc://localhost"': '"grpc://localhost"',
      '"http://localhost?x=1"': '"http://localhost?x=1"',
    },
    goodText: {},
    badText: ["http://"],
  },
  {
    key: "tracing.headers",
    expects: "name=value, with commas between several",
    good: { '"authorization=Bearer%20x,x-tenant=1"': "authorization=Bearer%20x,x-tenant=1" },
    bad: { '"authorization"': "***", '"a b=c"': "***", '"a=b c"': "***" },
    goodText: {},
    badText: [],
  },
  {
    key: "reports.dsn",
    expects: "a DSN such as https://key@sentry.example.com/1",
    good: { '"https://key@sentry.example.com/1"': "https://key@sentry.example.com/1" },
    bad: {
      '"https://sentry.example.com/1"': "***",
      '"https://key@sentry.example.com"': "***",
      '"key@sentry.example.com/1"': "***",
    },
    goodText: { "http://key@localhost:8000/crm/42": "http://key@localhost:8000/crm/42" },
    badText: [],
  },
  {
    key: "server.trusted_proxies",
    expects:
      "a list (in the environment: separated by commas), each item an IP address or a range such as 10.0.0.0/8",
    good: { "[]": [], '["10.0.0.0/8", "fd00::/8", "127.0.0.1"]': ["10.0.0.0/8", "fd00::/8", "127.0.0.1"] },
    bad: {
      '"10.0.0.1"': '"10.0.0.1"',
      '["10.0.0.0/33"]': '["10.0.0.0/33"]',
      '["::/129"]': '["::/129"]',
      '["10.0.0.0/"]': '["10.0.0.0/"]',
      '["10.0.0.0/8/8"]': '["10.0.0.0/8/8"]',
      '["fe80::1%eth0"]': '["fe80::1%eth0"]',
      '["proxy"]': '["proxy"]',
      "[1]": "[1]",
    },
    goodText: { "10.0.0.1, ::1,": ["10.0.0.1", "::1"] },
    badText: ["10.0.0.1 ::1", "nginx"],
  },
  {
    key: "cors.origins",
    expects:
      'a list (in the environment: separated by commas), each item "*" or an origin such as https://app.example.com, without a path',
    good: {
      '["*"]': ["*"],
      '["https://App.example.com", "http://localhost:5173"]': [
        "https://app.example.com",
        "http://localhost:5173",
      ],
    },
    bad: {
      '["https://app.example.com/"]': '["https://app.example.com/"]',
      '["https://app.example.com/x"]': '["https://app.example.com/x"]',
      '["app.example.com"]': '["app.example.com"]',
      '["https://*.example.com:x"]': '["https://*.example.com:x"]',
      '["null"]': '["null"]',
      '["ftp://example.com"]': '["ftp://example.com"]',
    },
    goodText: {
      "*": ["*"],
      "https://a.example.com,https://b.example.com": ["https://a.example.com", "https://b.example.com"],
    },
    badText: ["https://a.example.com;https://b.example.com", "https://a.example.com:443"],
  },
  {
    key: "server.public_url",
    expects: "an http or https URL such as https://crm.example.com",
    good: {
      '"https://crm.example.com/"': "https://crm.example.com",
      '"http://h:8080/crm"': "http://h:8080/crm",
    },
    bad: {
      '"crm.example.com"': '"crm.example.com"',
      '"ftp://crm.example.com"': '"ftp://crm.example.com"',
      '""': '""',
    },
    goodText: { "https://crm.example.com": "https://crm.example.com" },
    badText: [
      "https://crm.example.com/?a=b",
      "https://crm.example.com/#a",
      "https://me:pass@crm.example.com",
    ],
  },
  {
    key: "clients.default_country",
    expects: "a two-letter country code (ISO 3166) in upper case, such as VN",
    good: { '"VN"': "VN" },
    bad: { '"vn"': '"vn"', '"UK"': '"UK"', '"VNM"': '"VNM"' },
    goodText: { GB: "GB" },
    badText: ["XX", "84"],
  },
  {
    key: "admin.email",
    expects: "an e-mail address",
    good: { '"ada@example.com"': "ada@example.com" },
    bad: { '"ada"': '"ada"', '"ada@b c"': '"ada@b c"' },
    goodText: { " ada@example.com ": "ada@example.com" },
    badText: ["@example.com"],
  },
  {
    key: "data.dir",
    expects: "a text that is not empty",
    good: { '"a b"': "a b" },
    bad: { '""': '""', '" "': '" "', "1": "1" },
    goodText: { "/srv": "/srv" },
    badText: [],
  },
];

for (const { key, expects, good, bad, goodText, badText } of values)
  test(key, () => {
    const { env } = settings[key];
    for (const [literal, value] of Object.entries(good))
      expect<unknown>(fromFile(key, literal)).toEqual(value);
    for (const [literal, shown] of Object.entries(bad))
      expect(problemsOf(() => fromFile(key, literal))).toEqual([
        `${file}: ${key} = ${shown}: expected ${expects}`,
      ]);
    for (const [text, value] of Object.entries(goodText))
      expect<unknown>(fromEnvironment(key, text)).toEqual(value);
    for (const text of badText)
      expect(problemsOf(() => fromEnvironment(key, text))).toEqual([
        `environment variable ${env}: ${key} = ${JSON.stringify(text)}: expected ${expects}`,
      ]);
  });

test("a very long value is cut", () => {
  expect(problemsOf(() => fromEnvironment("server.port", "x".repeat(10_000)))[0]!.length).toBeLessThan(400);
});

test("what is configured has its type", () => {
  const config: Config = load().config;
  const port: number = config["server.port"];
  const url: string | null = config["server.public_url"];
  const https: "off" | "redirect" | "require" = config["server.https"];
  const origins: readonly string[] = config["cors.origins"];
  const strict: boolean = config["api.require_if_match"];
  const bytes: number = config["files.max_size"];
  expect([port, url, https, origins, strict, bytes]).toEqual([3000, null, "off", [], false, 52_428_800]);
  // @ts-expect-error it may be unset
  const set: string = config["server.public_url"];
  // @ts-expect-error nobody configures this
  const unknown: unknown = config["server.prot"];
  // @ts-expect-error a configuration is read, never written
  const write = () => (config["server.port"] = 1);
  expect([set, unknown, typeof write]).toEqual([null, undefined, "function"] as unknown[] as never);
});

test("a feature is switched by its flag", () => {
  const flag: Feature = "setup";
  expect(isEnabled(load().config, flag)).toBe(true);
  expect(isEnabled(load({ env: { NEOCRM_FEATURES_SETUP: "false" } }).config, "setup")).toBe(false);
  // @ts-expect-error no such flag
  isEnabled(load().config, "teleport");
});
