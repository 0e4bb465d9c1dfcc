import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { day, minute } from "../../src/clock";
import { endSessionsOf } from "../../src/features/auth/sessions";
import { newId } from "../../src/ids";
import { systemActor } from "../../src/policy";
import { newPerson, signInAs } from "../support/accounts";
import { inWorld, scenarios, type World } from "../support/scenario";
import { counting } from "../support/statements";

const sessions = "/api/auth/sessions";
const rita = { token: "$rita_token" };

/** Signs rita in so many times more, the first one longest ago; `over` makes them expired ones. */
async function signedIn(world: World, times: number, over = false): Promise<string[]> {
  const at = Date.now() - day;
  const rows = Array.from({ length: times }, (_, i) => ({
    ...{ id: newId(), user_id: world.ids.rita!, ip: "192.0.2.1", user_agent: `device ${i}` },
    ...{ created_at: at + i * minute, last_used_at: at + i * minute, ended_at: null, version: 1 },
    expires_at: over ? at + i : Date.now() + day,
  }));
  await world.server.parts.store.tx(async ({ q, t }) => {
    for (const row of rows) {
      await q.insert(t.sessions).values(row);
      const token = { session_id: row.id, created_at: row.created_at, used_at: null };
      await q.insert(t.refresh_tokens).values({ ...token, hash: row.id });
    }
  });
  return rows.map(({ id }) => id);
}

const sessionsOf = async (world: World) => {
  const { q, t } = world.server.parts.store.read;
  return q.select().from(t.sessions).where(eq(t.sessions.user_id, world.ids.rita!));
};

/** Whose refresh tokens there are, among these. */
async function withTokens(world: World, ids: string[]): Promise<string[]> {
  const { q, t } = world.server.parts.store.read;
  const rows = await q.select().from(t.refresh_tokens);
  return ids.filter((id) => rows.some(({ session_id }) => session_id === id));
}

const given = { given: async (world: World) => newPerson(world, "rita") };

inWorld("all sessions of a user", given, (world) => {
  test("end at once, each with its event, in a few statements", async () => {
    const ids = await signedIn(world(), 600);
    const statements = await world().server.parts.store.tx(async (session) => {
      const { counted, statements: soFar } = counting(session);
      await endSessionsOf(counted, systemActor("many-ended"), world().ids.rita!);
      return soFar();
    });
    expect(statements).toBeLessThan(10);
    const rows = await sessionsOf(world());
    expect(rows.every(({ ended_at, version }) => ended_at !== null && version === 2)).toBe(true);
    expect(await withTokens(world(), ids)).toEqual([]);
    const ended = (await world().events()).filter(({ type }) => type === "session.ended");
    expect(ended.map(({ entity_id }) => entity_id).toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
    const at = new Date(rows[0]!.ended_at!).toISOString();
    for (const { changes, version } of ended) {
      expect({ changes, version }).toEqual({ changes: { ended_at: [null, at] }, version: 2 });
    }
  });
});

inWorld("signing in once more", given, (world) => {
  test("ends the session unused for longest when there are a hundred", async () => {
    const ids = await signedIn(world(), 101);
    await signInAs(world(), "again", world().ids.rita_mail!);
    const open = (await sessionsOf(world())).filter(({ ended_at }) => ended_at === null);
    expect(open).toHaveLength(100);
    // Of 102, three go: the oldest here, as rita's own is newer.
    const gone = ids.slice(0, 3);
    expect(open.filter(({ id }) => gone.includes(id))).toEqual([]);
    expect(await withTokens(world(), gone)).toEqual([]);
    const events = (await world().events()).filter(({ type }) => type === "session.ended");
    expect(events.map(({ entity_id }) => entity_id).toSorted()).toEqual(gone);
    for (const { actor_id } of events) expect(actor_id).toBe(world().ids.rita!);
  });

  test("clears away what expired, with its refresh tokens", async () => {
    const expired = await signedIn(world(), 3, true);
    const open = await signedIn(world(), 2);
    await signInAs(world(), "again", world().ids.rita_mail!);
    expect(await withTokens(world(), [...expired, ...open])).toEqual(open);
    const rows = await sessionsOf(world());
    expect(
      rows
        .filter(({ ended_at }) => ended_at !== null)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(expired);
  });
});

const many = { given: async (world: World) => (await given.given(world), void (await signedIn(world, 24))) };

scenarios("a list of sessions", many, [
  {
    by: rita,
    get: sessions,
    status: 200,
    has: { pagination: { page: 1, limit: 20, total: 25, total_pages: 2 } },
  },
  {
    by: rita,
    get: `${sessions}?sort=last_used_at&limit=2&count=none`,
    status: 200,
    has: { data: [{ user_agent: "device 0" }, { user_agent: "device 1" }], pagination: { total: null } },
  },
  { by: rita, get: `${sessions}?page=2`, status: 200, has: { data: { length: 5 } } },
  {
    name: "walked by cursor",
    by: rita,
    get: `${sessions}?limit=10&count=exact`,
    status: 200,
    async then(world, { json }) {
      const seen = json.data.map(({ id }: { id: string }) => id);
      for (let cursor = json.pagination.next_cursor; cursor !== null;) {
        const { json: next } = await world.send(rita, "GET", `${sessions}?limit=10&cursor=${cursor}`);
        seen.push(...next.data.map(({ id }: { id: string }) => id));
        cursor = next.pagination.next_cursor;
      }
      expect(seen).toHaveLength(25);
      expect(new Set(seen).size).toBe(25);
    },
  },
  { by: rita, get: `${sessions}?limit=201`, status: 400, problem: { field: "limit" } },
  { by: rita, get: `${sessions}?sort=ip`, status: 400, problem: { field: "sort" } },
  { by: rita, get: `${sessions}?filter[user_id]=$admin`, status: 400, problem: { field: "filter[user_id]" } },
  { by: rita, get: `${sessions}?deleted=with`, status: 400, problem: { field: "deleted" } },
]);
