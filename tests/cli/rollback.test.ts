/** A database of an earlier release is upgraded with all that is in it, and taken back to what it was. */
import { Database } from "bun:sqlite";
import { SQL } from "bun";
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeBackup } from "../../src/backup/make";
import { postgresSource } from "../../src/backup/postgres";
import type { BackupProgress } from "../../src/backup/progress";
import { sqliteSource } from "../../src/backup/sqlite";
import { postgresMigrations } from "../../src/db/migrations.generated";
import { signIn } from "../support/people";
import { postgres } from "../support/postgres";
import { newInstallation, type Installation } from "../support/restart";
import { newWorld } from "../support/scenario";
import { engines, type Engine, type TestServer } from "../support/servers";
import { neocrm } from "../support/terminal";

beforeAll(async () => void (await postgres()), 30_000);

const path = process.env.PATH;
afterEach(() => void (process.env.PATH = path));

/** The last migration of the release that the fixtures are of: see `scripts/release-fixture.ts`. */
const release = "0006_files";
const later = postgresMigrations.map(({ tag }) => tag).filter((tag) => tag > release);

async function withRelease(engine: Engine): Promise<Installation> {
  const place = await newInstallation(engine, { empty: true });
  const sql = readFileSync(join(import.meta.dir, `../fixtures/${release}.${engine}.sql`), "utf8");
  mkdirSync(place.dataDir, { mode: 0o700 });
  await run(place, sql);
  return place;
}

async function run(place: Installation, sql: string): Promise<void> {
  if (place.env.DATABASE_URL === undefined) {
    const db = new Database(join(place.dataDir, "neocrm.db"));
    db.run(sql);
    db.close();
    return;
  }
  const client = new SQL({ url: place.env.DATABASE_URL, max: 1 });
  await client.unsafe(sql).simple();
  await client.close();
}

/** Every row of a table, in an order. */
async function rowsOf(place: Installation, table: string): Promise<unknown> {
  const sql = `SELECT * FROM ${table} ORDER BY 1, 2`;
  if (place.env.DATABASE_URL === undefined) {
    const db = new Database(join(place.dataDir, "neocrm.db"));
    try {
      return db.query(sql).all();
    } finally {
      db.close();
    }
  }
  const client = new SQL({ url: place.env.DATABASE_URL, max: 1 });
  const rows: unknown[] = await client.unsafe(sql);
  await client.close();
  return JSON.parse(JSON.stringify(rows));
}

const tables = [
  "clients",
  "client_tags",
  "tasks",
  "events",
  "users",
  "grants",
  "notifications",
  "_migrations",
];
const allRows = async (place: Installation) =>
  Object.fromEntries(await Promise.all(tables.map(async (name) => [name, await rowsOf(place, name)])));

async function demoAdmin(server: TestServer) {
  const { email } = (await server.parts.users.all()).find(({ role }) => role === "admin")!;
  const admin = await signIn(server, email);
  return newWorld(server, { admin } as never);
}

const snapshots = (place: Installation) =>
  existsSync(join(place.dataDir, "backups")) ? readdirSync(join(place.dataDir, "backups")) : [];

describe.each(engines)("an upgrade of an earlier release [%s]", (engine) => {
  test("keeps everything, and is taken back to what there was, as often as one likes", async () => {
    const place = await withRelease(engine);
    try {
      const before = await allRows(place);
      const server = await place.start();
      const world = await demoAdmin(server);
      const list = async (query: string) => (await world.send("admin", "GET", `/api/clients?${query}`)).json;
      const total = (before["clients"] as unknown[]).length;
      expect((await list("limit=1")).pagination.total).toBe(total);
      const { name } = (await list("limit=1")).data[0] as { name: string };
      expect((await list(`q=${encodeURIComponent(name)}`)).data.length).toBeGreaterThan(0);
      expect((await world.send("admin", "POST", "/api/clients", { body: { name: "After" } })).status).toBe(
        201,
      );
      await server.stop();
      expect(snapshots(place)).toEqual([expect.stringContaining(`before-${later[0]!}-`)]);

      const back = await neocrm(["rollback"], { env: place.env });
      expect(back).toMatchObject({ code: 0, err: "" });
      expect(back.out.split("\n").slice(0, later.length)).toEqual(later.map((tag) => `undone   ${tag}`));
      const [, safety] = /What was written since is in (.*)\.$/m.exec(back.out)!;
      expect(existsSync(safety!)).toBe(true);
      expect(await allRows(place)).toEqual(before);
      const status = await neocrm(["migrate", "status"], { env: place.env });
      for (const tag of later) expect(status.out).toContain(`pending  ${tag}`);

      const again = await neocrm(["rollback"], { env: place.env });
      expect(again.code).toBe(1);
      expect(again.err).toMatch(/^There is no snapshot from before an upgrade in .*neocrm restore goes back/);
      const once = await place.start();
      const [newest] = (await (await demoAdmin(once)).send("admin", "GET", "/api/clients?limit=1")).json.data;
      expect(newest.name).not.toBe("After");
      const running = await neocrm(["rollback"], { env: place.env });
      expect(running.err).toMatch(/is in use by another neocrm/);
      await once.stop();
      expect((await neocrm(["rollback"], { env: place.env })).code).toBe(0);
      expect(await allRows(place)).toEqual(before);
    } finally {
      place.remove();
    }
  }, 60_000);

  test("is made of a backup of it, too, once that is restored", async () => {
    const [place, other] = [await withRelease(engine), await newInstallation(engine, { empty: true })];
    try {
      const before = await allRows(place);
      const url = place.env.DATABASE_URL;
      const database =
        url === undefined ? sqliteSource(join(place.dataDir, "neocrm.db")) : postgresSource(url);
      const to = join(place.dataDir, "../backups");
      const nothing = { readBlob: async () => undefined, dataDir: place.dataDir };
      const rules = { daily: 1, weekly: 0, monthly: 0 };
      const steps: BackupProgress[] = [];
      const onProgress = (step: BackupProgress) => void steps.push(step);
      const source = { database, ...nothing, holdBlobs: <T>(work: () => Promise<T>) => work() };
      await makeBackup(source, to, rules, { onProgress, signal: new AbortController().signal });
      expect(steps.length).toBeGreaterThan(engine === "sqlite" ? 1 : 10);
      expect(steps.map(({ done }) => done)).toEqual(steps.map(({ done }) => done).toSorted((a, b) => a - b));
      expect(new Set(steps.map(({ total: all }) => all)).size).toBe(1);
      expect(steps.at(-1)!.done).toBe(steps.at(-1)!.total);
      expect(await neocrm(["restore", "--from", to], { env: other.env })).toMatchObject({ code: 0, err: "" });
      expect(await allRows(other)).toEqual(before);
      const server = await other.start();
      const { pagination } = (await (await demoAdmin(server)).send("admin", "GET", "/api/clients")).json;
      expect(pagination.total).toBe((before["clients"] as unknown[]).length);
      await server.stop();
    } finally {
      place.remove();
      other.remove();
    }
  }, 60_000);

  test("removes the snapshots of long ago, and nothing else, and leaves the one to go back to", async () => {
    const place = await withRelease(engine);
    try {
      const before = await allRows(place);
      const ending = engine === "sqlite" ? "db" : "dump";
      const old = ["0002_core", "0003_events", "0004_jobs", "0005_upkeep"].map(
        (tag, i) => `before-${tag}-2025010${i + 1}T000000000Z.${ending}`,
      );
      const others = [`rolled-back-20240101T000000000Z.${ending}`, "of-mine.txt"];
      mkdirSync(join(place.dataDir, "backups"), { mode: 0o700 });
      for (const name of [...old, ...others]) writeFileSync(join(place.dataDir, "backups", name), name);
      await (await place.start()).stop();
      const newest = expect.stringContaining(`before-${later[0]!}-`) as unknown as string;
      expect(snapshots(place).toSorted()).toEqual([...old.slice(2), newest, ...others.toSorted()]);
      expect(await neocrm(["rollback"], { env: place.env })).toMatchObject({ code: 0, err: "" });
      expect(await allRows(place)).toEqual(before);
    } finally {
      place.remove();
    }
  }, 60_000);

  test("is not kept when what comes of it does not fit the program", async () => {
    const place = await withRelease(engine);
    try {
      await run(place, "ALTER TABLE jobs DROP COLUMN result");
      const before = await allRows(place);
      await expect(place.start()).rejects.toThrow(
        /The upgrade was taken back, and nothing was changed: the table jobs does not fit this program: .*result/,
      );
      expect(await allRows(place)).toEqual(before);
      expect(snapshots(place)).toEqual([]);
    } finally {
      place.remove();
    }
  }, 60_000);
});

describe("PostgreSQL's programs", () => {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-tools-"));
  const old = (tool: string) => {
    writeFileSync(join(folder, tool), `#!/bin/sh\necho "${tool} (PostgreSQL) 9.6.24"\n`);
    chmodSync(join(folder, tool), 0o755);
  };

  test("that are missing or too old are named, and an upgrade goes on without a snapshot", async () => {
    const place = await withRelease("postgres");
    try {
      process.env.PATH = folder;
      const server = await place.start();
      await server.stop();
      expect(snapshots(place)).toEqual([]);
      const backUp = () => neocrm(["backup", "--to", join(place.dataDir, "../to")], { env: place.env });
      const missing = await backUp();
      expect(missing.code).toBe(1);
      expect(missing.err).toMatch(
        /^pg_dump is not installed\. Install PostgreSQL's client programs of version \d+/,
      );
      for (const tool of ["pg_dump", "pg_restore", "psql"]) old(tool);
      expect((await backUp()).err).toMatch(/^pg_dump is of version 9, the server of \d+\. Install/);
    } finally {
      process.env.PATH = path;
      rmSync(folder, { recursive: true, force: true });
      place.remove();
    }
  }, 60_000);
});
