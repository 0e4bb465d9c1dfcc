/** `neocrm events replay` writes clients and tasks anew from their events. */
import { beforeAll, describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { dump } from "../support/dump";
import { bringPeople } from "../support/people";
import { postgres } from "../support/postgres";
import { newInstallation, type Installation } from "../support/restart";
import { newWorld, type World } from "../support/scenario";
import { engines, type TestServer } from "../support/servers";
import { neocrm } from "../support/terminal";
import { traffic } from "../support/traffic";

beforeAll(async () => void (await postgres()), 30_000);

/** What a careless hand or a fault of ours may do to the tables. */
const wreck = ({ server }: World) =>
  server.parts.store.tx(async ({ t, q }) => {
    const clients = await q.select().from(t.clients).orderBy(t.clients.id);
    const tasks = await q.select().from(t.tasks).orderBy(t.tasks.id);
    const withMail = clients.filter(({ email_normal, deleted_at }) => email_normal && deleted_at === null);
    const [one, other] = withMail;
    // Each has the address of the other: neither can be put right while the other is wrong.
    const change = (id: string, values: object) =>
      q.update(t.clients).set(values).where(eq(t.clients.id, id));
    await change(one!.id, { email: "x", email_normal: "x" });
    await change(other!.id, { email: one!.email, email_normal: one!.email_normal, name: "Wrong" });
    await change(one!.id, { email: other!.email, email_normal: other!.email_normal });
    await q.delete(t.client_tags).where(sql`true`);
    await q.delete(t.clients).where(eq(t.clients.id, clients.at(-1)!.id));
    await q.delete(t.tasks).where(eq(t.tasks.id, tasks.at(-1)!.id));
    await q.delete(t.task_alarms).where(sql`true`);
    await q.update(t.tasks).set({ status: "cancelled", version: 99 }).where(eq(t.tasks.id, tasks[0]!.id));
    await q
      .insert(t.tasks)
      .values({ ...tasks[0]!, id: "01890a5d-ac96-774b-bcce-b302099a8057", external_id: null });
  });

/** When tasks ring: what follows from them, and stands in no event. */
async function alarmsIn({ parts: { store } }: TestServer) {
  const { t, q } = store.read;
  const rows = await q.select().from(t.task_alarms).orderBy(t.task_alarms.task_id, t.task_alarms.kind);
  return rows.map(({ id: _, ...alarm }) => alarm);
}

const replay = ({ env }: Installation) => neocrm(["events", "replay"], { env });

describe.each(engines)("neocrm events replay [%s]", (engine) => {
  test("makes the same rows from the events, with a server and without", async () => {
    const place = await newInstallation(engine);
    try {
      const server = await place.start();
      const world = newWorld(server, await bringPeople(server));
      await traffic(world, 250, 21);
      const body = { title: "rings", due_date: "2999-01-01T00:00:00Z", remind_at: "2998-01-01T00:00:00Z" };
      await world.send("lan", "POST", "/api/tasks", { body });
      const before = await dump(world);
      const alarms = await alarmsIn(server);
      expect(alarms.length).toBeGreaterThanOrEqual(3);
      expect(before.client_tags.length).toBeGreaterThan(5);

      const { code, out, err } = await replay(place);
      expect([code, err]).toEqual([0, ""]);
      expect(out).toMatch(
        /^\d+ clients: as they were\.\n\d+ tasks: as they were\.\n0 folders: as they were\.\n0 files: as they were\.$/,
      );
      expect(await dump(world)).toEqual(before);

      await wreck(world);
      expect(await dump(world)).not.toEqual(before);
      const mended = await replay(place);
      expect(await alarmsIn(server)).toEqual(alarms);
      expect(mended.out).toMatch(/^\d+ clients: 1 were missing, \d+ differed \(client_tags, email.*name/);
      expect(mended.out).toMatch(/\d+ tasks: 1 were missing, \d+ differed \(.*status.*\), 1 had no events/);
      expect(await dump(world)).toEqual(before);

      await wreck(world);
      await server.stop();
      expect((await replay(place)).code).toBe(0);
      const again = await place.start();
      expect(await dump(newWorld(again, world.people))).toEqual(before);
      await again.stop();
    } finally {
      place.remove();
    }
  }, 120_000);
});

test("neocrm events says what it wants", async () => {
  expect(await neocrm(["events"])).toMatchObject({ code: 2, err: "Say what to do: neocrm events replay." });
});
