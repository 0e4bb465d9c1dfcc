/** Lists as files: the same records, in the same order, as each may see them. */
import { expect, test } from "bun:test";
import { recordsIn, walked } from "../support/exports";
import { relay } from "../support/realtime";
import { inWorld, scenarios, type Given, type Scenario } from "../support/scenario";

const clients: Record<string, Given> = {
  acme: {
    name: "Acme, Ltd",
    email: "info@acme.example",
    tags: ["VIP", "a,b; c|d", "back\\slash"],
    status: "active",
  },
  quotes: { name: 'The "Best"', company: "two\r\nlines", notes: "", phone: "+47 22 44 22 22" },
  formula: { name: "=1+1", company: "@SUM(A1)", position: "-2", industry: "'=x", address: "\t=cmd" },
  dang: { by: "minh", name: "Đặng 😀", notes: " leading, and trailing ", assigned_to: "$lan" },
  buried: { name: "Buried", deleted: true },
};
const tasks: Record<string, Given> = {
  call: { client_id: "$acme", assigned_to: "$minh", due_date: "2027-05-04T09:00:00+02:00", priority: "high" },
  write: { description: '=HYPERLINK("http://x.example")', status: "done" },
  theirs: { by: "minh", description: "" },
};
const world: Pick<Parameters<typeof scenarios>[1], "clients" | "tasks"> = { clients, tasks };

const refuses = (query: string, field: string, fieldCode: string): Scenario => ({
  ...{ by: "lan", get: `/api/export/clients?${query}`, status: 400 },
  ...{ problem: { code: fieldCode, field, fieldCode }, hasHeaders: { "content-disposition": null } },
});

const today = () => new Date().toISOString().slice(0, 10);

scenarios("exports", world, [
  {
    ...{ by: "lan", get: "/api/export/clients", status: 200 },
    hasHeaders: {
      "content-type": "text/csv; charset=utf-8; header=present",
      "content-disposition": /^attachment; filename="clients-\d{4}-\d\d-\d\d\.csv"$/,
      "cache-control": "no-store",
      ratelimit: null,
    },
    then: (_, { headers, text }) => {
      expect(headers.get("content-disposition")).toContain(today().slice(0, 8));
      expect(text).toStartWith("id,external_id,name,email,");
    },
  },
  {
    ...{ by: "lan", get: "/api/export/tasks?format=json", status: 200 },
    hasHeaders: { "content-type": "application/json", "content-disposition": /tasks-.*\.json"$/ },
  },
  {
    ...{ by: "lan", get: "/api/export/activities?format=ndjson", status: 200 },
    hasHeaders: { "content-type": "application/x-ndjson", "content-disposition": /activities-.*\.ndjson"$/ },
  },
  {
    ...{ by: "lan", head: "/api/export/clients?format=csv", status: 200 },
    hasHeaders: { "content-disposition": /clients-/, "content-type": /^text\/csv/ },
    then: (_, { text }) => expect(text).toBe(""),
  },
  {
    ...{ by: "lan", get: "/api/export/clients?filter[name]=nobody", status: 200 },
    then: (_, { text }) => expect(text.split("\r\n")).toHaveLength(2),
  },
  {
    ...{ by: "lan", get: "/api/export/clients?format=json&filter[name]=nobody", status: 200 },
    then: (_, { json }) => expect(json).toEqual([]),
  },
  {
    ...{
      by: "lan",
      get: "/api/export/clients?columns=name,tags&sort=name&filter[name][ne]=dang",
      status: 200,
    },
    name: "with columns, formulas defused and tags in one cell",
    then: (_, { text }) =>
      expect(text.split("\r\n").filter((line) => !line.includes("Đặng"))).toEqual([
        "name,tags",
        '\'=1+1,""',
        '"Acme, Ltd","VIP, a\\,b\\; c\\|d, back\\\\slash"',
        '"The ""Best""",""',
        "",
      ]),
  },
  {
    ...{
      by: "lan",
      get: "/api/export/clients?columns=version,name&format=ndjson&filter[name]=acme, ltd",
      status: 200,
    },
    then: (_, { text }) => expect(text).toBe('{"version":1,"name":"Acme, Ltd"}\n'),
  },
  {
    ...{ by: "lan", get: "/api/export/clients?bom=true", status: 200 },
    // A reader of text takes the mark away.
    then: async ({ server, people }) => {
      const headers = { authorization: `Bearer ${people.lan.token}` };
      const response = await fetch(`${server.url}/api/export/clients?bom=true`, { headers });
      expect([...(await response.bytes()).slice(0, 5)]).toEqual([0xef, 0xbb, 0xbf, 0x69, 0x64]);
    },
  },
  refuses("format=xml", "format", "invalid_choice"),
  refuses("format=csv&format=csv", "format", "repeated_parameter"),
  refuses("columns=name,nmae", "columns", "unknown_field"),
  refuses("columns=", "columns", "unknown_field"),
  refuses("columns=name,name", "columns", "repeated_parameter"),
  refuses("bom=yes", "bom", "invalid_boolean"),
  refuses("format=json&bom=true", "bom", "unknown_parameter"),
  refuses("limit=10", "limit", "unknown_parameter"),
  refuses("page=1", "page", "unknown_parameter"),
  refuses("cursor=x", "cursor", "unknown_parameter"),
  refuses("count=none", "count", "unknown_parameter"),
  refuses("colums=name", "colums", "unknown_parameter"),
  refuses("sort=height", "sort", "unknown_sort_key"),
  refuses("filter[nmae]=x", "filter[nmae]", "unknown_field"),
  { by: "lan", post: "/api/export/clients", body: {}, status: 405, hasHeaders: { allow: "GET, HEAD" } },
  { by: "lan", get: "/api/export/users", status: 404 },
]);

inWorld("an export", world, (world) => {
  const lists = [
    [
      "clients",
      [
        "",
        "sort=name,-status",
        "status=active",
        "filter[tags][in]=vip,x",
        "deleted=only",
        "deleted=with&sort=-name",
      ],
    ],
    [
      "tasks",
      ["", "sort=due_date", "priority=high", "filter[client_id][is_null]=true", "sort=-priority,title"],
    ],
    ["activities", ["", "filter[entity_type]=client", "sort=created_at", "filter[action]=created"]],
  ] as const;
  for (const [name, queries] of lists) {
    test.each(["csv", "json", "ndjson"])(`of ${name} is its list, as %s`, async (format) => {
      await relay(world().server.parts);
      for (const by of ["admin", "manager", "lan", "minh", "stranger"] as const) {
        for (const query of queries) {
          const wanted = await walked(world(), by, `/api/${name}`, query);
          const path = `/api/export/${name}?format=${format}&${query}`;
          const { status, text } = await world().send(by, "GET", path);
          expect([by, query, status, recordsIn(format, text)]).toEqual([by, query, 200, wanted]);
        }
      }
    });
  }

  test("has what its reader may see, and no more", async () => {
    const of = async (by: "lan" | "stranger", name: string) =>
      recordsIn("ndjson", (await world().send(by, "GET", `/api/export/${name}?format=ndjson`)).text).length;
    expect([await of("lan", "clients"), await of("stranger", "clients")]).toEqual([4, 4]);
    expect([await of("lan", "tasks"), await of("stranger", "tasks")]).toEqual([2, 0]);
    await world().send("admin", "PATCH", "/api/admin/settings/visibility.clients", {
      body: { value: "own" },
    });
    expect([await of("lan", "clients"), await of("stranger", "clients")]).toEqual([4, 0]);
  });

  test("is had with a ticket for it, in any of its formats, and with no other", async () => {
    const ticketFor = async (body: object) =>
      (await world().send("lan", "POST", "/api/auth/tickets", { body })).json.ticket as string;
    const ticket = await ticketFor({ purpose: "download" });
    const own = await world().send("lan", "GET", "/api/export/tasks?format=ndjson&sort=title");
    for (let i = 0; i < 2; i++) {
      const path = `/api/export/tasks?ticket=${ticket}&format=ndjson&sort=title`;
      expect((await world().send("nobody", "GET", path)).text).toBe(own.text);
    }
    const others = [
      await ticketFor({ purpose: "sse" }),
      await ticketFor({ purpose: "download", resource_id: world().ids.acme }),
      "x",
    ];
    for (const other of others) {
      const { json } = await world().send("nobody", "GET", `/api/export/tasks?ticket=${other}`);
      expect(json).toMatchObject({ status: 401, code: "invalid_ticket" });
    }
    expect((await world().send("nobody", "GET", `/api/clients?ticket=${ticket}`)).status).toBe(401);
  });
});
