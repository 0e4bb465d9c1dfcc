/** Filters in groups: `filter[or][0][status]=…`, nested, on both engines alike. */
import { expect, test } from "bun:test";
import { fold } from "../../src/text";
import { randomNumbers } from "../unit/integrations/random";
import { inWorld, scenarios, type World } from "../support/scenario";

const clients = {
  acme: { status: "active", industry: "Banking", tags: ["vip"] },
  beta: { status: "prospect", industry: "Retail" },
  gamma: { status: "customer", industry: "Banking" },
} as const;
const names = (...expected: string[]) => ({
  data: expected.map((name) => ({ name })),
  pagination: { total: expected.length },
});

scenarios(
  "groups of filters",
  { clients, tasks: { call: { priority: "high" }, write: { status: "done" }, rest: {} } },
  [
    {
      by: "manager",
      get: "/api/clients?sort=name&filter[or][0][status]=active&filter[or][1][industry]=retail",
      status: 200,
      has: names("acme", "beta"),
    },
    {
      by: "manager",
      get: "/api/clients/advanced?sort=name&filter[or][0][status]=active&filter[or][1][industry]=retail",
      status: 200,
      has: names("acme", "beta"),
    },
    {
      by: "manager",
      get: "/api/clients?sort=name&filter[industry]=banking&filter[or][0][status]=active&filter[or][7][status]=prospect",
      status: 200,
      has: names("acme"),
    },
    {
      by: "manager",
      get: "/api/clients?sort=name&filter[or][0][and][0][industry]=banking&filter[or][0][and][1][status]=customer&filter[or][1][status]=prospect",
      status: 200,
      has: names("beta", "gamma"),
    },
    {
      by: "manager",
      get: "/api/clients?sort=name&filter[or][0][tags][in]=vip,x&filter[or][1][name][contains]=amm",
      status: 200,
      has: names("acme", "gamma"),
    },
    {
      by: "manager",
      get: "/api/clients?filter[or][0][status]=active&filter[or][0][industry]=retail",
      status: 200,
      has: { pagination: { total: 0 } },
    },
    {
      by: "lan",
      get: "/api/tasks/filter?sort=title&filter[or][0][priority]=high&filter[or][1][status]=done",
      status: 200,
      has: { data: [{ title: "call" }, { title: "write" }] },
    },
    {
      by: "lan",
      get: "/api/tasks/stats?filter[or][0][priority]=high&filter[or][1][status]=done",
      status: 200,
      has: { total: 2 },
    },
    {
      by: "manager",
      get: "/api/clients?filter[or][status]=active",
      status: 400,
      problem: { code: "unknown_parameter", field: "filter[or][status]" },
    },
    {
      by: "manager",
      get: "/api/clients?filter[or][0]=active",
      status: 400,
      problem: { code: "unknown_parameter" },
    },
    {
      by: "manager",
      get: "/api/clients?filter[or][100][status]=active",
      status: 400,
      problem: { code: "unknown_parameter" },
    },
    {
      by: "manager",
      get: "/api/clients?filter[or][0][colour]=red",
      status: 400,
      problem: { code: "unknown_field", field: "filter[or][0][colour]" },
    },
    {
      by: "manager",
      get: `/api/clients?filter${"[or][0]".repeat(7)}[status]=active`,
      status: 400,
      problem: { code: "too_many_filters" },
    },
    {
      by: "manager",
      get: `/api/clients?${Array.from({ length: 21 }, (_, i) => `filter[or][${i}][name]=x${i}`).join("&")}`,
      status: 400,
      problem: { code: "too_many_filters" },
    },
    {
      by: "manager",
      get: "/api/clients?filter[or][0][status]=active&filter[or][0][status]=prospect",
      status: 400,
      problem: { code: "repeated_parameter" },
    },
    {
      by: "manager",
      post: "/api/bulk/clients/update",
      body: {
        filter: { or: [{ status: "active" }, { industry: { contains: "retail" } }] },
        expected_count: 2,
        set: { notes: "x" },
      },
      status: 200,
      has: { updated: 2 },
    },
  ],
);

/** A condition or groups of them, as the query writes them and as they are meant. */
interface Tree {
  parameters(prefix: string): string[];
  meets(client: Record<string, unknown>): boolean;
}

const industries = ["Banking", "Retail", "Law", null];
const statuses = ["prospect", "active", "inactive", "customer"];

inWorld("random groups of filters", { once: addMany }, (world) => {
  test("let through what they say, whatever the order and the pages", async () => {
    const random = randomNumbers(20_261_126);
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
    const { json } = await world().send("manager", "GET", "/api/clients?limit=200&count=none");
    for (let round = 0; round < 60; round++) {
      const tree = groupOf(randomTree(2));
      const sort = pick(["name", "-created_at", "status,-name", "-updated_at,name"]);
      const query = [...tree.parameters("filter"), `sort=${sort}`, "limit=7", "count=exact"].join("&");
      const wanted = json.data.filter(tree.meets).map(({ id }: { id: string }) => id);
      const found: string[] = [];
      for (let cursor = ""; ;) {
        const page = await world().send(
          "manager",
          "GET",
          `/api/clients?${query}${cursor && `&cursor=${cursor}`}`,
        );
        expect([page.status, page.text.slice(0, 300)]).toEqual([200, expect.any(String)]);
        expect(page.json.pagination.total).toBe(wanted.length);
        found.push(...page.json.data.map(({ id }: { id: string }) => id));
        cursor = page.json.pagination.next_cursor;
        if (!cursor) break;
      }
      expect([query, found.toSorted()]).toEqual([query, wanted.toSorted()]);
    }

    function randomTree(depth: number): Tree[] {
      return Array.from({ length: 1 + Math.floor(random() * 2) }, () =>
        depth > 0 && random() < 0.6 ? anyOf(depth) : condition(),
      );
    }

    function anyOf(depth: number): Tree {
      const groups = Array.from({ length: 1 + Math.floor(random() * 2) }, () =>
        groupOf(randomTree(depth - 1)),
      );
      return {
        parameters: (prefix) => groups.flatMap((group, i) => group.parameters(`${prefix}[or][${i}]`)),
        meets: (client) => groups.some((group) => group.meets(client)),
      };
    }

    function condition(): Tree {
      const industry = pick(["banking", "law"]);
      const status = pick(statuses);
      const part = String(Math.floor(random() * 10));
      return pick<Tree>([
        { parameters: (at) => [`${at}[status]=${status}`], meets: (client) => client["status"] === status },
        {
          parameters: (at) => [`${at}[status][ne]=${status}`],
          meets: (client) => client["status"] !== status,
        },
        {
          parameters: (at) => [`${at}[industry]=${industry}`],
          meets: (client) => fold(String(client["industry"])) === industry,
        },
        {
          parameters: (at) => [`${at}[industry][nin]=${industry},x`],
          meets: (client) => fold(String(client["industry"])) !== industry,
        },
        {
          parameters: (at) => [`${at}[industry][is_null]=true`],
          meets: (client) => client["industry"] === null,
        },
        {
          parameters: (at) => [`${at}[name][contains]=${part}`],
          meets: (client) => String(client["name"]).includes(part),
        },
        {
          parameters: (at) => [`${at}[tags]=vip`],
          meets: (client) => (client["tags"] as string[]).includes("vip"),
        },
      ]);
    }
  });
});

/** Each in an `and` group of its own, so that a field may stand in several. */
const groupOf = (trees: readonly Tree[]): Tree => ({
  parameters: (prefix) =>
    trees.flatMap((tree, i) => tree.parameters(trees.length > 1 ? `${prefix}[and][${i}]` : prefix)),
  meets: (client) => trees.every((tree) => tree.meets(client)),
});

async function addMany(world: World): Promise<void> {
  const { clients: service, store } = world.server.parts;
  const { id: userId } = world.people.manager;
  const actor = {
    kind: "user" as const,
    userId,
    sessionId: null,
    grants: {},
    timeZone: "UTC",
    requestId: "filter-groups",
  };
  await store.tx(async (session) => {
    for (let i = 0; i < 120; i++) {
      const input = {
        name: `client ${i}`,
        industry: industries[i % 4]!,
        status: statuses[(i * 7) % 4] as "active",
        tags: i % 3 === 0 ? ["vip"] : [],
      };
      await service.createIn(session, actor, input);
    }
  });
}
