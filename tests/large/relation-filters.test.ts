/** Tasks filtered by their clients: `filter[client.industry]=…`, wherever tasks are filtered, and never by clients that are not seen. */
import { expect, test } from "bun:test";
import { fold } from "../../src/text";
import { showing } from "../support/lists";
import { cast, type Name } from "../support/people";
import { inWorld, scenarios, type Scenario, type World } from "../support/scenario";
import { randomNumbers } from "../unit/integrations/random";

const clients = {
  acme: { industry: "Banking", status: "active", company: "Acme Ltd", tags: ["VIP", "north"] },
  beta: { industry: "Retail", status: "prospect", email: "beta@example.com", assigned_to: "$minh" },
  hers: { by: "minh", industry: "Banking", status: "customer", tags: ["vip"] },
} as const;
const tasks = {
  ash: { client_id: "$acme", priority: "high" },
  bee: { client_id: "$beta" },
  cod: { client_id: "$hers", by: "minh", assigned_to: "$lan" },
  doe: {},
} as const;

const shows = showing("/api/tasks", "lan");
const refused = (query: string, field: string, code: string): Scenario => ({
  by: "lan",
  get: `/api/tasks?${query}`,
  status: 400,
  problem: { field, fieldCode: code },
});

const asked: Scenario[] = [
  shows("filter[client.industry]=banking&status=pending&sort=title", "ash cod"),
  shows("filter[client.industry]=BANKING", "ash cod"),
  shows("filter[client.industry][ne]=banking", "bee"),
  shows("filter[client.industry][in]=banking,retail", "ash bee cod"),
  shows("filter[client.industry][is_null]=true", ""),
  shows("filter[client.company][contains]=acme", "ash"),
  shows("filter[client.company][is_null]=true&sort=-title", "cod bee"),
  shows("filter[client.name][starts_with]=be", "bee"),
  shows("filter[client.name]=hers", "cod"),
  shows("filter[client.email]=beta@example.com", "bee"),
  shows("filter[client.status][nin]=active,customer", "bee"),
  shows("filter[client.status]=active&filter[priority]=high", "ash"),
  shows("filter[client.status]=active&priority=low", ""),
  shows("filter[client.assigned_to]=$minh", "bee"),
  shows("filter[client.created_by]=$minh", "cod"),
  shows("filter[client.id]=$acme", "ash"),
  shows("filter[client.tags]=vip", "ash cod"),
  shows("filter[client.tags][in]=vip,north&sort=title", "ash cod"),
  shows("filter[client.tags][all]=vip,north", "ash"),
  shows("filter[client.tags][ne]=north", "bee cod"),
  shows("filter[client.created_at][gte]=today-1d", "ash bee cod"),
  shows("filter[client.industry]=banking&q=ash", "ash"),
  shows("filter[or][0][client.industry]=retail&filter[or][1][client.tags]=north&sort=title", "ash bee"),
  shows(
    "filter[or][0][and][0][client.status]=customer&filter[or][0][and][1][client.tags]=vip&filter[or][1][client_id][is_null]=true",
    "cod doe",
  ),
  shows("filter[client.industry]=banking", "ash cod", { by: "admin" }),
  shows("filter[client.industry]=banking", "", { by: "stranger" }),
  shows("filter[client.industry]=banking&deleted=with", "ash cod"),
  {
    name: "of a deleted client nothing is asked",
    by: "admin",
    after: ({ send, ids }) => send("admin", "DELETE", `/api/clients/${ids.acme}`),
    get: "/api/tasks?filter[client.industry]=banking",
    status: 200,
    has: { data: [{ title: "cod" }], pagination: { total: 1 } },
  },
  {
    by: "lan",
    get: "/api/tasks/stats?filter[client.industry]=banking",
    status: 200,
    has: { total: 2, by_priority: { high: 1 } },
  },
  {
    by: "lan",
    get: "/api/export/tasks?format=csv&columns=title&filter[client.industry]=banking&sort=title",
    status: 200,
    then: (_, { text }) => expect(text).toBe("title\r\nash\r\ncod\r\n"),
  },
  {
    by: "lan",
    post: "/api/bulk/tasks/update",
    body: {
      filter: { "client.industry": "banking", "client.status": { ne: "customer" } },
      expected_count: 1,
      set: { priority: "urgent" },
    },
    status: 200,
    has: { updated: 1 },
    then: async ({ send, ids }) =>
      expect((await send("lan", "GET", `/api/tasks/${ids.ash}`)).json.priority).toBe("urgent"),
  },
  refused("filter[client.colour]=red", "filter[client.colour]", "unknown_field"),
  refused("filter[assignee.name]=red", "filter[assignee.name]", "unknown_field"),
  refused("filter[client.client.name]=red", "filter[client.client.name]", "unknown_field"),
  refused("filter[client]=red", "filter[client]", "unknown_field"),
  refused("filter[client.status]=enormous", "filter[client.status]", "invalid_choice"),
  refused("filter[client.status][gte]=active", "filter[client.status][gte]", "unknown_operator"),
  refused("filter[or][0][client.colour]=red", "filter[or][0][client.colour]", "unknown_field"),
  refused("sort=client.name", "sort", "unknown_sort_key"),
  {
    by: "lan",
    get: "/api/clients?filter[client.industry]=banking",
    status: 400,
    problem: { field: "filter[client.industry]", fieldCode: "unknown_field" },
  },
];

scenarios("tasks by their clients", { clients, tasks }, asked);

/** Lan works on a task of Minh's client, whom she does not see here. */
scenarios(
  "tasks by clients that are not seen",
  { env: { NEOCRM_VISIBILITY_CLIENTS: "own" }, clients, tasks },
  [
    shows("", "ash bee cod doe"),
    shows("filter[client.industry]=banking", "ash"),
    shows("filter[client.industry][ne]=banking", "bee"),
    shows("filter[client.status]=customer", ""),
    shows("filter[client.status][ne]=customer", "ash bee"),
    shows("filter[client.industry][is_null]=true", ""),
    shows("filter[client.tags]=vip", "ash"),
    shows("filter[client.tags][nin]=x", "ash bee"),
    shows("filter[client.name][contains]=h", ""),
    shows("filter[client.id]=$hers", ""),
    shows("filter[client_id]=$hers", "cod"),
    shows("filter[or][0][client.industry]=banking&filter[or][1][client.industry][ne]=banking", "ash bee"),
    shows("filter[client.industry]=banking", "cod", { by: "minh" }),
    shows("filter[client.industry]=banking", "ash cod", { by: "admin" }),
    {
      by: "lan",
      get: "/api/tasks/stats?filter[client.industry]=banking",
      status: 200,
      has: { total: 1 },
    },
    {
      by: "lan",
      get: "/api/export/tasks?columns=title&filter[client.industry]=banking",
      status: 200,
      then: (_, { text }) => expect(text).toBe("title\r\nash\r\n"),
    },
    {
      by: "lan",
      post: "/api/bulk/tasks/update",
      body: { filter: { "client.industry": "banking" }, expected_count: 2, set: { priority: "low" } },
      status: 422,
      problem: { field: "expected_count", fieldCode: "count_mismatch" },
    },
  ],
);

type Json = Record<string, unknown>;

/** A condition on the client of a task, as the query writes it and as it is meant of one who is seen. */
interface Condition {
  parameter: string;
  meets(client: Json): boolean;
}

const industries = ["Banking", "Retail", "Law", null];
const statuses = ["prospect", "active", "inactive", "customer"];
const folded = (value: unknown) => (typeof value === "string" ? fold(value) : null);

for (const visibility of ["all", "own"] as const) {
  inWorld(
    `random filters across, with clients visible to ${visibility}`,
    { env: { NEOCRM_VISIBILITY_CLIENTS: visibility }, once: addMany },
    (world) => {
      test("let through what they say, for everybody, wherever tasks are filtered", async () => {
        const random = randomNumbers(Number(process.env["SEED"] ?? 20_261_127));
        const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
        const bys = (Object.keys(cast) as Name[]).filter((name) => name !== "off" && name !== "gone");
        for (const by of bys) {
          const clients = new Map(
            (await walk(world(), by, "/api/clients?limit=200")).map((c) => [c["id"], c]),
          );
          const tasks = await walk(world(), by, "/api/tasks?limit=200");
          for (let round = 0; round < 15; round++) {
            const own = pick(["", "filter[priority]=high", "filter[status]=todo"]);
            const conditions = Array.from({ length: 1 + Math.floor(random() * 3) }, () => condition(random));
            const isAny = random() < 0.5;
            const group = isAny ? "or" : "and";
            const query = [
              ...conditions.map(({ parameter }, i) => `filter[${group}][${i}]${parameter}`),
              ...(own === "" ? [] : [own]),
            ].join("&");
            const wanted = tasks
              .filter((task) => {
                const client = clients.get(task["client_id"]);
                const [, field, value] = /\[(\w+)\]=(\w+)/.exec(own) ?? [];
                const each = conditions.map(({ meets }) => client !== undefined && meets(client));
                const isMet = isAny ? each.some(Boolean) : each.every(Boolean);
                return isMet && (field === undefined || task[field] === value);
              })
              .map(({ id }) => id);
            const sort = pick(["title", "-created_at", "due_date,-title", "-priority"]);
            const found = await walk(world(), by, `/api/tasks/filter?${query}&sort=${sort}&limit=7`);
            expect([query, new Set(found.map(({ id }) => id))]).toEqual([query, new Set(wanted)]);
            expect(found).toHaveLength(wanted.length);
            const stats = await world().send(by, "GET", `/api/tasks/stats?${query}`);
            expect([query, stats.json.total]).toEqual([query, wanted.length]);
            const file = await world().send(by, "GET", `/api/export/tasks?format=ndjson&${query}`);
            expect([query, file.text.split("\n").length - 1]).toEqual([query, wanted.length]);
          }
        }
      }, 120_000);
    },
  );
}

function condition(random: () => number): Condition {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const industry = pick(["banking", "law"]);
  const status = pick(statuses);
  const digit = String(Math.floor(random() * 10));
  return pick<Condition>([
    { parameter: `[client.status]=${status}`, meets: (client) => client["status"] === status },
    { parameter: `[client.status][ne]=${status}`, meets: (client) => client["status"] !== status },
    {
      parameter: `[client.industry]=${industry}`,
      meets: (client) => folded(client["industry"]) === industry,
    },
    {
      parameter: `[client.industry][nin]=${industry},x`,
      meets: (client) => folded(client["industry"]) !== industry,
    },
    { parameter: "[client.industry][is_null]=true", meets: (client) => client["industry"] === null },
    {
      parameter: `[client.name][contains]=${digit}`,
      meets: (client) => String(client["name"]).includes(digit),
    },
    {
      parameter: `[client.name][gte]=client%20${digit}`,
      meets: (client) => String(client["name"]) >= `client ${digit}`,
    },
    { parameter: "[client.tags]=vip", meets: (client) => (client["tags"] as string[]).includes("vip") },
    { parameter: "[client.tags][ne]=vip", meets: (client) => !(client["tags"] as string[]).includes("vip") },
  ]);
}

/** All of a list, page by page. */
async function walk(world: World, by: Name, path: string): Promise<Json[]> {
  const found: Json[] = [];
  for (let cursor = ""; ;) {
    const { status, json } = await world.send(by, "GET", `${path}${cursor && `&cursor=${cursor}`}`);
    expect([path, status]).toEqual([path, 200]);
    found.push(...json.data);
    cursor = json.pagination.next_cursor;
    if (!cursor) return found;
  }
}

/** Clients of several people, some of them deleted, and tasks of them and of none. */
async function addMany(world: World): Promise<void> {
  const { clients, tasks, store } = world.server.parts;
  const random = randomNumbers(11);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const everybody = ["admin", "manager", "lan", "minh"] as const;
  const actorOf = (name: Name) => ({
    ...{ kind: "user" as const, userId: world.people[name].id, sessionId: null, timeZone: "UTC" },
    grants: { "clients.read": "all", "clients.update": "all", "clients.delete": "all" } as const,
    requestId: "relation-filters",
  });
  await store.tx(async (session) => {
    const ids: string[] = [];
    for (let i = 0; i < 60; i++) {
      const { id } = await clients.createIn(session, actorOf(pick(everybody)), {
        ...{ name: `client ${i}`, industry: pick(industries)!, status: pick(statuses) as "active" },
        ...{ tags: random() < 0.3 ? ["vip"] : [], assigned_to: world.people[pick(everybody)].id },
      });
      ids.push(id);
    }
    for (let i = 0; i < 200; i++) {
      await tasks.createIn(session, actorOf(pick(everybody)), {
        ...{ title: `task ${i}`, priority: pick(["low", "high"] as const) },
        ...{ client_id: random() < 0.2 ? null : pick(ids), assigned_to: world.people[pick(everybody)].id },
      });
    }
    for (const id of ids.slice(0, 6)) await clients.deleteIn(session, actorOf("admin"), id, "any");
  });
}
