import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  symlinkSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ensureSecrets } from "../../../src/config/secrets";
import { keys, settings, type Key } from "../../../src/config/table";
import { load, problemsOf, temporaryDirectory, write } from "./support";

const here = temporaryDirectory();
const secret = "a-secret-that-must-not-be-shown-anywhere";
const secretKeys = keys.filter((key) => settings[key].secret);
const fileWith: Record<string, string> = {
  "database.url": "url",
  "mail.smtp_url": "smtp",
  "tracing.headers": "headers",
  "reports.dsn": "dsn",
};
const shortest = "expected at least 32 characters";

describe("a secret from the environment", () => {
  write(here, {
    jwt: `${secret}\n`,
    short: "short\n",
    empty: "\n",
    url: "postgres://crm:pw@db/crm\n",
    smtp: "smtp://mail\n",
    headers: "name=value\n",
    dsn: "https://key@sentry.example.com/1\n",
  });
  const given = (env: Record<string, string>) => load({ cwd: here, env });

  test("comes from the file that _FILE names, without the newline at its end", () => {
    const { config, sources } = given({ JWT_SECRET_FILE: join(here, "jwt"), DATABASE_URL_FILE: "url" });
    expect(config["auth.jwt_secret"]).toBe(secret);
    expect(sources["auth.jwt_secret"]).toBe("JWT_SECRET_FILE");
    expect(config["database.url"]).toBe("postgres://crm:pw@db/crm");
  });

  test("every secret has one", () => {
    expect(secretKeys).toEqual([
      "s3.access_key_id",
      "s3.secret_access_key",
      "database.url",
      "auth.jwt_secret",
      "auth.jwt_secret_previous",
      "admin.password",
      "mail.smtp_url",
      "tracing.headers",
      "reports.dsn",
      "metrics.token",
    ]);
    for (const key of secretKeys) {
      const { env } = settings[key];
      expect(given({ [`${env}_FILE`]: fileWith[key] ?? "jwt" }).config[key]).toBeString();
    }
  });

  test("and nothing else has", () => {
    expect(given({ PORT_FILE: "/nowhere" }).config["server.port"]).toBe(3000);
  });

  test("both at once are refused", () => {
    expect(problemsOf(() => given({ JWT_SECRET: secret, JWT_SECRET_FILE: join(here, "jwt") }))).toEqual([
      "environment variables JWT_SECRET and JWT_SECRET_FILE: auth.jwt_secret is given twice: unset one of them",
    ]);
    expect(given({ JWT_SECRET: secret, JWT_SECRET_FILE: "" }).sources["auth.jwt_secret"]).toBe("JWT_SECRET");
    expect(given({ JWT_SECRET: "", JWT_SECRET_FILE: "jwt" }).sources["auth.jwt_secret"]).toBe(
      "JWT_SECRET_FILE",
    );
  });

  test("a file that cannot be used is named, its content is not", () => {
    const variable = "environment variable JWT_SECRET_FILE: ";
    expect(problemsOf(() => given({ JWT_SECRET_FILE: "/nowhere/jwt" }))).toEqual([
      `${variable}auth.jwt_secret: /nowhere/jwt: cannot be read (ENOENT)`,
    ]);
    for (const name of ["short", "empty"])
      expect(problemsOf(() => given({ JWT_SECRET_FILE: name }))).toEqual([
        `${variable}${here}/${name}: auth.jwt_secret = ***: ${shortest}`,
      ]);
  });
});

describe("no message shows a secret", () => {
  const bad: [Key, string][] = [
    ["auth.jwt_secret", "hunter2"],
    ["auth.jwt_secret_previous", "hunter2"],
    ["database.url", "mysql://root:hunter2@db"],
  ];
  for (const [key, value] of bad)
    test(key, () => {
      const [section, name] = key.split(".");
      write(here, { "secret.toml": `[${section}]\n${name} = '${value}'\n` });
      const { env } = settings[key];
      for (const options of [{ env: { [env]: value } }, { file: join(here, "secret.toml") }]) {
        const [problem, ...others] = problemsOf(() => load(options));
        expect(problem).toContain(`${key} = ***: expected `);
        expect(problem).not.toContain("hunter2");
        expect(others).toEqual([]);
      }
    });

  test("nor is it taken from the command line, where everyone reads it", () => {
    expect(problemsOf(() => load({ flags: { "auth.jwt_secret": secret } }))).toEqual([
      "flag --auth.jwt_secret: auth.jwt_secret is a secret: set JWT_SECRET or JWT_SECRET_FILE instead",
    ]);
  });
});

describe("a secret kept with the data", () => {
  const { config } = load();
  const freshData = () => join(mkdtempSync(join(here, "data-")), "data");
  const fileIn = (data: string, name = "jwt_secret") => join(data, "secrets", name);
  const modeOf = (path: string) => statSync(path).mode & 0o777;

  function keep(text: string, mode: number, name?: string) {
    const data = freshData();
    ensureSecrets(config, data);
    writeFileSync(fileIn(data, name), text);
    chmodSync(fileIn(data, name), mode);
    return data;
  }

  test("is made once, for its owner alone, and nothing is left beside it", () => {
    const data = freshData();
    const made = ensureSecrets(config, data);
    const known: string = made["auth.jwt_secret"];
    expect(known).toMatch(/^[\w-]{43}$/);
    expect(made["auth.jwt_secret_previous"]).toBeNull();
    expect(readFileSync(fileIn(data), "utf8")).toBe(known);
    expect(modeOf(fileIn(data))).toBe(0o600);
    expect(modeOf(join(data, "secrets"))).toBe(0o700);
    expect(readdirSync(join(data, "secrets"))).toEqual(["jwt_secret"]);
    expect(ensureSecrets(config, data)).toEqual(made);
    expect(config["auth.jwt_secret"]).toBeNull();
  });

  test("differs between installations", () => {
    expect(ensureSecrets(config, freshData())).not.toEqual(ensureSecrets(config, freshData()));
  });

  test("is neither read nor made when one is configured", () => {
    const data = freshData();
    const configured = load({ env: { JWT_SECRET: secret } }).config;
    expect(ensureSecrets(configured, data)["auth.jwt_secret"]).toBe(secret);
    expect(existsSync(data)).toBe(false);
  });

  test("the one before it is read when it is there", () => {
    const data = keep(`${secret}\n`, 0o600, "jwt_secret_previous");
    expect(ensureSecrets(config, data)["auth.jwt_secret_previous"]).toBe(secret);
    const configured = load({ env: { JWT_SECRET_PREVIOUS: "p".repeat(32) } }).config;
    expect(ensureSecrets(configured, data)["auth.jwt_secret_previous"]).toBe("p".repeat(32));
  });

  for (const name of ["jwt_secret", "jwt_secret_previous"])
    for (const mode of [0o640, 0o604, 0o620])
      test(`${name} with mode ${mode.toString(8)} is refused`, () => {
        const data = keep(secret, mode, name);
        const file = fileIn(data, name);
        expect(problemsOf(() => ensureSecrets(config, data))).toEqual([
          `${file}: auth.${name} is open to other users (mode 0${mode.toString(8)}): run chmod 600 ${file}`,
        ]);
      });

  test("a damaged one is refused, not replaced", () => {
    const data = keep("", 0o600);
    expect(problemsOf(() => ensureSecrets(config, data))).toEqual([
      `${fileIn(data)}: auth.jwt_secret = ***: ${shortest}`,
    ]);
    expect(readFileSync(fileIn(data), "utf8")).toBe("");
  });

  test("a data directory that cannot be written says what to do", () => {
    write(here, { "a-file": "" });
    const [problem] = problemsOf(() => ensureSecrets(config, join(here, "a-file")));
    expect(problem).toContain("a-file/secrets/jwt_secret: auth.jwt_secret cannot be read (ENOTDIR)");

    const data = freshData();
    mkdirSync(data);
    symlinkSync("/nowhere", join(data, "secrets"));
    const [unwritable] = problemsOf(() => ensureSecrets(config, data));
    expect(unwritable).toContain("the signing key cannot be kept there, and JWT_SECRET is not set (");
  });

  test("processes that start together agree on one", async () => {
    const data = freshData();
    const script = `
      import { ensureSecrets } from ${JSON.stringify(join(import.meta.dir, "../../../src/config/secrets.ts"))};
      const config = { "auth.jwt_secret": null, "auth.jwt_secret_previous": null };
      process.stdout.write(ensureSecrets(config, ${JSON.stringify(data)})["auth.jwt_secret"]);`;
    const processes = Array.from({ length: 6 }, () => Bun.spawn([process.execPath, "-e", script]));
    const secrets = await Promise.all(processes.map(({ stdout }) => new Response(stdout).text()));
    expect(new Set(secrets)).toEqual(new Set([readFileSync(fileIn(data), "utf8")]));
    expect(readdirSync(join(data, "secrets"))).toEqual(["jwt_secret"]);
  });
});
