import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { AsyncLocalStorage } from "node:async_hooks";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GroupCommit, type GroupCommitOptions } from "../../../src/db/group-commit";
import type { Lifetime } from "../../../src/db/store";

/** The plainest session there is: SQL on the writer's connection. */
type Session = { run(sql: string): void; count(): number };

let folder: string;
let db: Database;
let commits: number;
/** A statement of the machinery that fails once. */
let broken: string | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "group-commit-"));
  db = new Database(join(folder, "test.db"), { create: true });
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA foreign_keys = ON");
  db.run("PRAGMA busy_timeout = 0");
  db.run("CREATE TABLE parents (id INTEGER PRIMARY KEY)");
  db.run("CREATE TABLE entries (id INTEGER PRIMARY KEY REFERENCES parents DEFERRABLE INITIALLY DEFERRED)");
  db.run("CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n < 1000000))");
  db.run("INSERT INTO counters VALUES (1, 0), (2, 0)");
});

afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

function open(options: GroupCommitOptions = {}) {
  commits = 0;
  const counted = new Proxy(db, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
      return (sql: string) => {
        const statement = target.prepare(sql);
        const run = () => {
          if (sql === broken) {
            broken = undefined;
            throw new Error("disk I/O error");
          }
          if (sql === "COMMIT") commits++;
          return statement.run();
        };
        return { run };
      };
    },
  });
  const session = (lifetime: Lifetime): Session => ({
    run: (sql) => (lifetime.check(), db.run(sql), void (lifetime.hasWritten = true)),
    count: () => (
      lifetime.check(),
      db.query<{ n: number }, []>("SELECT n FROM counters WHERE id = 1").get()!.n
    ),
  });
  return new GroupCommit<Session>(counted, session, options);
}

const insert = (id: number) => async (session: Session) => session.run(`INSERT INTO entries VALUES (${id})`);
const increment = async (session: Session) => {
  const n = session.count();
  await Promise.resolve();
  session.run(`UPDATE counters SET n = ${n + 1} WHERE id = 1`);
};
const counter = () => db.query<{ n: number }, []>("SELECT n FROM counters WHERE id = 1").get()!.n;
const outcomes = async (promises: Promise<unknown>[]) =>
  (await Promise.allSettled(promises)).map((result) =>
    result.status === "fulfilled" ? "ok" : result.reason.message,
  );

describe("group commit", () => {
  test("callers who wait together share one commit, up to the limit", async () => {
    const writer = open({ maxCallers: 50, maxBatchMs: 1000 });
    await Promise.all(Array.from({ length: 100 }, () => writer.run(increment)));
    expect(commits).toBe(2);
    expect(counter()).toBe(100);
  });

  test("a commit counts when somebody wrote in it", async () => {
    const writer = open();
    await writer.run(async (session) => session.count());
    expect([commits, writer.commits]).toEqual([1, 0]);
    await Promise.all([writer.run(async (session) => session.count()), writer.run(increment)]);
    expect([commits, writer.commits]).toEqual([2, 1]);
  });

  test("a batch that worked long enough takes no further callers", async () => {
    // Each works longer than a batch may: however slow the machine is, nobody joins it.
    const writer = open({ maxBatchMs: 5 });
    const slow = async (session: Session) => (await increment(session), Bun.sleepSync(6));
    await Promise.all(Array.from({ length: 6 }, () => writer.run(slow)));
    expect(commits).toBe(6);
  });

  test("callers are served in the order they came", async () => {
    const writer = open();
    const order: number[] = [];
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    await Promise.all(numbers.map((i) => writer.run(async () => void order.push(i))));
    expect(order).toEqual(numbers);
  });

  test("who throws is rejected alone, after the commit, and leaves nothing", async () => {
    const writer = open();
    const moody = (i: number) => async (session: Session) => {
      await increment(session);
      if (i % 3 === 0) throw new Error("no");
    };
    const calls = Array.from({ length: 99 }, (_, i) => writer.run(moody(i)));
    let commitsAtFirstRejection = 0;
    calls[0]!.catch(() => (commitsAtFirstRejection = commits));
    const result = await outcomes(calls);
    expect(result.filter((outcome) => outcome === "no")).toHaveLength(33);
    expect(counter()).toBe(66);
    expect(commitsAtFirstRejection).toBe(1);
  });

  for (const { when, writes, runs } of [
    { when: "before it wrote anything", writes: false, runs: 2 },
    { when: "after it wrote something", writes: true, runs: 3 },
  ]) {
    test(`who throws ${when} ${writes ? "makes those before it run again" : "disturbs nobody"}`, async () => {
      const writer = open({ maxBatchMs: 10_000 });
      let ran = 0;
      const counts = async (session: Session) => (ran++, increment(session));
      const throws = async (session: Session) => {
        if (writes) await increment(session);
        throw new Error("no");
      };
      const result = await outcomes([writer.run(counts), writer.run(throws), writer.run(counts)]);
      expect(result).toEqual(["ok", "no", "ok"]);
      expect(ran).toBe(runs);
      expect([counter(), commits]).toEqual([2, 1]);
    });
  }

  test("a synchronous throw is a rejection too", async () => {
    const writer = open();
    const throws = () => {
      throw new Error("at once");
    };
    expect(await outcomes([writer.run(throws), writer.run(increment)])).toEqual(["at once", "ok"]);
  });

  test("a constraint that fails at COMMIT rejects only the caller who broke it", async () => {
    const writer = open();
    const result = await outcomes([
      writer.run(increment),
      writer.run(insert(7)),
      writer.run(increment),
      writer.run(async (session) => (session.run("INSERT INTO parents VALUES (8)"), insert(8)(session))),
    ]);
    expect(result).toEqual(["ok", "database: foreign_key", "ok", "ok"]);
    expect(counter()).toBe(2);
    expect(db.query("SELECT id FROM entries").values()).toEqual([[8]]);
  });

  test("a trigger that rolls everything back rejects only the caller who fired it", async () => {
    db.run("CREATE TRIGGER stop BEFORE INSERT ON parents BEGIN SELECT RAISE(ROLLBACK, 'stopped'); END");
    const writer = open();
    const fires = async (session: Session) => session.run("INSERT INTO parents VALUES (1)");
    expect(await outcomes([writer.run(increment), writer.run(fires), writer.run(increment)])).toEqual([
      "ok",
      "stopped",
      "ok",
    ]);
    expect(counter()).toBe(2);
  });

  test("a caller who hides that SQLite rolled back is rejected all the same", async () => {
    db.run("CREATE TRIGGER stop BEFORE INSERT ON parents BEGIN SELECT RAISE(ROLLBACK, 'stopped'); END");
    const writer = open();
    const hides = async (session: Session) => {
      try {
        session.run("INSERT INTO parents VALUES (1)");
      } catch {}
    };
    expect(await outcomes([writer.run(hides)])).toEqual(["SQLite ended the transaction."]);
  });

  for (const statement of ["SAVEPOINT caller", "RELEASE caller", "ROLLBACK TO caller", "COMMIT"]) {
    test(`if ${statement} fails, everybody in the batch is rejected, and nobody after it`, async () => {
      const writer = open();
      broken = statement;
      const throws = async (session: Session) => {
        await increment(session);
        throw new Error("no");
      };
      const result = await outcomes([writer.run(increment), writer.run(throws), writer.run(increment)]);
      const failed = result.filter((outcome) => outcome === "disk I/O error").length;
      expect(counter()).toBe(result.filter((outcome) => outcome === "ok").length);
      expect(failed).toBeGreaterThan(0);
      await writer.run(increment);
      await writer.idle();
    });
  }

  test("a hung caller is rolled back alone; the others wait for its deadline, no longer", async () => {
    const writer = open({ deadlineMs: 100 });
    const hangs = async (session: Session) => (await increment(session), new Promise<void>(() => {}));
    expect(await outcomes([writer.run(increment), writer.run(hangs), writer.run(increment)])).toEqual([
      "ok",
      "database: deadline",
      "ok",
    ]);
    expect(counter()).toBe(2);
  });

  test("a lock held by another connection is waited for, with the event loop running", async () => {
    const writer = open();
    const other = new Database(db.filename);
    other.run("BEGIN IMMEDIATE");
    // Were the event loop to stand still, nobody would give up the lock.
    setTimeout(() => other.run("COMMIT"), 100);
    await writer.run(increment);
    other.close();
    expect(counter()).toBe(1);
  });

  test("a lock that is never given up makes callers busy", async () => {
    const writer = open({ deadlineMs: 50 });
    const other = new Database(db.filename);
    other.run("BEGIN IMMEDIATE");
    expect(await outcomes([writer.run(increment)])).toEqual(["database: busy"]);
    other.close();
    await writer.run(increment);
  });

  test("too many callers are turned away", async () => {
    const writer = open({ maxWaiting: 2 });
    expect(await outcomes([1, 2, 3].map(() => writer.run(increment)))).toEqual([
      "ok",
      "ok",
      "database: busy",
    ]);
  });

  test("each caller keeps its own async context", async () => {
    const writer = open();
    const request = new AsyncLocalStorage<number>();
    const seen = await Promise.all(
      [1, 2, 3].map((id) => request.run(id, () => writer.run(async () => request.getStore()))),
    );
    expect(seen).toEqual([1, 2, 3]);
  });

  test("the event loop runs between batches, however fast callers come back", async () => {
    const writer = open({ maxCallers: 8 });
    let stop = false;
    // Were it to stand still, nobody would stop them.
    setTimeout(() => (stop = true), 50);
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (!stop) await writer.run(increment);
      }),
    );
    expect(counter()).toBeGreaterThan(0);
  });
});
