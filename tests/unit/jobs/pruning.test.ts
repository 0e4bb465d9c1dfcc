/** What nobody needs any more goes by itself; everything else stays. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { day, now } from "../../../src/clock";
import { firstIdAt, newId } from "../../../src/ids";
import { pruneDaily } from "../../../src/jobs/pruning";
import { addJob } from "../../../src/jobs/queue";
import { Scheduler } from "../../../src/jobs/scheduler";
import { newDatabase } from "../../support/postgres";
import { storesOnOne, until } from "../../support/stores";
import { insertUser, temporaryFolder } from "../db/fixtures";

const folder = temporaryFolder();
// PostgreSQL takes longer to start than a test may.
beforeAll(async () => void (await newDatabase()), 60_000);
afterAll(folder.remove);

const ago = (days: number) => now() - days * day;

describe.each(["sqlite", "postgres"] as const)("what is outdated [%s]", (engine) => {
  test("goes, a portion at a time, and the rest stays", async () => {
    const [store] = await storesOnOne(engine, folder.path, 1);
    const { read } = store!;
    const user_id = newId();
    const ids = { live: firstIdAt(ago(41)), over: firstIdAt(ago(42)) };
    await store!.tx(async (session) => {
      const { q, t } = session;
      await insertUser(session, "ann@example.com", user_id);
      for (const [id, expires_at] of [
        [ids.live, ago(1)],
        [ids.over, ago(8)],
      ] as const)
        await q.insert(t.sessions).values({ id, user_id, created_at: 1, last_used_at: 1, expires_at });
      for (const session_id of Object.values(ids))
        await q.insert(t.refresh_tokens).values({ hash: session_id, session_id, created_at: 1 });
      for (const [hash, expires_at] of [
        ["live", ago(-1)],
        ["over", ago(1)],
      ] as const)
        await q.insert(t.tickets).values({
          ...{ hash, session_id: ids.live, user_id, auth_version: 1, purpose: "ws" as const },
          ...{ created_at: 1, expires_at },
        });
      const [role] = await q.select().from(t.roles).limit(1);
      const link = { user_id, created_at: 1 };
      for (const [hash, expires_at, used_at] of [
        ["live", ago(-1), null],
        ["over", ago(1), null],
        ["used", ago(1), ago(2)],
      ] as const) {
        if (hash !== "used") await q.insert(t.password_resets).values({ ...link, hash, expires_at });
        await q.insert(t.email_verifications).values({
          ...{ ...link, hash, email_normal: hash, expires_at, verified_at: used_at },
        });
        await q.insert(t.invitations).values({
          ...{ id: newId(), hash, email: hash, email_normal: hash, role_id: role!.id, invited_by: user_id },
          ...{ created_at: 1, expires_at, accepted_at: used_at },
        });
      }
      for (const [key, created_at] of [
        ["live", ago(0.5)],
        ["over", ago(2)],
      ] as const)
        await q.insert(t.idempotency_keys).values({
          ...{ id: firstIdAt(created_at), user_id, method: "POST", path: "/", key, body_hash: "" },
          ...{ status: 201, headers: {}, body: null, created_at },
        });
      for (let i = 0; i < 450; i++) await addJob(session, { kind: "old", payload: {} });
      await q.update(t.jobs).set({ state: "succeeded", created_at: ago(31), finished_at: ago(31) });
      for (const kind of ["waits", "finished lately", "dead"]) await addJob(session, { kind, payload: {} });
    });
    await store!.tx(async ({ q, t }) => {
      const set = (kind: string, change: object) => q.update(t.jobs).set(change).where(eq(t.jobs.kind, kind));
      await set("waits", { created_at: ago(99) });
      await set("finished lately", { state: "succeeded", created_at: ago(99), finished_at: ago(29) });
      await set("dead", { state: "failed", created_at: ago(99), finished_at: ago(99) });
    });
    const scheduler = new Scheduler(store!);
    pruneDaily(scheduler, store!, day);
    scheduler.start();
    const jobs = () => read.q.select().from(read.t.jobs);
    await until(
      async () => (await jobs()).length === 3 && (await read.q.select().from(read.t.schedules)).length === 7,
    );
    await scheduler.close();
    expect((await jobs()).map(({ kind }) => kind).toSorted()).toEqual(["dead", "finished lately", "waits"]);
    expect((await read.q.select().from(read.t.sessions)).map(({ id }) => id)).toEqual([ids.live]);
    expect((await read.q.select().from(read.t.refresh_tokens)).map(({ hash }) => hash)).toEqual([ids.live]);
    expect((await read.q.select().from(read.t.tickets)).map(({ hash }) => hash)).toEqual(["live"]);
    const hashes = (rows: { hash: string }[]) => rows.map(({ hash }) => hash).toSorted();
    expect(hashes(await read.q.select().from(read.t.password_resets))).toEqual(["live"]);
    expect(hashes(await read.q.select().from(read.t.invitations))).toEqual(["live", "used"]);
    expect(hashes(await read.q.select().from(read.t.email_verifications))).toEqual(["live", "used"]);
    expect((await read.q.select().from(read.t.idempotency_keys)).map(({ key }) => key)).toEqual(["live"]);
    await store!.close();
  }, 30_000);
});
