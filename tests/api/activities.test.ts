/** What happened, as each may see it: nothing leaks through lists, filters, counts or words, and nothing changes it. */
import { expect, test } from "bun:test";
import type { About } from "../../src/features/activities/policy";
import { ActivityPolicy } from "../../src/features/activities/policy";
import { FilePolicy } from "../../src/features/files/policy";
import { FolderPolicy } from "../../src/features/folders/policy";
import { clientPolicy } from "../../src/features/clients/policy";
import { taskPolicy } from "../../src/features/tasks/policy";
import { grantsOf } from "../../src/features/users/accounts";
import type { Actor } from "../../src/policy";
import { upload } from "../support/files";
import { letIn, type Name } from "../support/people";
import { inWorld, scenarios, type EventRow, type World } from "../support/scenario";
import { casts, traffic } from "../support/traffic";

const given = {
  clients: { acme: { assigned_to: "$minh", notes: "the margin is 40 per cent" } },
  tasks: { call: { client_id: "$acme", assigned_to: "$minh" } },
};

const note = { client_id: "$acme", action: "note", text: "Ask @minh@cast.example about it." };

scenarios("logging what was talked about", given, [
  {
    by: "stranger",
    post: "/api/activities",
    body: { ...note, happened_at: "2026-05-04T09:00:00+07:00" },
    status: 201,
    has: {
      entity_type: "client",
      entity_id: "$acme",
      action: "note",
      actor: { id: "$stranger", full_name: "Test stranger" },
      description: "Test stranger wrote a note about a client.",
      changes: { text: [null, note.text], happened_at: [null, "2026-05-04T02:00:00.000Z"] },
      version: 1,
    },
    hasHeaders: { location: /^\/api\/activities\?filter%5Bid%5D=/, etag: null },
    events: ["client.note"],
    then: async ({ send }, { headers, json }) => {
      const found = await send("stranger", "GET", headers.get("location")!);
      // On PostgreSQL, its place in the log comes a moment after the answer.
      expect(found.json.data).toEqual([{ ...json, seq: found.json.data[0]?.seq }]);
      expect((await send("lan", "GET", "/api/clients/$acme")).json.version).toBe(1);
    },
  },
  {
    by: "lan",
    post: "/api/activities",
    body: { ...note, action: "call", duration_minutes: 5, direction: "outgoing" },
    status: 201,
    has: { action: "call", changes: { duration_minutes: [null, 5], direction: [null, "outgoing"] } },
    events: ["client.call"],
  },
  {
    by: "lan",
    post: "/api/activities",
    body: { ...note, action: "meeting" },
    status: 201,
    has: { action: "meeting", changes: { duration_minutes: [null, null] } },
    events: ["client.meeting"],
  },
  ...[
    [{ ...note, duration_minutes: 5 }, "duration_minutes", "not_allowed"],
    [{ ...note, action: "meeting", direction: "incoming" }, "direction", "not_allowed"],
    [{ ...note, happened_at: "2999-01-01T00:00:00Z" }, "happened_at", "in_the_future"],
    [{ ...note, happened_at: "yesterday" }, "happened_at", "invalid_instant"],
    [{ ...note, text: " " }, "text", undefined],
    [{ ...note, action: "updated" }, "action", undefined],
    [{ ...note, client_id: "01890a5d-ac96-774b-bcce-b302099a8057" }, "client_id", "unknown_client"],
  ].map(([body, field, fieldCode]) => ({
    by: "lan" as const,
    post: "/api/activities",
    body,
    status: 422,
    problem: { field, ...(fieldCode && { fieldCode }) } as never,
    events: [],
  })),
  {
    name: "a remark changes no field",
    by: "lan",
    ifMatch: '"v1"',
    patch: "/api/clients/$acme",
    body: { notes: "x" },
    after: async ({ send }) => {
      await send("lan", "PATCH", "/api/clients/$acme", { body: { status: "customer" } });
      await send("lan", "POST", "/api/activities", { body: note });
    },
    status: 412,
    problem: { changed: ["status"] },
  },
]);

scenarios("a client that is not theirs", { ...given, env: { NEOCRM_VISIBILITY_CLIENTS: "own" } }, [
  { by: "stranger", post: "/api/activities", body: note, status: 422, events: [] },
  { by: "stranger", get: "/api/clients/$acme/timeline", status: 404 },
  { by: "stranger", get: "/api/activities/client/$acme", status: 404, problem: { code: "not_found" } },
  { by: "minh", get: "/api/activities/client/$acme", status: 200, has: { pagination: { total: 1 } } },
  {
    by: "stranger",
    get: "/api/activities?filter[entity_id]=$acme&count=exact",
    status: 200,
    has: { data: [], pagination: { total: 0, next_cursor: null } },
  },
]);

scenarios("who sees what happened", given, [
  { by: "lan", get: "/api/activities/task/$call", status: 200, has: { data: [{ action: "created" }] } },
  { by: "stranger", get: "/api/activities/task/$call", status: 404 },
  { by: "manager", get: "/api/activities/task/$call", status: 200 },
  { by: "admin", get: "/api/activities/job/$call", status: 404 },
  { by: "lan", get: "/api/activities/client/nothing", status: 404 },
  { by: "lan", get: "/api/activities/user/01890a5d-ac96-774b-bcce-b302099a8057", status: 404 },
  {
    name: "of a user, by the filter",
    by: "lan",
    get: "/api/activities?filter[entity_type]=user&filter[entity_id]=$minh",
    status: 200,
    has: { data: [] },
  },
  {
    name: "what a deleted record was like, for whoever may restore it",
    by: "lan",
    after: async ({ send }) => void (await send("lan", "DELETE", "/api/tasks/$call")),
    get: "/api/activities/task/$call",
    status: 200,
    has: { data: [{ action: "deleted" }, { action: "created" }] },
  },
  {
    name: "settings are the admin's",
    by: "manager",
    after: async ({ send }) => {
      await send("admin", "PATCH", "/api/admin/settings/retention.days", { body: { value: 41 } });
      await send("admin", "PATCH", "/api/admin/settings/retention.days", { body: { value: null } });
    },
    get: "/api/activities?filter[entity_type]=setting&count=exact",
    status: 200,
    has: { data: [], pagination: { total: 0 } },
    then: async ({ send }) => {
      const seen = await send("admin", "GET", "/api/activities?filter[changed]=retention.days");
      expect(seen.json.data.length).toBeGreaterThanOrEqual(2);
    },
  },
  {
    name: "others' sign-ins are the admin's",
    by: "manager",
    after: async ({ server, people }) => {
      for (const by of ["manager", "lan", "minh"] as const) await letIn(server, people[by].email);
    },
    get: "/api/activities?filter[entity_type]=session&limit=200",
    status: 200,
    then: async ({ send, people }, { json }) => {
      expect(json.data.map((one: { actor: { id: string } }) => one.actor.id)).toEqual([people.manager.id]);
      const all = await send("admin", "GET", "/api/activities?filter[entity_type]=session&limit=200");
      const who = all.json.data.map((one: { actor: { id: string } }) => one.actor.id);
      expect(new Set(who)).toEqual(new Set([people.manager.id, people.lan.id, people.minh.id]));
    },
  },
  {
    name: "invitations, by what they are",
    by: "admin",
    after: async ({ send }) => {
      const body = { email: "invited@x.example", role: "user" };
      expect((await send("admin", "POST", "/api/admin/invitations", { body })).status).toBe(201);
    },
    get: "/api/activities?filter[action]=invited",
    status: 200,
    has: { data: [{ entity_type: "user", action: "invited" }] },
  },
  {
    by: "admin",
    get: "/api/activities?filter[action]=user.email_verified",
    status: 200,
    has: { data: [] },
  },
  {
    by: "lan",
    get: "/api/activities?filter[action]=signed",
    status: 400,
    problem: { code: "invalid_choice" },
  },
  { by: "lan", get: "/api/activities?filter[notes]=x", status: 400, problem: { code: "unknown_field" } },
  { by: "admin", delete: "/api/activities/client/$acme", status: 405 },
  { by: "admin", patch: "/api/activities/client/$acme", body: {}, status: 405 },
]);

inWorld("the timeline of a client", given, (world) => {
  test("has its own events and those of tasks that the reader sees", async () => {
    const { send, ids } = world();
    const other = await send("stranger", "POST", "/api/tasks", {
      body: { title: "Mine", client_id: ids.acme },
    });
    await send("lan", "POST", "/api/activities", { body: note });
    const seenBy = async (by: Name) =>
      (await send(by, "GET", "/api/clients/$acme/timeline")).json.data.map(
        (one: { entity_type: string; entity_id: string; action: string }) =>
          `${one.entity_type} ${one.action} ${one.entity_id === other.json.id ? "theirs" : ""}`.trim(),
      );
    const [newest, ...rest] = ["client note", "task created theirs", "task created", "client created"];
    expect(await seenBy("manager")).toEqual([newest, ...rest]);
    expect(await seenBy("lan")).toEqual([newest, "task created", "client created"]);
    expect(await seenBy("stranger")).toEqual([newest, "task created theirs", "client created"]);
  });

  test("has what happened to its files, also after one is deleted, and nothing of files elsewhere", async () => {
    const { send } = world();
    await upload(world(), "lan", "offer.txt", "x", { client_id: "$acme" });
    await upload(world(), "lan", "elsewhere.txt", "y");
    await send("lan", "POST", "/api/files/$offer/share", { body: {} });
    await send("lan", "DELETE", "/api/files/$offer");
    const filesSeenBy = async (by: Name) =>
      (await send(by, "GET", "/api/clients/$acme/timeline")).json.data
        .filter(({ entity_type }: { entity_type: string }) => entity_type === "file")
        .map(({ action }: { action: string }) => action);
    for (const by of ["lan", "manager"] as const)
      expect([by, await filesSeenBy(by)]).toEqual([by, ["deleted", "shared", "created"]]);
    // Who may see the client, and not restore what was in it.
    expect(await filesSeenBy("stranger")).toEqual([]);
    await send("lan", "POST", "/api/files/$offer/restore");
    expect(await filesSeenBy("stranger")).toEqual(["restored", "deleted", "shared", "created"]);
  });
});

for (const visibility of ["all", "own"] as const) {
  inWorld(
    `with clients visible to ${visibility}`,
    { env: { NEOCRM_VISIBILITY_CLIENTS: visibility } },
    (world) => {
      test("lists and the rule for one event agree, and a walk finds each once", async () => {
        await traffic(world(), 60, 7);
        const { send, people, server } = world();
        const { read } = server.parts.store;
        const clients = clientPolicy(() => visibility);
        const records = { clients, tasks: taskPolicy(clients) };
        const policy = new ActivityPolicy(
          ...([records.clients, records.tasks] as const),
          new FolderPolicy(),
          new FilePolicy(records),
        );
        const events = await world().events();
        const about = await abouts(world());
        for (const by of casts) {
          const role = (await send(by, "GET", "/api/users/me")).json.role;
          const { id } = (await read.q.select().from(read.t.roles)).find(({ slug }) => slug === role)!;
          const actor: Actor = {
            ...{ kind: "user", userId: people[by].id, sessionId: null, timeZone: "UTC", requestId: "x" },
            grants: await grantsOf(read, id),
          };
          const seen = events
            .filter((event) => policy.mayRead(actor, { ...event, seq: null }, about(event)))
            .map((event) => event.id);
          for (const sort of ["created_at", "-created_at"]) {
            const walked: string[] = [];
            let cursor = "";
            do {
              const page = await send(by, "GET", `/api/activities?limit=7&sort=${sort}&count=exact${cursor}`);
              expect(page.json.pagination.total).toBe(seen.length);
              walked.push(...page.json.data.map((one: { id: string }) => one.id));
              cursor = page.json.pagination.next_cursor && `&cursor=${page.json.pagination.next_cursor}`;
            } while (cursor);
            expect([by, sort, walked.toSorted()]).toEqual([by, sort, seen.toSorted()]);
          }
        }
      }, 60_000);
    },
  );
}

/** What each event is about, as it is now. */
async function abouts({ server }: World): Promise<(event: EventRow) => About> {
  const { read } = server.parts.store;
  const { clients, tasks, sessions } = read.t;
  const byId = <Row extends { id: string }>(rows: Row[]) => new Map(rows.map((row) => [row.id, row]));
  const allClients = byId(await read.q.select().from(clients));
  const allTasks = byId(await read.q.select().from(tasks));
  const allSessions = byId(await read.q.select().from(sessions));
  return ({ entity_type, entity_id }) => {
    const [client, task] = [allClients.get(entity_id), allTasks.get(entity_id)];
    if (entity_type === "client" && client) return { entity: "client", row: client };
    if (entity_type === "task" && task) return { entity: "task", row: task };
    const session = allSessions.get(entity_id);
    return session && { entity: "session", userId: session.user_id };
  };
}
