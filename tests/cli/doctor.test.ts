import { afterAll, afterEach, beforeAll, describe, expect, setSystemTime, spyOn, test } from "bun:test";
import { Database } from "bun:sqlite";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQL } from "bun";
import { year } from "../../src/build";
import type { Finding } from "../../src/doctor";
import { networkFileSystem } from "../../src/doctor/data-directory";
import { weakness } from "../../src/doctor/secrets";
import { newDatabase } from "../support/postgres";
import { newInstallation } from "../support/restart";
import { engines, startTestServer, type TestServer } from "../support/servers";
import { neocrm } from "../support/terminal";
import { unprivileged, unprivilegedUid } from "../support/unprivileged";

const folder = mkdtempSync(join(tmpdir(), "neocrm-doctor-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
// PostgreSQL takes longer to start than a test may.
beforeAll(async () => void (await newDatabase()), 60_000);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  setSystemTime();
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const strong = "q7Vw1nZkR4tYp9LsXc2BmHd6GfJ8aEoU0iNv3TzKbWQ";
/** A port on which nothing listens. */
const nowhere = "1";
let folders = 0;
/** A data directory as the server makes it. */
function newDataDir(mode = 0o700): string {
  const path = join(folder, `data${++folders}`);
  mkdirSync(path, { mode });
  chmodSync(path, mode);
  return path;
}

type Env = Record<string, string>;

/** What the doctor finds in production, on a sound installation but for `env`. */
async function examined(env: Env = {}, args: string[] = []) {
  const sound = { NEOCRM_PROFILE: "production", HOST: "127.0.0.1", PORT: nowhere, JWT_SECRET: strong };
  const dataDir = env.DATA_DIR ?? newDataDir();
  const { code, out, err } = await neocrm(["doctor", "--json", ...args], {
    env: { ...sound, DATA_DIR: dataDir, ...env },
    cwd: folder,
  });
  const report = JSON.parse(out) as { failures: number; warnings: number; findings: Finding[] };
  expect(err).toBe("");
  expect(code).toBe(report.failures > 0 ? 1 : 0);
  const of = (check: string) => report.findings.filter((finding) => finding.check === check);
  return { ...report, code, of, dataDir };
}

/** Whatever else is found, every check has its say. */
const checks = [
  ...["configuration", "environment", "data directory", "disk", "secrets", "proxy", "access", "log"],
  ...["forwarding", "database", "clock", "backups", "server", "file limit"],
];

/** That one check finds this and nothing else, and that it says why and what to do. */
async function expectFinding({
  env = {},
  check,
  level,
  what,
  mend,
}: {
  env?: Env;
  check: string;
  level: "warn" | "fail";
  what: string | RegExp;
  mend: string | RegExp;
}) {
  const { of, findings } = await examined(env);
  const [found, ...others] = of(check);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ level });
  expect(found!.what).toMatch(what);
  expect(found!.why).toMatch(/.{10,}/);
  expect(found!.mend).toMatch(mend);
  for (const name of checks) expect(findings.map((finding) => finding.check)).toContain(name);
}

describe("backups", () => {
  test.each(engines)("that are missing, old, or on the disk of the data are found [%s]", async (engine) => {
    const place = await newInstallation(engine);
    cleanups.push(place.remove);
    await (await place.start({ JWT_SECRET: strong })).stop();
    const day = 24 * 3_600_000;
    const told = async (env: Env = {}) =>
      (await examined({ ...place.env, ...env })).of("backups").map(({ level, what }) => `${level} ${what}`);
    const start = Date.now();
    expect(await told()).toEqual(["ok The data is new: none is due yet."]);
    setSystemTime(start + 2 * day);
    expect(await told()).toEqual(["warn Nothing was ever backed up."]);
    const dir = join(place.dataDir, "../backups");
    expect((await neocrm(["backup", "--to", dir], { env: { ...place.env, JWT_SECRET: strong } })).code).toBe(
      0,
    );
    expect(await told()).toEqual([expect.stringMatching(/^ok The last one is of 20/)]);
    expect(await told({ NEOCRM_BACKUP_DIR: join(dir, "deeper") })).toEqual([
      expect.stringMatching(/^warn .*backups\/deeper is on the disk of the data directory/),
    ]);
    setSystemTime(start + 4 * day);
    expect(await told()).toEqual([expect.stringMatching(/^warn The last backup is of 20/)]);
  });
});

describe("a sound installation", () => {
  test.each(engines)("has no findings, and stays as it is [%s]", async (engine) => {
    const place = await newInstallation(engine);
    cleanups.push(place.remove);
    await (await place.start({ JWT_SECRET: strong })).stop();
    const before = new Set(readdirSync(place.dataDir, { recursive: true, encoding: "utf8" }));
    const { failures, warnings, findings } = await examined(place.env);
    expect(findings.filter(({ level }) => level !== "ok")).toEqual([]);
    expect([failures, warnings]).toEqual([0, 0]);
    expect(findings.map(({ check }) => check)).toContain("migrations");
    expect(new Set(readdirSync(place.dataDir, { recursive: true, encoding: "utf8" }))).toEqual(before);
  });

  test("is told in neat lines", async () => {
    const env = {
      NEOCRM_PROFILE: "production",
      HOST: "127.0.0.1",
      PORT: nowhere,
      DATA_DIR: newDataDir(),
      JWT_SECRET: strong,
    };
    const { code, out } = await neocrm(["doctor"], { env, cwd: folder });
    expect(code).toBe(0);
    const lines = out.split("\n");
    expect(lines.at(-1)).toBe("All is well.");
    for (const line of lines.slice(0, -2)) expect(line).toMatch(/^ok {4}\S.{14,} \S.*\.$/);
    expect(lines).toHaveLength(checks.length + 2);
  });

  test("with mistakes is told why, and what to do", async () => {
    const env = {
      HOST: "127.0.0.1",
      PORT: nowhere,
      DATA_DIR: newDataDir(0o777),
      JWT_SECRET: strong,
      NEOCRM_PROFILE: "production",
      CORS_ORIGIN: "*",
    };
    const { code, out } = await neocrm(["doctor"], { env, cwd: folder });
    expect(code).toBe(1);
    expect(out).toMatch(
      /^fail {2}data directory {2}Others may write in .*\n {22}why: {2}They can .*\n {22}mend: chmod 700 /m,
    );
    expect(out).toMatch(/^warn {2}access/m);
    expect(out.split("\n").at(-1)).toBe("1 failure, 1 warning.");
  });
});

describe("the configuration", () => {
  test("that cannot be used hides nothing else", async () => {
    const env = { JWT_SECRET: "short", RATE_LIMIT_IP: "many", CORS_ORIGIN: "*" };
    const { of, code } = await examined(env);
    expect(code).toBe(1);
    expect(of("configuration").map(({ level, what }) => [level, what])).toEqual([
      ["fail", "environment variable JWT_SECRET: auth.jwt_secret = ***: expected at least 32 characters"],
      [
        "fail",
        'environment variable RATE_LIMIT_IP: limits.ip_per_minute = "many": expected an integer from 0 to 1000000',
      ],
    ]);
    expect(of("access")[0]).toMatchObject({ level: "warn" });
  });

  test("with another profile than there is counts as production", async () => {
    const { of } = await examined({ NEOCRM_PROFILE: "prod", CORS_ORIGIN: "*" });
    expect(of("configuration")[0]!.what).toContain('unknown profile "prod"');
    expect(of("access")[0]).toMatchObject({ level: "warn" });
  });

  test("with a name that is no setting", () =>
    expectFinding({
      env: { NEOCRM_SERVER_PROT: "1" },
      check: "configuration",
      level: "warn",
      what: /NEOCRM_SERVER_PROT/,
      mend: /name/,
    }));
});

describe("the environment", () => {
  test.each(["BUN_OPTIONS", "BUN_BE_BUN"])("with %s", (name) =>
    expectFinding({
      env: { [name]: "1" },
      check: "environment",
      level: "fail",
      what: `${name} is set`,
      mend: `unset ${name}`,
    }),
  );
  test("with certificates unchecked", () =>
    expectFinding({
      env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
      check: "environment",
      level: "fail",
      what: /is 0/,
      mend: /NODE_EXTRA_CA_CERTS/,
    }));
});

describe("the data directory", () => {
  const check = "data directory";

  test("that is missing", () =>
    expectFinding({
      env: { DATA_DIR: join(folder, "a/b") },
      check,
      level: "warn",
      what: /^There is no .*\/a\/b yet/,
      mend: /--data-dir/,
    }));
  test("that is a file", () => {
    writeFileSync(join(folder, "file"), "");
    return expectFinding({
      env: { DATA_DIR: join(folder, "file") },
      check,
      level: "fail",
      what: /no directory/,
      mend: /--data-dir/,
    });
  });
  test("that others may write", () =>
    expectFinding({
      env: { DATA_DIR: newDataDir(0o770) },
      check,
      level: "fail",
      what: /write.*0770/,
      mend: /^chmod 700 /,
    }));
  test("that others may read", () =>
    expectFinding({
      env: { DATA_DIR: newDataDir(0o755) },
      check,
      level: "warn",
      what: /read.*0755/,
      mend: /^chmod 700 /,
    }));
  test("whose database others may read", () => {
    const dataDir = newDataDir();
    new Database(join(dataDir, "neocrm.db"), { create: true }).run("CREATE TABLE x (y)");
    chmodSync(join(dataDir, "neocrm.db"), 0o644);
    return expectFinding({
      env: { DATA_DIR: dataDir },
      check,
      level: "warn",
      what: /neocrm\.db \(mode 0644/,
      mend: /^chmod 600 /,
    });
  });

  const isRoot = process.getuid?.() === 0;
  test("that belongs to somebody else, as root sees it", () => {
    const dataDir = newDataDir();
    if (isRoot) chownSync(dataDir, unprivilegedUid, unprivilegedUid);
    else spyOn(process, "geteuid").mockReturnValue(0);
    cleanups.push(() => spyOn(process, "geteuid").mockRestore());
    return expectFinding({
      env: { DATA_DIR: dataDir },
      check,
      level: "warn",
      what: `belongs to user ${unprivilegedUid}; this is user 0.`,
      mend: `sudo -u '#${unprivilegedUid}'`,
    });
  });
  test("with something in it that somebody else made", () => {
    const [dataDir, other] = [newDataDir(), isRoot ? unprivilegedUid : 0];
    const backups = join(dataDir, "backups");
    // Only root can give a file away; everybody has root's own directory, closed as backups are.
    if (isRoot) mkdirSync(backups, { mode: 0o700 });
    else symlinkSync("/root", backups);
    if (isRoot) chownSync(backups, other, other);
    return expectFinding({
      env: { DATA_DIR: dataDir },
      check,
      level: "fail",
      what: `backups belongs to user ${other}, its directory to user ${process.getuid!()}.`,
      mend: /chown/,
    });
  });
  test("that is root's, or cannot be made, for another user", () => {
    const [closed, open] = isRoot ? [newDataDir(0o700), newDataDir(0o755)] : ["/root", "/usr"];
    if (isRoot) chmodSync(folder, 0o755);
    const look = (dataDir: string) => foundUnprivileged(dataDir).map(({ level, what }) => `${level} ${what}`);
    const belongs = expect.stringContaining(` belongs to user 0; this is user ${unprivilegedUid}`);
    const cannotWrite = expect.stringMatching(/^fail .* may not be written\.$/);
    expect(look(closed)).toEqual([belongs, cannotWrite]);
    expect(look(open)).toEqual([expect.stringMatching(/^warn Others may read/), belongs, cannotWrite]);
    expect(look("/usr/neocrm/data")).toEqual([
      "fail There is no /usr/neocrm/data, and /usr may not be written.",
    ]);
  });
});

/** What somebody who is not root finds about a data directory. */
function foundUnprivileged(dataDir: string): Finding[] {
  const source = JSON.stringify(join(import.meta.dir, "../../src/doctor/data-directory"));
  const found = unprivileged(
    `import { examineDataDirectory } from ${source};`,
    `const loaded = { dataDir: ${JSON.stringify(dataDir)} };
    console.log(JSON.stringify(examineDataDirectory({ loaded })));`,
  );
  return JSON.parse(found) as Finding[];
}

describe("the disk", () => {
  test("without room", async () => {
    // The kernel's own file system has none.
    const { of } = await examined({ DATA_DIR: "/proc" });
    expect(of("disk")[0]).toMatchObject({ level: "fail", what: "Only 0 MiB are free for /proc." });
  });

  test("over a network is told from a local one", () => {
    expect([0x6969, 0xff534d42, 0xff534d42 | 0, 0x01021997].map(networkFileSystem)).toEqual([
      "NFS",
      "CIFS",
      "CIFS",
      "9p",
    ]);
    expect([0xef53, 0x01021994, 0x9123683e, 0x794c7630].map(networkFileSystem)).toEqual(
      Array(4).fill(undefined),
    );
  });
});

describe("a secret", () => {
  test.each([
    ["changeme-changeme-changeme-changeme", "an example's"],
    ["your-256-bit-secret-goes-in-this-place", "an example's"],
    ["MySuperSecretKeyForJwtTokens12345678", "an example's"],
    ["a".repeat(40), "repeats"],
    ["kx3QpkxkQ".repeat(5), "repeats"],
    ["aabbaabababbabbabababbaabbabababbaba", "few different"],
  ])("%p is weak", async (secret, reason) => {
    const { of, code } = await examined({ JWT_SECRET: secret });
    expect(code).toBe(1);
    expect(of("secrets")[0]).toMatchObject({
      level: "fail",
      what: expect.stringContaining(reason),
      mend: expect.stringContaining("openssl rand"),
    });
    expect(JSON.stringify(of("secrets"))).not.toContain(secret);
  });

  test("that is random is not", () => {
    for (let i = 0; i < 300; i++) {
      const bytes = crypto.getRandomValues(new Uint8Array(32));
      for (const secret of [
        Buffer.from(bytes).toString("hex"),
        Buffer.from(bytes.slice(0, 24)).toString("base64url"),
      ])
        expect([secret, weakness(secret)]).toEqual([secret, undefined]);
    }
  });

  test("is weak as the metrics token too", () =>
    expectFinding({
      env: { METRICS_TOKEN: "changeme-please-now" },
      check: "secrets",
      level: "fail",
      what: /^metrics\.token/,
      mend: /METRICS_TOKEN=/,
    }));
  test("is weak as the first admin's password", () =>
    expectFinding({
      env: { NEOCRM_ADMIN_EMAIL: "a@b.example", NEOCRM_ADMIN_PASSWORD: "password123" },
      check: "secrets",
      level: "fail",
      what: /^admin\.password/,
      mend: /phrase/,
    }));
  test("is used twice", () =>
    expectFinding({
      env: { METRICS_TOKEN: strong },
      check: "secrets",
      level: "fail",
      what: "auth.jwt_secret and metrics.token are the same",
      mend: /its own/,
    }));
  test("is readable by others where the server keeps it", () => {
    const dataDir = newDataDir();
    mkdirSync(join(dataDir, "secrets"), { mode: 0o700 });
    writeFileSync(join(dataDir, "secrets/jwt_secret"), strong);
    chmodSync(join(dataDir, "secrets/jwt_secret"), 0o640);
    return expectFinding({
      env: { DATA_DIR: dataDir, JWT_SECRET: "" },
      check: "secrets",
      level: "fail",
      what: /secrets\/jwt_secret/,
      mend: /^chmod 600 /,
    });
  });
  test("is readable by everybody in the file that is named", () => {
    const file = join(folder, "jwt");
    writeFileSync(file, strong);
    chmodSync(file, 0o644);
    return expectFinding({
      env: { JWT_SECRET: "", JWT_SECRET_FILE: file },
      check: "secrets",
      level: "warn",
      what: file,
      mend: /chmod o=/,
    });
  });
  test("is not given to instances that share a database", async () => {
    const DATABASE_URL = await newDatabase();
    await expectFinding({
      env: { DATABASE_URL, JWT_SECRET: "" },
      check: "secrets",
      level: "warn",
      what: /JWT_SECRET is not set/,
      mend: /same JWT_SECRET/,
    });
  });
});

describe("the proxy", () => {
  const check = "proxy";
  test.each(["redirect", "require"])("that nobody trusts, with HTTPS on %s", (https) =>
    expectFinding({
      env: { NEOCRM_SERVER_HTTPS: https },
      check,
      level: "fail",
      what: `server.https is ${https}`,
      mend: /TRUSTED_PROXIES/,
    }),
  );
  test("that is everybody", () =>
    expectFinding({
      env: { NEOCRM_SERVER_TRUSTED_PROXIES: "0.0.0.0/0" },
      check,
      level: "fail",
      what: /trusts everybody/,
      mend: /TRUSTED_PROXIES/,
    }));
  test("with HTTPS in public and not here", () =>
    expectFinding({
      env: { NEOCRM_SERVER_PUBLIC_URL: "https://crm.example.com" },
      check,
      level: "warn",
      what: /server\.https is off/,
      mend: /HTTPS=redirect/,
    }));
  test.each(["0.0.0.0", "::"])("that is not there, on %s", (host) =>
    expectFinding({
      env: { HOST: host },
      check,
      level: "warn",
      what: /every address/,
      mend: /HOST=127\.0\.0\.1/,
    }),
  );
  test("is nobody's concern in development", async () => {
    const { of } = await examined({
      NEOCRM_PROFILE: "development",
      HOST: "0.0.0.0",
      CORS_ORIGIN: "*",
      LOG_LEVEL: "debug",
    });
    for (const name of ["proxy", "access", "log"]) expect(of(name)).toMatchObject([{ level: "ok" }]);
  });
});

describe("what is let in", () => {
  test.each([
    [{ CORS_ORIGIN: "*" }, "access", /CORS/, /CORS_ORIGIN=/],
    [{ NEOCRM_AUTH_REGISTRATION: "open" }, "access", /register/, /REGISTRATION=closed/],
    [{ RATE_LIMIT_AUTH: "0" }, "access", /limits\.auth_per_minute is 0/, /a minute/],
    [{ LOG_LEVEL: "debug" }, "log", /debug/, /LOG_LEVEL=info/],
  ] as [Env, string, RegExp, RegExp][])("%p", (env, check, what, mend) =>
    expectFinding({ env, check, level: "warn", what, mend }),
  );
});

describe("the database", () => {
  const check = "database";
  const at = (url: string, change: Partial<URL>) => Object.assign(new URL(url), change).href;

  test("that refuses", () =>
    expectFinding({
      env: { DATABASE_URL: "postgres://crm:hidden@127.0.0.1:1/crm" },
      check,
      level: "fail",
      what: "PostgreSQL at 127.0.0.1:1/crm: nothing listens there",
      mend: /port 1/,
    }));
  test("whose host is not known", () =>
    expectFinding({
      env: { DATABASE_URL: "postgres://crm@database.invalid/crm" },
      check,
      level: "fail",
      what: /its name is not known/,
      mend: /database\.invalid/,
    }));
  test("that does not exist", async () => {
    const DATABASE_URL = at(await newDatabase(), { pathname: "/nothing" });
    await expectFinding({
      env: { DATABASE_URL },
      check,
      level: "fail",
      what: /no such database/,
      mend: /createdb/,
    });
  });
  test("that does not know the user", async () => {
    const DATABASE_URL = at(await newDatabase(), { username: "stranger" });
    await expectFinding({
      env: { DATABASE_URL },
      check,
      level: "fail",
      what: /does not let this user in/,
      mend: /pg_hba/,
    });
  });
  test("never shows its password", async () => {
    const { findings } = await examined({ DATABASE_URL: "postgres://crm:hidden@127.0.0.1:1/crm" });
    expect(JSON.stringify(findings)).not.toContain("hidden");
  });
  test("that is no database", () => {
    const dataDir = newDataDir();
    writeFileSync(join(dataDir, "neocrm.db"), "no database, but long enough to be read as one".repeat(100), {
      mode: 0o600,
    });
    return expectFinding({
      env: { DATA_DIR: dataDir },
      check,
      level: "fail",
      what: /file is not a database/,
      mend: /backup/,
    });
  });

  test.each(engines)("without the newest structure [%s]", async (engine) => {
    const place = await newInstallation(engine, { empty: true });
    cleanups.push(place.remove);
    expect((await neocrm(["migrate", "up"], { env: place.env })).code).toBe(0);
    expect((await neocrm(["migrate", "down"], { env: place.env })).code).toBe(0);
    await expectFinding({
      env: place.env,
      check: "migrations",
      level: "warn",
      what: /^Missing: \d{4}_\w+\.$/,
      mend: /migrate up/,
    });
  });

  test.each(engines)("of a newer neocrm [%s]", async (engine) => {
    const place = await newInstallation(engine);
    cleanups.push(place.remove);
    const server = await place.start();
    await server.stop();
    const insert = "INSERT INTO _migrations VALUES ('9999_future', 1)";
    if (server.databaseUrl === null) {
      const db = new Database(join(place.dataDir, "neocrm.db"));
      db.run(insert);
      db.close();
    } else {
      const client = new SQL({ url: server.databaseUrl, max: 1 });
      await client.unsafe(insert);
      await client.close();
    }
    await expectFinding({
      env: place.env,
      check: "migrations",
      level: "fail",
      what: /newer neocrm: it has 9999_future/,
      mend: /newer neocrm/,
    });
  });
});

describe("the clock", () => {
  const check = "clock";

  test("that shows a year before the program's", () => {
    setSystemTime(new Date("2001-02-03T04:05:06Z"));
    return expectFinding({
      check,
      level: "fail",
      what: `2001-02-03T04:05:06.000Z, and this program is of ${year}`,
      mend: /set-ntp/,
    });
  });

  test.each(engines)("that was set back, or far ahead, since the newest event [%s]", async (engine) => {
    const place = await newInstallation(engine);
    cleanups.push(place.remove);
    await (
      await place.start({ NEOCRM_ADMIN_EMAIL: "a@b.example", NEOCRM_ADMIN_PASSWORD: "a long enough phrase" })
    ).stop();
    const hour = 3_600_000;
    setSystemTime(Date.now() - hour);
    const back = await examined(place.env);
    expect(back.of(check).map(({ level, what }) => `${level} ${what}`)).toContainEqual(
      expect.stringMatching(/^fail .*newest event is of/),
    );
    setSystemTime(Date.now() + 2 * 365 * 24 * hour);
    const ahead = await examined(place.env);
    expect(ahead.of(check).map(({ level, what }) => `${level} ${what}`)).toContainEqual(
      expect.stringMatching(/^warn .*newest event is of/),
    );
    if (engine === "postgres") {
      expect(back.of(check)[0]).toMatchObject({
        level: "fail",
        what: expect.stringMatching(/^It is 3[56]\d\d s behind the database's/),
      });
      expect(ahead.of(check)[0]).toMatchObject({
        level: "fail",
        what: expect.stringMatching(/s ahead of the database's/),
      });
    }
  });
});

describe.each(engines)("the server [%s]", (engine) => {
  const started = async (env: Env = {}) => {
    const server = await startTestServer(engine, { JWT_SECRET: strong, ...env });
    cleanups.push(() => server.stop());
    const { port } = new URL(server.url);
    const settings = {
      DATA_DIR: server.dataDir,
      ...(server.databaseUrl && { DATABASE_URL: server.databaseUrl }),
    };
    return { server, env: { ...settings, PORT: port } as Env };
  };
  const check = "server";

  test("that is well", async () => {
    const { server, env } = await started();
    const { failures, of } = await examined(env);
    expect(failures).toBe(0);
    expect(of(check)).toMatchObject([{ level: "ok", what: `It answers at ${server.url} and is well.` }]);
    expect(of("file limit")[0]!.what).toContain(`The server (process ${process.pid})`);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  test("that is elsewhere than its settings say", async () => {
    const { env } = await started();
    await expectFinding({
      env: { ...env, PORT: nowhere },
      check,
      level: "fail",
      what: /holds .*, and nothing answers at/,
      mend: /settings of the server/,
    });
  });

  test("that is on other data", async () => {
    const { env } = await started();
    await expectFinding({
      env: { PORT: env.PORT! },
      check,
      level: "warn",
      what: /another neocrm answers/,
      mend: /--port/,
    });
  });

  test("whose port is another program's", async () => {
    const port = await listen(
      createServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")),
    );
    await expectFinding({
      env: { PORT: String(port) },
      check,
      level: "warn",
      what: /another program answers/,
      mend: /--port/,
    });
    const { env } = await started();
    await expectFinding({
      env: { ...env, PORT: String(port) },
      check,
      level: "fail",
      what: /holds .*another program answers/,
      mend: /settings/,
    });
  });

  test("that gets requests of a proxy it does not trust", async () => {
    const { server, env } = await started();
    const forwarded = { headers: { "x-forwarded-for": "192.0.2.7" } };
    await fetch(`${server.url}/api`);
    expect((await examined(env)).of("forwarding")).toMatchObject([{ level: "ok" }]);
    await fetch(`${server.url}/api`, forwarded);
    await expectFinding({
      ...{ env, check: "forwarding", level: "warn" as const },
      what: "127.0.0.1 sends X-Forwarded-For",
      mend: "NEOCRM_SERVER_TRUSTED_PROXIES=127.0.0.1",
    });
    expect(await server.parts.metrics.text()).toContain("\nneocrm_http_untrusted_forwards_total 1\n");
    const trusting = await started({ NEOCRM_SERVER_TRUSTED_PROXIES: "127.0.0.1" });
    for (const value of ["192.0.2.7", "127.0.0.1", "no address"])
      await fetch(`${trusting.server.url}/api`, { headers: { "x-forwarded-for": value } });
    expect((await examined(trusting.env)).of("forwarding")).toMatchObject([{ level: "ok" }]);
  });

  test("that is down", async () => {
    const { server, env } = await started();
    await breakDatabase(server);
    const { of, code } = await examined(env);
    expect(code).toBe(1);
    expect(of(check)[0]).toMatchObject({
      level: "fail",
      what: expect.stringContaining("is down. database: The database cannot be reached."),
    });
  });
});

test("few files that may be open", async () => {
  const main = join(import.meta.dir, "../../src/main.ts");
  const command = `ulimit -n 512; exec "$0" "$1" doctor --json --data-dir "$2" --port ${nowhere}`;
  const child = Bun.spawn(["bash", "-c", command, process.execPath, main, newDataDir()], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const { findings } = JSON.parse(await new Response(child.stdout).text()) as { findings: Finding[] };
  const found = findings.find(({ check }) => check === "file limit");
  expect(found).toMatchObject({
    level: "warn",
    what: "A server started here may open only 512 files.",
    mend: expect.stringContaining("LimitNOFILE"),
  });
});

test("an examination that breaks hides no other", async () => {
  // A socket's path has an end; what looks at it there throws.
  const { of, findings } = await examined({ DATA_DIR: `/proc/self/fd/${"x/".repeat(2_200)}` });
  expect(findings.filter(({ what }) => what.startsWith("Could not be looked at")).length).toBeGreaterThan(0);
  expect(of("proxy")).toMatchObject([{ level: "ok" }]);
  expect(of("file limit")).toHaveLength(1);
});

/** What is found where the database never answers. It is waited for five seconds, in which the other tests go on. */
let silent: ReturnType<typeof examined>;
beforeAll(async () => {
  const server = createServer(() => {});
  const port = await portOf(server);
  silent = examined({ DATABASE_URL: `postgres://crm@127.0.0.1:${port}/crm` });
  const close = () => void server.close();
  silent.then(close, close);
});

test("a database that says nothing", async () => {
  expect((await silent).of("database")[0]).toMatchObject({
    level: "fail",
    what: expect.stringContaining("no answer within 5 s"),
  });
}, 20_000);

async function breakDatabase({ dataDir, databaseUrl }: TestServer): Promise<void> {
  if (databaseUrl === null) return rmSync(join(dataDir, "neocrm.db"));
  const name = new URL(databaseUrl).pathname.slice(1);
  const maintenance = new SQL({
    url: Object.assign(new URL(databaseUrl), { pathname: "/postgres" }).href,
    max: 1,
  });
  await maintenance.unsafe(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await maintenance`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
  await maintenance.close();
}

async function listen(server: Server): Promise<number> {
  cleanups.push(() => server.close());
  return portOf(server);
}

/** The port of the loopback on which a server listens from now on. */
async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}
