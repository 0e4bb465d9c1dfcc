/** Backups over HTTP and by themselves: who may, what is shown, and who hears of a failure. */
import { beforeAll, describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { filesAtOnce } from "../../src/backup/blob-copy";
import { lastSlot } from "../../src/features/backups/schedule";
import { endless, sha256, upload } from "../support/files";
import { ended, idle } from "../support/jobs";
import { bringPeople } from "../support/people";
import { postgres } from "../support/postgres";
import { newInstallation } from "../support/restart";
import { newWorld, scenarios, type World } from "../support/scenario";
import { engines } from "../support/servers";
import { until } from "../support/stores";

beforeAll(async () => void (await postgres()), 30_000);

scenarios("backups where none are to be made", {}, [
  { by: "lan", get: "/api/admin/backups", status: 403 },
  { by: "manager", post: "/api/admin/backups", body: {}, status: 403 },
  { by: "admin", get: "/api/admin/backups", status: 200, has: { data: [] } },
  {
    by: "admin",
    post: "/api/admin/backups",
    body: {},
    status: 409,
    problem: { code: "backup_not_configured" },
    events: [],
  },
]);

const figure = async (world: World, what: "success" | "failure") => {
  const { text } = await world.send("admin", "GET", "/metrics");
  const line = new RegExp(`^neocrm_backup_last_${what}_timestamp_seconds (\\S+)$`, "m").exec(text);
  return line ? Number(line[1]) : undefined;
};

describe.each(engines)("backups [%s]", (engine) => {
  test("are made at once where there is none yet, when an admin asks, and are listed", async () => {
    const place = await newInstallation(engine);
    const dir = join(place.dataDir, "../backups");
    const server = await place.start({ NEOCRM_BACKUP_DIR: dir });
    try {
      const world = newWorld(server, await bringPeople(server));
      const list = async () => (await world.send("admin", "GET", "/api/admin/backups")).json;
      await until(async () => (await list()).data.length === 1);
      await until(async () => (await figure(world, "success"))! > 0);
      await server.parts.backups.makeDue();
      await upload(world, "lan", "one.txt", "one");

      const asked = await world.send("admin", "POST", "/api/admin/backups", { body: {} });
      expect(asked.status).toBe(202);
      expect(asked.headers.get("location")).toBe(`/api/jobs/${asked.json.id}`);
      const job = await ended(world, "admin", asked.json.id);
      expect(job).toMatchObject({
        kind: "backup",
        state: "succeeded",
        result: { blobs: 1, missing_blobs: 0 },
      });
      const { data, pagination } = await list();
      expect(pagination.total).toBe(2);
      expect(data[0]).toEqual(job.result);
      expect(data[0]).toMatchObject({ engine, blobs: 1, blob_bytes: 3, missing_blobs: 0 });
      expect(
        Math.abs((await figure(world, "success"))! - Date.parse(data[0].created_at) / 1000),
      ).toBeLessThan(5);
      expect(await figure(world, "failure")).toBe(0);
    } finally {
      await server.stop();
      place.remove();
    }
  }, 60_000);

  test("say how far they are, in bytes, to whoever looks", async () => {
    const place = await newInstallation(engine);
    const dir = join(place.dataDir, "../backups");
    const server = await place.start({ NEOCRM_BACKUP_DIR: dir });
    const { keeper } = server.parts;
    const { promise: isOpen, resolve: open } = Promise.withResolvers<void>();
    try {
      const world = newWorld(server, await bringPeople(server));
      const list = async () => (await world.send("admin", "GET", "/api/admin/backups")).json.data;
      await until(async () => (await list()).length === 1);
      await upload(world, "lan", "one.txt", "one");
      const bytesOf = keeper.bytesOf.bind(keeper);
      keeper.bytesOf = async (ref) => {
        await isOpen;
        return bytesOf(ref);
      };
      const { id } = (await world.send("admin", "POST", "/api/admin/backups", { body: {} })).json;
      const look = async () => (await world.send("admin", "GET", `/api/jobs/${id}`)).json;
      // The database is copied; the file is what is left.
      await until(async () => {
        const { done, total } = await look();
        return done > 0 && total - done === 3;
      });
      const { state, done, total } = await look();
      expect(state).toBe("running");
      const { under_way } = (await world.send("admin", "GET", "/api/admin/monitor")).json;
      expect(under_way).toContainEqual(expect.objectContaining({ id, kind: "backup", done, total }));
      open();
      const job = await ended(world, "admin", id);
      expect(job).toMatchObject({ state: "succeeded", done: total, total });
      if (engine === "sqlite") expect(total).toBe(job.result.database_bytes + 3);
      const after = (await world.send("admin", "GET", "/api/admin/monitor")).json.under_way;
      expect(after.map((each: { id: string }) => each.id)).not.toContain(id);
    } finally {
      open();
      await server.stop();
      place.remove();
    }
  }, 60_000);

  test("that are cancelled end at once, and nothing of them is left", async () => {
    const place = await newInstallation(engine);
    const dir = join(place.dataDir, "../backups");
    const server = await place.start({ NEOCRM_BACKUP_DIR: dir });
    const { keeper } = server.parts;
    try {
      const world = newWorld(server, await bringPeople(server));
      const list = async () => (await world.send("admin", "GET", "/api/admin/backups")).json.data;
      await until(async () => (await list()).length === 1 && (await figure(world, "success"))! > 0);
      const before = await figure(world, "success");
      const letters = [..."abcdefghijkl"];
      for (const letter of letters) await upload(world, "lan", `${letter}.txt`, letter);
      let read = 0;
      const bytesOf = keeper.bytesOf.bind(keeper);
      keeper.bytesOf = async () => {
        read++;
        return endless();
      };
      const { id } = (await world.send("admin", "POST", "/api/admin/backups", { body: {} })).json;
      await until(() => read === filesAtOnce);
      expect(readdirSync(dir).filter((name) => name.endsWith(".partial"))).toHaveLength(1);

      const cancelled = await world.send("admin", "POST", `/api/jobs/${id}/cancel`, { body: {} });
      expect(cancelled.status).toBe(200);
      await idle(world);
      expect(read).toBe(filesAtOnce);
      expect((await world.send("admin", "GET", `/api/jobs/${id}`)).json.state).toBe("cancelled");
      expect(await list()).toHaveLength(1);
      expect(readdirSync(dir).filter((name) => name.endsWith(".partial"))).toEqual([]);
      expect([...new Glob("blobs/**/*.draft").scanSync(dir)]).toEqual([]);
      expect(await figure(world, "success")).toBe(before);
      expect(await figure(world, "failure")).toBe(0);
      expect((await world.send("admin", "GET", "/api/notifications")).json.data).toEqual([]);

      keeper.bytesOf = bytesOf;
      const next = await world.send("admin", "POST", "/api/admin/backups", { body: {} });
      const result = { blobs: letters.length, missing_blobs: 0 };
      expect(await ended(world, "admin", next.json.id)).toMatchObject({ state: "succeeded", result });
    } finally {
      await server.stop();
      place.remove();
    }
  }, 60_000);

  test("that fail are tried again, and then admins are told", async () => {
    const place = await newInstallation(engine);
    const dir = join(place.dataDir, "../backups");
    mkdirSync(join(place.dataDir, ".."), { recursive: true });
    writeFileSync(dir, "no folder");
    const server = await place.start({ NEOCRM_BACKUP_DIR: dir });
    const { store } = server.parts;
    try {
      const world = newWorld(server, await bringPeople(server));
      const jobs = async () =>
        (await world.send("admin", "GET", "/api/admin/jobs?filter[kind]=backup")).json.data;
      await until(async () => (await jobs())[0]?.error);
      expect((await jobs())[0].error).toBe(`No backup could be made in ${dir}: a file is in its place.`);
      const { id } = (await jobs())[0];
      await store.tx(async ({ q, t }) => {
        await q.update(t.jobs).set({ attempts: 2, run_at: Date.now() }).where(eq(t.jobs.id, id));
      });
      expect(await ended(world, "admin", id)).toMatchObject({ state: "failed" });
      const told = async (by: "admin" | "manager") =>
        (await world.send(by, "GET", "/api/notifications")).json.data.map(
          ({ type, title }: { type: string; title: string }) => ({ type, title }),
        );
      expect(await told("admin")).toEqual([{ type: "backup_failed", title: "The backup has failed" }]);
      expect(await told("manager")).toEqual([]);
      expect(await figure(world, "success")).toBe(0);
      expect(await figure(world, "failure")).toBeGreaterThan(Date.now() / 1000 - 60);

      rmSync(dir);
      const again = await world.send("admin", "POST", `/api/admin/jobs/${id}/retry`, { body: {} });
      expect(again.status).toBe(200);
      expect(await ended(world, "admin", id)).toMatchObject({ state: "succeeded" });
      await upload(world, "lan", "one.txt", "one");
      rmSync(join(place.dataDir, "blobs", sha256("one").slice(0, 2)), { recursive: true });
      const lacking = await world.send("admin", "POST", "/api/admin/backups", { body: {} });
      expect((await ended(world, "admin", lacking.json.id)).result).toMatchObject({ missing_blobs: 1 });
      await until(async () => (await told("admin"))[0]?.title === "Files are missing in the backup");
    } finally {
      await server.stop();
      place.remove();
    }
  }, 60_000);
});

test("the last time for a backup is that of today, or of yesterday", () => {
  const at = (text: string) => Date.parse(`2026-11-${text}:00Z`);
  expect(lastSlot(["02:00", "14:30"], at("26T14:29"))).toBe(at("26T02:00"));
  expect(lastSlot(["14:30", "02:00"], at("26T14:30"))).toBe(at("26T14:30"));
  expect(lastSlot(["02:00", "14:30"], at("26T01:59"))).toBe(at("25T14:30"));
  expect(lastSlot([], at("26T01:59"))).toBeUndefined();
});
