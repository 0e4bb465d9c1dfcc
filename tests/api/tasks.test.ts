/** A task's life: made, read, changed, moved from state to state, deleted, brought back. */
import { expect } from "bun:test";
import { scenarios, type Scenario } from "../support/scenario";

const blank = {
  external_id: null,
  description: null,
  status: "todo",
  priority: "medium",
  assigned_to: null,
  client_id: null,
  due_date: null,
  remind_at: null,
  recurrence: null,
  completed_at: null,
  deleted_at: null,
  version: 1,
};

const whole = {
  external_id: "T-1",
  title: "Send the offer",
  description: "  keeps its blanks  ",
  status: "in_progress",
  priority: "urgent",
  assigned_to: "$minh",
  client_id: "$acme",
  due_date: "2026-05-04T09:00:00.000Z",
  remind_at: "2026-05-04T08:00:00.000Z",
  recurrence: "FREQ=WEEKLY;BYDAY=MO",
};

const clients = { acme: {} };

scenarios("adding a task", { clients }, [
  {
    name: "a title is enough, and what is not known is null",
    by: "lan",
    post: "/api/tasks",
    body: { title: "Call" },
    status: 201,
    has: { ...blank, title: "Call", created_by: "$lan" },
    hasHeaders: {
      etag: '"v1"',
      "cache-control": "private, no-cache",
      location: /^\/api\/tasks\/[0-9a-f-]+$/,
    },
    events: ["task.created"],
    then: (_, { json }) =>
      expect(Object.keys(json).toSorted()).toEqual(
        [...Object.keys(blank), "id", "title", "created_by", "created_at", "updated_at"].toSorted(),
      ),
  },
  {
    name: "every field comes back as it was sent, and the event can rebuild it",
    by: "lan",
    post: "/api/tasks",
    body: whole,
    status: 201,
    has: whole,
    then: async ({ send, events }, { json, headers }) => {
      expect((await send("minh", "GET", headers.get("location")!)).json).toEqual(json);
      const { changes } = (await events()).at(-1)!;
      const rebuilt = Object.fromEntries(Object.entries(changes).map(([field, [, after]]) => [field, after]));
      expect(rebuilt).toEqual(json);
    },
  },
  {
    name: "an instant with another offset is converted",
    by: "lan",
    post: "/api/tasks",
    body: { title: "Call", due_date: "2026-05-04T16:00:00+07:00", remind_at: "2026-05-04T08:30:00.1234Z" },
    status: 201,
    has: { due_date: "2026-05-04T09:00:00.000Z", remind_at: "2026-05-04T08:30:00.123Z" },
  },
  {
    name: "a rule is written in one form",
    by: "lan",
    post: "/api/tasks",
    body: { title: "Call", due_date: whole.due_date, recurrence: " rrule:freq=monthly;bymonthday=-1 " },
    status: 201,
    has: { recurrence: "FREQ=MONTHLY;BYMONTHDAY=-1" },
  },
  {
    name: "one that is done already was done now",
    by: "lan",
    post: "/api/tasks",
    body: { title: "Call", status: "done" },
    status: 201,
    then: (_, { json }) => expect(json.completed_at <= json.created_at).toBeTrue(),
  },
]);

/** A body that is refused, and what for. */
const refused = (body: Record<string, unknown>, field: string, fieldCode: string): Scenario => ({
  name: JSON.stringify(body),
  by: "lan",
  post: "/api/tasks",
  body: { title: "Call", ...body },
  status: 422,
  problem: { code: "validation_failed", field, fieldCode },
  events: [],
});

const theirs = { env: { NEOCRM_VISIBILITY_CLIENTS: "own" }, clients: { secret: { by: "admin" } } } as const;

scenarios("what a task may not be", { clients: { acme: {}, buried: { deleted: true } } }, [
  refused({ title: " " }, "title", "invalid_format"),
  refused({ title: "x".repeat(301) }, "title", "too_long"),
  refused({ title: null }, "title", "invalid_type"),
  refused({ name: "x" }, "name", "unknown_field"),
  refused({ completed_at: "2026-05-04T09:00:00Z" }, "completed_at", "unknown_field"),
  refused({ status: "pending" }, "status", "invalid_choice"),
  refused({ priority: "high " }, "priority", "invalid_choice"),
  refused({ priority: 2 }, "priority", "invalid_choice"),
  refused({ due_date: "2026-05-04" }, "due_date", "invalid_instant"),
  refused({ due_date: "2026-05-04T09:00:00" }, "due_date", "invalid_instant"),
  refused({ due_date: "2026-02-30T09:00:00Z" }, "due_date", "invalid_instant"),
  refused({ due_date: "now" }, "due_date", "invalid_instant"),
  refused({ remind_at: "tomorrow" }, "remind_at", "invalid_instant"),
  refused({ remind_at: 1_777_885_200 }, "remind_at", "invalid_type"),
  refused({ assigned_to: "$off" }, "assigned_to", "unknown_user"),
  refused({ assigned_to: "01890a5d-ac96-774b-bcce-b302099a8057" }, "assigned_to", "unknown_user"),
  refused({ client_id: "$buried" }, "client_id", "unknown_client"),
  refused({ client_id: "01890a5d-ac96-774b-bcce-b302099a8057" }, "client_id", "unknown_client"),
  refused({ client_id: "acme" }, "client_id", "invalid_format"),
  refused({ recurrence: "FREQ=DAILY" }, "recurrence", "needs_due_date"),
  ...[
    "every Monday",
    "BYDAY=MO",
    "FREQ=NEVER",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=DAILY;FREQ=WEEKLY",
    "FREQ=DAILY;COUNT=3;UNTIL=20991201T000000Z",
    "FREQ=WEEKLY;BYDAY=XX",
    "FREQ=MONTHLY;BYMONTHDAY=40",
    "FREQ=MONTHLY;BYMONTHDAY=1,40",
    "FREQ=DAILY;COLOUR=RED",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;UNTIL=20200101T000000Z",
  ].map((recurrence) => refused({ recurrence, due_date: whole.due_date }, "recurrence", "invalid_format")),
]);

scenarios("a client that one may not see is no client of one's tasks", theirs, [
  refused({ client_id: "$secret" }, "client_id", "unknown_client"),
  { by: "manager", post: "/api/tasks", body: { title: "x", client_id: "$secret" }, status: 201 },
]);

const tasks = {
  call: { assigned_to: "$minh" },
  going: { status: "in_progress" },
  done: { status: "done" },
  dropped: { status: "cancelled" },
  weekly: { due_date: whole.due_date, recurrence: whole.recurrence, external_id: "T-1" },
};

/** A move from one state to another: 200, or 409 with the states that are allowed. */
const move = (task: keyof typeof tasks, status: string, allowed?: string[]): Scenario => ({
  by: "lan",
  patch: `/api/tasks/$${task}`,
  body: { status },
  name: `${task} → ${status}`,
  status: allowed ? 409 : 200,
  ...(allowed
    ? { problem: { code: "invalid_transition", allowed }, events: [] }
    : { has: { status }, events: ["task.updated"] }),
  then: (_, { json }) => {
    if (!allowed) expect(json.completed_at !== null).toBe(status === "done");
  },
});

scenarios("moving a task", { tasks }, [
  move("call", "in_progress"),
  move("call", "done"),
  move("call", "cancelled"),
  move("going", "todo"),
  move("going", "done"),
  move("going", "cancelled"),
  move("done", "todo"),
  move("done", "in_progress", ["todo"]),
  move("done", "cancelled", ["todo"]),
  move("dropped", "todo"),
  move("dropped", "in_progress", ["todo"]),
  move("dropped", "done", ["todo"]),
  {
    by: "lan",
    patch: "/api/tasks/$done",
    body: { status: "done" },
    status: 200,
    has: { version: 1 },
    events: [],
  },
  {
    by: "minh",
    post: "/api/tasks/$call/complete",
    status: 200,
    has: { status: "done", version: 2 },
    hasHeaders: { etag: '"v2"' },
    events: ["task.updated"],
    then: async ({ events }, { json }) => {
      expect(json.completed_at <= json.updated_at).toBeTrue();
      expect((await events()).at(-1)!.changes).toEqual({
        status: ["todo", "done"],
        completed_at: [null, json.completed_at],
      });
    },
  },
  {
    name: "what is done stays as it is",
    by: "lan",
    post: "/api/tasks/$done/complete",
    body: {},
    status: 200,
    has: { status: "done", version: 1 },
    events: [],
  },
  {
    by: "lan",
    post: "/api/tasks/$dropped/complete",
    status: 409,
    problem: { code: "invalid_transition", allowed: ["todo"], from: "cancelled" },
    events: [],
  },
  { by: "lan", post: "/api/tasks/$call/complete", ifMatch: '"v7"', status: 412, events: [] },
  { by: "lan", post: "/api/tasks/$call/complete", body: { status: "done" }, status: 422, events: [] },
]);

scenarios("changing a task", { tasks, clients }, [
  {
    by: "minh",
    patch: "/api/tasks/$call",
    body: { title: " Call again ", priority: "high", client_id: "$acme", due_date: "2026-05-04T09:00:00Z" },
    status: 200,
    has: { title: "Call again", priority: "high", client_id: "$acme", version: 2 },
    events: ["task.updated"],
  },
  {
    name: "the same instant in other words is no change",
    by: "lan",
    patch: "/api/tasks/$weekly",
    body: { due_date: "2026-05-04T16:00:00+07:00", recurrence: "freq=weekly;byday=mo" },
    status: 200,
    has: { version: 1 },
    events: [],
  },
  {
    name: "a task that comes back keeps its due date",
    by: "lan",
    patch: "/api/tasks/$weekly",
    body: { due_date: null },
    status: 422,
    problem: { field: "recurrence", fieldCode: "needs_due_date" },
  },
  {
    by: "lan",
    patch: "/api/tasks/$weekly",
    body: { due_date: null, recurrence: null, external_id: null },
    status: 200,
    has: { due_date: null, recurrence: null, external_id: null },
  },
  { by: "lan", patch: "/api/tasks/$call", body: { title: null }, status: 422, problem: { field: "title" } },
  {
    name: "who is closed out keeps what they have, and gets nothing more",
    by: "lan",
    patch: "/api/tasks/$call",
    body: { assigned_to: "$off" },
    status: 422,
    problem: { field: "assigned_to", fieldCode: "unknown_user" },
  },
  {
    by: "lan",
    patch: "/api/tasks/$call",
    body: { external_id: "T-1" },
    status: 409,
    problem: { code: "external_id_taken", conflicting_id: "$weekly" },
    events: [],
  },
  {
    name: "whose task it is, stays unsaid to who may not see it",
    by: "minh",
    patch: "/api/tasks/$call",
    body: { external_id: "T-1" },
    status: 409,
    problem: { code: "external_id_taken", conflicting_id: null },
  },
  {
    name: "a task given away is out of sight",
    by: "minh",
    patch: "/api/tasks/$call",
    body: { assigned_to: "$stranger" },
    status: 200,
    then: async ({ send }) => {
      expect((await send("stranger", "GET", "/api/tasks/$call")).status).toBe(200);
      expect((await send("minh", "GET", "/api/tasks/$call")).status).toBe(404);
      expect((await send("minh", "GET", "/api/tasks")).json.data).toEqual([]);
    },
  },
]);

scenarios(
  "deleting a task and bringing it back",
  { tasks: { ...tasks, buried: { deleted: true } }, clients },
  [
    {
      by: "lan",
      delete: "/api/tasks/$weekly",
      status: 204,
      events: ["task.deleted"],
      then: async ({ send }) => {
        expect((await send("lan", "GET", "/api/tasks/$weekly")).status).toBe(410);
        // Its external id is free again, and then not to be had back.
        const other = { body: { title: "Another", external_id: "T-1" } };
        const { json } = await send("lan", "POST", "/api/tasks", other);
        const restored = await send("lan", "POST", "/api/tasks/$weekly/restore");
        expect(restored.json).toMatchObject({ code: "external_id_taken", conflicting_id: json.id });
      },
    },
    { by: "lan", post: "/api/tasks/$buried/restore", status: 200, has: { deleted_at: null, version: 3 } },
    { by: "lan", post: "/api/tasks/$buried/complete", status: 410, problem: { code: "deleted" } },
    {
      name: "a client that is deleted leaves its tasks",
      by: "lan",
      delete: "/api/clients/$acme",
      status: 204,
      after: async ({ send }) =>
        void (await send("lan", "PATCH", "/api/tasks/$call", { body: { client_id: "$acme" } })),
      then: async ({ send, ids }) => {
        expect((await send("lan", "GET", "/api/tasks/$call")).json.client_id).toBe(ids.acme);
        const again = { body: { client_id: "$acme", title: "Call them" } };
        expect((await send("lan", "PATCH", "/api/tasks/$call", again)).status).toBe(200);
      },
    },
  ],
);
