/** What callers see when the database is full, gone or overloaded. */
import { SQL } from "bun";
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { type DbError, toDbError } from "../../../src/db/errors";
import { sqliteMigrations } from "../../../src/db/migrations.generated";
import { sqliteMigrator } from "../../../src/db/migrate.sqlite";
import { openPostgresStore } from "../../../src/db/postgres";
import { openSqliteStore } from "../../../src/db/sqlite";
import type { Session } from "../../../src/db/store";
import { newId } from "../../../src/ids";
import { newDatabase, postgres } from "../../support/postgres";
import { clientById, failure, insertUser, temporaryFolder } from "./fixtures";

setDefaultTimeout(60_000);

const folder = temporaryFolder();
afterAll(folder.remove);

describe("kinds", () => {
  const kindOf = (error: object) => (toDbError(error) as DbError).kind;

  test("by PostgreSQL's code", () => {
    const codes = {
      "08006": "unavailable",
      "25P03": "deadline",
      "40001": "retry",
      "53100": "full",
      "53300": "unavailable",
      "57014": "deadline",
      "57P01": "unavailable",
      "57P03": "unavailable",
    };
    for (const [errno, kind] of Object.entries(codes))
      expect(kindOf({ code: "ERR_POSTGRES_SERVER_ERROR", errno }), errno).toBe(kind as DbError["kind"]);
  });

  test("by Bun's and SQLite's code, also as the cause of another error", () => {
    expect(kindOf({ code: "ERR_POSTGRES_CONNECTION_CLOSED" })).toBe("unavailable");
    expect(kindOf({ code: "SQLITE_FULL" })).toBe("full");
    expect(kindOf({ code: "SQLITE_BUSY_SNAPSHOT" })).toBe("busy");
    expect(kindOf(new Error("wrapped", { cause: { code: "SQLITE_FULL" } }))).toBe("full");
  });

  test("what fits no kind stays what it is", () => {
    for (const error of [new Error("no"), { code: "ERR_POSTGRES_SERVER_ERROR", errno: "42601" }, undefined])
      expect(toDbError(error)).toBe(error);
  });
});

describe("sqlite", () => {
  test("a ping notices that the file was replaced or removed", async () => {
    const file = join(folder.path, "gone.db");
    await sqliteMigrator(file, folder.path, sqliteMigrations).up();
    const store = openSqliteStore(file);
    await store.ping();
    renameSync(file, `${file}.moved`);
    expect(await failure(store.ping())).toBe("unavailable undefined");
    await store.close();
  });

  test("waiting counts who is in line", async () => {
    const file = join(folder.path, "waiting.db");
    await sqliteMigrator(file, folder.path, sqliteMigrations).up();
    const store = openSqliteStore(file);
    const writes = Array.from({ length: 5 }, () => store.tx((session) => insertUser(session, newId())));
    expect(store.waiting).toBe(5);
    await Promise.all(writes);
    expect(store.waiting).toBe(0);
    await store.close();
  });

  // A limit on file sizes stands in for a full disk; SIGXFSZ has to be ignored to see it as an error.
  test("a full disk rejects who does not fit, keeps who was answered, and recovers", async () => {
    const writer = join(import.meta.dir, "disk-full.writer.ts");
    const script = `trap '' XFSZ; ulimit -S -f 3000; exec "$0" "$@"`;
    const child = Bun.spawn(["bash", "-c", script, process.execPath, writer, folder.path], {
      stderr: "pipe",
    });
    const output = await new Response(child.stdout).text();
    expect(await child.exited, await new Response(child.stderr).text()).toBe(0);
    const { accepted, rejected, lost, ghosts, kinds } = JSON.parse(output);
    expect({ lost, ghosts, kinds }).toEqual({ lost: 0, ghosts: 0, kinds: ["full"] });
    expect(accepted).toBeGreaterThan(100);
    expect(rejected).toBeGreaterThan(100);
  }, 15_000);
});

describe("postgres", () => {
  test("a server that is not there is unavailable, in every way to ask", async () => {
    const store = openPostgresStore("postgres://nobody@127.0.0.1:1/none");
    const attempts = [store.ping(), store.tx(async () => 1), clientById(store.read, newId())];
    for (const attempt of attempts) expect(await failure(attempt)).toBe("unavailable undefined");
    await store.close();
  });

  test("a server that accepts and stays silent is given up by a ping", async () => {
    const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const store = openPostgresStore(`postgres://nobody@127.0.0.1:${silent.port}/none`, { deadlineMs: 100 });
    expect(await failure(store.ping())).toBe("unavailable undefined");
    silent.stop(true);
  });

  test("a crash fails what runs, keeps what was answered, and ends when the server is back", async () => {
    const server = await postgres({ durable: true });
    const store = openPostgresStore(await newDatabase({ durable: true }));
    await store.tx((session) => insertUser(session, "kept"));
    const started = Promise.withResolvers<void>();
    const crashed = Promise.withResolvers<void>();
    const running = store.tx(async (session) => {
      await insertUser(session, "lost");
      started.resolve();
      await crashed.promise;
      await insertUser(session, "lost too");
    });
    const outcome = failure(running);
    await started.promise;
    await server.crash();
    crashed.resolve();
    expect(await outcome).toBe("unavailable undefined");
    expect(await failure(store.ping())).toBe("unavailable undefined");

    await server.start();
    await store.ping();
    const { t, q } = store.read;
    expect((await q.select().from(t.users)).map((user) => user.email)).toEqual(["kept"]);
    await store.close();
  }, 60_000);

  test("a hundred who change one row at once all succeed, and seldom get in each other's way", async () => {
    const store = openPostgresStore(await newDatabase(), { deadlineMs: 60_000 });
    const id = newId();
    await store.tx((session) => insertUser(session, "hot", id));
    let attempts = 0;
    const raise = async ({ q, t }: Session) => {
      attempts++;
      const mine = eq(t.users.id, id);
      const [user] = await q.select().from(t.users).where(mine);
      await q
        .update(t.users)
        .set({ version: user!.version + 1 })
        .where(mine);
    };
    await Promise.all(Array.from({ length: 100 }, () => store.tx(raise)));
    const [user] = await store.read.q.select().from(store.read.t.users).where(eq(store.read.t.users.id, id));
    expect(user!.version).toBe(101);
    // Once each, once again for whoever lost, and once more for each who was overtaken by a first attempt.
    expect(attempts).toBeLessThanOrEqual(3 * 100);
    await store.close();
  }, 60_000);

  test("an administrator who ends connections ends nothing else", async () => {
    const url = await newDatabase();
    const store = openPostgresStore(url, { connections: 1 });
    const admin = new SQL({ url, max: 1 });
    await store.ping();
    const ended = store.tx(async (session) => {
      await insertUser(session, "ended");
      await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`;
      await insertUser(session, "ended too");
    });
    expect(await failure(ended)).toBe("unavailable undefined");
    await store.tx((session) => insertUser(session, "after"));
    await Promise.all([store.close(), admin.close()]);
  });
});
