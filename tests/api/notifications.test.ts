import { expect, test } from "bun:test";
import { and, eq } from "drizzle-orm";
import { minute, now } from "../../src/clock";
import { notify, type Notice } from "../../src/features/notifications/notify";
import { newId } from "../../src/ids";
import type { Name } from "../support/people";
import { inWorld, scenarios, type World } from "../support/scenario";

const path = "/api/notifications";

/** Tells somebody something, and gives whether it was new. */
async function tell(world: World, who: Name, notice: Partial<Notice> = {}): Promise<boolean> {
  const userId = world.people[who].id;
  const whole = {
    type: "task_assigned",
    actorId: null,
    title: "A task",
    message: "Do it.",
    link: null,
  } as const;
  return world.server.parts.store.tx((session) => notify(session, { userId, ...whole, ...notice }));
}

const rowsOf = async ({ server, people }: World, who: Name) => {
  const { q, t } = server.parts.store.read;
  const own = eq(t.notifications.user_id, people[who].id);
  return q.select().from(t.notifications).where(own).orderBy(t.notifications.number);
};

/** Nobody has notifications, choices or mails; then lan gets two and minh one, under the names of their titles. */
async function given(world: World): Promise<void> {
  await world.server.parts.store.tx(async ({ q, t }) => {
    await q.delete(t.notifications);
    await q.delete(t.notification_counters);
    await q.delete(t.notification_preferences);
    await q.delete(t.jobs);
  });
  await tell(world, "lan", { title: "first", link: "/tasks/1" });
  await tell(world, "lan", { title: "second", type: "client_changed" });
  await tell(world, "minh", { title: "others" });
  for (const who of ["lan", "minh"] as const)
    for (const { id, title } of await rowsOf(world, who)) world.ids[title] = id;
}

scenarios("one's notifications", { given }, [
  {
    by: "lan",
    get: path,
    status: 200,
    has: { data: [{ title: "second" }, { title: "first" }], pagination: { total: 2 } },
    never: ["others", "fold_key", "number", "websocket"],
    then(world, { json }) {
      const [, first] = json.data;
      expect(first).toEqual({
        ...{ id: world.ids.first, user_id: world.ids.lan, type: "task_assigned", title: "first" },
        ...{
          message: "Do it.",
          link: "/tasks/1",
          is_read: false,
          read_at: null,
          created_at: first.created_at,
        },
      });
    },
  },
  { by: "admin", get: path, status: 200, has: { data: [], pagination: { total: 0 } } },
  { by: "lan", get: `${path}?read=true`, status: 200, has: { data: [] } },
  {
    by: "lan",
    get: `${path}?read=false&limit=1`,
    status: 200,
    has: { pagination: { total: 2, total_pages: 2 } },
  },
  { by: "lan", get: `${path}?read=maybe`, status: 400, problem: { code: "invalid_boolean" } },
  {
    by: "lan",
    get: `${path}?filter[type]=client_changed`,
    status: 200,
    has: { data: [{ title: "second" }] },
  },
  { by: "lan", get: `${path}?filter[user_id]=$minh`, status: 400, problem: { code: "unknown_field" } },
  { by: "lan", get: `${path}?sort=created_at`, status: 200, has: { data: [{ title: "first" }, {}] } },
  { by: "lan", get: `${path}/unread-count`, status: 200, has: { count: 2 } },
  {
    by: "lan",
    get: `${path}/stats`,
    status: 200,
    has: {
      ...{ total: 2, unread: 2, read: 0 },
      by_type: { task_assigned: { total: 1, unread: 1 }, mention: { total: 0, unread: 0 } },
    },
  },
  {
    by: "lan",
    post: `${path}/mark-read`,
    body: { notification_ids: ["$first", "$first"] },
    status: 200,
    has: { updated: 1 },
    async then(world) {
      const { json } = await world.send("lan", "GET", `${path}?read=true`);
      expect(json.data).toMatchObject([{ title: "first", is_read: true }]);
      expect(Math.abs(Date.parse(json.data[0].read_at) - now())).toBeLessThan(minute);
      const again = { body: { notification_ids: [world.ids.first!.toUpperCase(), "$second"] } };
      expect((await world.send("lan", "POST", `${path}/mark-read`, again)).json).toEqual({ updated: 1 });
      const read = (await world.send("lan", "GET", `${path}?sort=created_at`)).json.data;
      expect(read[0].read_at).toBe(json.data[0].read_at);
      expect((await world.send("lan", "GET", `${path}/stats`)).json).toMatchObject({ read: 2, unread: 0 });
    },
  },
  {
    by: "lan",
    post: `${path}/mark-read`,
    body: { notification_ids: ["$first", "$others"] },
    status: 404,
    async then(world) {
      expect((await world.send("lan", "GET", `${path}/unread-count`)).json).toEqual({ count: 2 });
      expect((await world.send("minh", "GET", `${path}/unread-count`)).json).toEqual({ count: 1 });
    },
  },
  ...[
    {},
    { all: true, notification_ids: ["$first"] },
    { all: false },
    { notification_ids: [] },
    { notification_ids: ["x"] },
    { ids: ["$first"] },
  ].map((body) => ({ by: "lan" as const, post: `${path}/mark-read`, body, status: 422 })),
  { by: "lan", post: `${path}/mark-read`, body: { all: true }, status: 200, has: { updated: 2 } },
  {
    by: "lan",
    post: `${path}/mark-read/all`,
    status: 200,
    has: { updated: 2 },
    then: async (world) =>
      expect((await world.send("minh", "GET", `${path}/unread-count`)).json).toEqual({ count: 1 }),
  },
  {
    by: "lan",
    post: `${path}/mark-read/all`,
    body: {},
    key: "read-them",
    status: 200,
    has: { updated: 2 },
    async then(world) {
      await tell(world, "lan", { title: "third" });
      const again = { body: {}, headers: { "idempotency-key": "read-them" } };
      expect((await world.send("lan", "POST", `${path}/mark-read/all`, again)).json).toEqual({ updated: 2 });
      expect((await world.send("lan", "GET", `${path}/unread-count`)).json).toEqual({ count: 1 });
    },
  },
  {
    by: "lan",
    post: `${path}/bulk-delete`,
    body: { notification_ids: ["$first", "$second"] },
    status: 200,
    has: { deleted: 2 },
    then: async (world) => expect((await world.send("lan", "GET", path)).json.data).toEqual([]),
  },
  {
    by: "lan",
    post: `${path}/bulk-delete`,
    body: { notification_ids: ["$first", "$others"] },
    status: 404,
    then: async (world) => expect((await world.send("lan", "GET", path)).json.data).toHaveLength(2),
  },
  {
    by: "lan",
    post: `${path}/bulk-delete`,
    body: { notification_ids: [] },
    status: 422,
    has: { errors: [{ field: "notification_ids", code: "too_few", message: "must not be empty" }] },
  },
  {
    by: "lan",
    delete: `${path}/read`,
    after: (world) =>
      world.send("lan", "POST", `${path}/mark-read`, { body: { notification_ids: ["$first"] } }),
    status: 204,
    then: async (world) =>
      expect((await world.send("lan", "GET", path)).json.data).toMatchObject([{ title: "second" }]),
  },
  {
    by: "lan",
    delete: `${path}/$first`,
    status: 204,
    then: async (world) => expect((await world.send("lan", "DELETE", `${path}/$first`)).status).toBe(404),
  },
  {
    by: "lan",
    delete: `${path}/$others`,
    status: 404,
    then: async (world) => expect((await world.send("minh", "GET", path)).json.data).toHaveLength(1),
  },
  { by: "admin", delete: `${path}/$others`, status: 404 },
]);

const preferences = `${path}/preferences`;

scenarios("how one is told", { given }, [
  {
    by: "lan",
    get: preferences,
    status: 200,
    then(_, { json }) {
      const mailed = json.data.filter(({ mail }: { mail: boolean }) => mail);
      expect(mailed.map(({ type }: { type: string }) => type)).toEqual([
        ...["task_assigned", "task_due_soon", "task_overdue", "task_reminder", "mention", "backup_failed"],
        "security",
      ]);
      expect(json.data).toHaveLength(13);
      for (const one of json.data) expect(one).toMatchObject({ in_app: true, websocket: true, sse: true });
    },
  },
  {
    by: "lan",
    post: preferences,
    body: { type: "mention", sse: false, mail: false },
    status: 200,
    has: { type: "mention", in_app: true, websocket: true, sse: false, mail: false },
    async then(world) {
      const again = { body: { type: "mention", mail: true } };
      expect((await world.send("lan", "POST", preferences, again)).json).toEqual({
        ...{ type: "mention", in_app: true, websocket: true, sse: false, mail: true },
      });
      const { json } = await world.send("lan", "GET", preferences);
      expect(json.data.find(({ type }: { type: string }) => type === "mention").sse).toBe(false);
      const others = (await world.send("minh", "GET", preferences)).json.data;
      expect(others.find(({ type }: { type: string }) => type === "mention").sse).toBe(true);
    },
  },
  {
    by: "lan",
    post: preferences,
    body: { type: "security", mail: false, in_app: false },
    status: 422,
    problem: { field: "mail", fieldCode: "always_on" },
  },
  { by: "lan", post: preferences, body: { type: "security", mail: true }, status: 200 },
  {
    by: "lan",
    post: preferences,
    body: { type: "gossip", mail: true },
    status: 422,
    problem: { field: "type" },
  },
  {
    by: "lan",
    post: preferences,
    body: { type: "mention", fax: true },
    status: 422,
    problem: { field: "fax" },
  },
]);

inWorld("telling somebody", { given }, (world) => {
  test("counts without gaps, also when many are told at once and some of it is rolled back", async () => {
    const told = Array.from({ length: 20 }, (_, i) => tell(world(), "stranger", { title: `Number ${i}` }));
    const failing = world().server.parts.store.tx(async (session) => {
      const notice = { userId: world().people.stranger.id, actorId: null, message: "", link: null };
      await notify(session, { ...notice, type: "mention", title: "taken back" });
      throw new Error("no");
    });
    expect((await Promise.allSettled([failing]))[0]!.status).toBe("rejected");
    expect(await Promise.all(told)).not.toContain(false);
    const numbers = (await rowsOf(world(), "stranger")).map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test("folds equal ones within a minute, and only equal ones", async () => {
    const notice = { title: "Equal", link: "/tasks/2", message: "Same" };
    expect(await tell(world(), "lan", notice)).toBe(true);
    expect(await tell(world(), "lan", notice)).toBe(false);
    for (const other of [
      { link: null },
      { title: "Other" },
      { message: "Other" },
      { type: "mention" as const },
    ])
      expect(await tell(world(), "lan", { ...notice, ...other })).toBe(true);
    expect(await tell(world(), "minh", notice)).toBe(true);
    const { store } = world().server.parts;
    await store.tx(({ q, t }) =>
      q
        .update(t.notifications)
        .set({ created_at: now() - minute })
        .where(and(eq(t.notifications.title, "Equal"), eq(t.notifications.user_id, world().ids.lan!))),
    );
    expect(await tell(world(), "lan", notice)).toBe(true);
  });

  test("tells nobody of their own act, but of what is done to their account", async () => {
    const own = { actorId: world().people.lan.id };
    expect(await tell(world(), "lan", own)).toBe(false);
    expect(await tell(world(), "lan", { ...own, type: "security" })).toBe(true);
  });

  test("tells nobody whose account is closed, or who is not there", async () => {
    expect(await tell(world(), "off")).toBe(false);
    expect(await tell(world(), "lan", { userId: newId() })).toBe(false);
  });

  const mails = async () => {
    const { q, t } = world().server.parts.store.read;
    return (await q.select().from(t.jobs).orderBy(t.jobs.id)).filter(({ kind }) => kind === "mail");
  };

  test("adds a mail where one is wanted", async () => {
    const before = (await mails()).length;
    await tell(world(), "stranger", { title: "Mailed", type: "mention", link: "/clients/3" });
    await tell(world(), "stranger", { title: "Not mailed", type: "client_changed" });
    const added = (await mails()).slice(before);
    expect(added.map(({ payload }) => payload)).toEqual([
      {
        ...{ template: "mention", to: { userId: world().people.stranger.id } },
        values: { title: "Mailed", message: "Do it.", link: "/clients/3" },
      },
    ]);
  });

  test("goes by what was chosen: whatever is left is still counted, and nothing shows where it is not wanted", async () => {
    const { send, ids } = world();
    const choose = (body: object) =>
      send("stranger", "POST", preferences, { body: { type: "mention", ...body } });
    const notice = { type: "mention" as const };
    await choose({ in_app: false, sse: false });
    expect(await tell(world(), "stranger", { ...notice, title: "Only over the socket" })).toBe(true);
    const [row] = await rowsOf(world(), "stranger");
    expect(row).toMatchObject({ number: 1, in_app: false, websocket: true, sse: false });
    expect((await send("stranger", "GET", path)).json.data).toEqual([]);
    expect((await send("stranger", "GET", `${path}/unread-count`)).json).toEqual({ count: 0 });
    expect((await send("stranger", "GET", `${path}/stats`)).json).toMatchObject({ total: 0, read: 0 });
    ids.hidden = row!.id;
    expect((await send("stranger", "DELETE", `${path}/$hidden`)).status).toBe(404);
    await choose({ websocket: false });
    expect(await tell(world(), "stranger", { ...notice, title: "By mail alone" })).toBe(true);
    expect((await mails()).at(-1)!.payload).toMatchObject({ values: { title: "By mail alone" } });
    await choose({ mail: false });
    expect(await tell(world(), "stranger", { ...notice, title: "Not at all" })).toBe(false);
    expect(await rowsOf(world(), "stranger")).toHaveLength(2);
  });
});
