/** Lists of clients over HTTP: each convention once; the rules themselves have their own tests in tests/unit/list. */
import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { showing } from "../support/lists";
import { inWorld, scenarios, type Scenario, type World } from "../support/scenario";

const day = 86_400_000;

const clients = {
  acme: {
    name: "Acme",
    company: "Łódź Foundry",
    email: "info@acme.example",
    status: "active",
    tags: ["VIP", "north"],
    phone: "+84912345678",
  },
  beta: {
    name: "Beta, Ltd",
    company: "Zürich Bank",
    status: "customer",
    tags: ["vip"],
    assigned_to: "$minh",
  },
  dang: {
    name: "Đặng",
    company: "łódź foundry",
    status: "active",
    tags: ["south", "a,b"],
    external_id: "50%_x",
  },
  emma: { by: "minh", name: "emma", status: "inactive", notes: "no company" },
  eric: { by: "admin", name: "Émile", industry: "back\\slash" },
} as const;

/** Made on five days: acme today, beta yesterday, and so on. */
const aged = async ({ server, ids }: World) => {
  await server.parts.store.tx(async ({ q, t }) => {
    for (const [i, name] of Object.keys(clients).entries()) {
      const at = Date.now() - i * day;
      await q.update(t.clients).set({ created_at: at, updated_at: at }).where(eq(t.clients.id, ids[name]!));
    }
  });
};

const shows = showing("/api/clients", "lan");

const refuses = (query: string, field: string, code: string): Scenario => ({
  by: "lan",
  get: `/api/clients?${query}`,
  status: 400,
  problem: { code, field, fieldCode: code },
});

const setting = { clients, once: aged };

scenarios("filters", setting, [
  shows("filter[name]=ACME", "acme"),
  shows("filter[name]=dang", "dang", { name: "without accents" }),
  shows("filter[name][eq]=emile", "eric"),
  shows("filter[name]=Beta,%20Ltd", "beta", { name: "equals is never split" }),
  shows("filter[name][in]=Beta\\,%20Ltd,acme", "acme beta"),
  shows("filter[name][nin]=acme,emma,emile", "beta dang"),
  shows("filter[name][ne]=acme", "beta dang emma eric"),
  shows("filter[name][contains]=M", "acme emma eric"),
  shows("filter[name][starts_with]=em", "emma eric"),
  shows("filter[name][between]=b,e", "beta dang"),
  shows("filter[name][gte]=em&filter[name][lt]=emm", "eric"),
  shows("filter[company]=LODZ+FOUNDRY", "acme dang"),
  shows("filter[company][is_null]=true", "emma eric"),
  shows("filter[company][is_null]=false", "acme beta dang"),
  shows("filter[company][ne]=zurich+bank", "acme dang emma eric", { name: "what has none is not that one" }),
  shows("filter[external_id][contains]=%25_", "dang", { name: "signs that mean something elsewhere" }),
  shows("filter[external_id][contains]=_%25", ""),
  shows("filter[industry][contains]=\\", "eric"),
  shows("filter[status]=active", "acme dang"),
  shows("status=active", "acme dang"),
  shows("filter[status][in]=active,customer", "acme beta dang"),
  shows("filter[status][nin]=active,customer,prospect", "emma"),
  shows("assigned_to=$minh", "beta"),
  shows("assignee=$minh", "beta"),
  shows("filter[assigned_to][is_null]=true", "acme dang emma eric"),
  shows("filter[created_by]=$minh", "emma"),
  shows("filter[tags]=VIP", "acme beta"),
  shows("filter[tags][in]=south,North", "acme dang", { name: "any of the tags" }),
  shows("filter[tags][all]=vip,north", "acme", { name: "all of the tags" }),
  shows("filter[tags][all]=vip,south", ""),
  shows("filter[tags][nin]=vip,south", "emma eric"),
  shows("filter[tags][in]=a\\,b", "dang"),
  shows("filter[tags][is_null]=true", "emma eric"),
  shows("filter[version]=1", "acme beta dang emma eric"),
  shows("filter[version][gt]=1", ""),
  shows("status=active&filter[tags]=vip", "acme", { name: "together" }),
  shows("filter%5Bname%5D=acme", "acme", { name: "escaped brackets" }),
]);

scenarios("filters by time", setting, [
  shows("filter[created_at][gte]=now-36h", "acme beta"),
  shows("filter[created_at][lt]=now-36h", "dang emma eric"),
  shows("filter[created_at][lt]=now%2B1mo", "acme beta dang emma eric"),
  shows("filter[created_at][lt]=now+1mo", "acme beta dang emma eric", { name: "a plus that became a blank" }),
  shows("filter[created_at][between]=now-84h,now-12h", "beta dang emma"),
  shows("filter[created_at][lt]=2020-01-01T00:00:00%2B07:00", ""),
  shows("filter[created_at][gt]=2020-01-01T00:00:00.000Z", "acme beta dang emma eric"),
  refuses("filter[created_at][gt]=2020-01-01", "filter[created_at][gt]", "invalid_instant"),
  refuses("filter[created_at][gt]=yesterday", "filter[created_at][gt]", "invalid_instant"),
  refuses("filter[created_at][gt]=now-1s", "filter[created_at][gt]", "invalid_instant"),
]);

inWorld("today", { clients: { acme: {} } }, (world) => {
  test("begins when it begins where the caller is", async () => {
    const { send, server, ids } = world();
    await send("lan", "PATCH", "/api/users/me", { body: { time_zone: "Pacific/Kiritimati" } });
    await send("minh", "PATCH", "/api/users/me", { body: { time_zone: "Pacific/Pago_Pago" } });
    const startOf = (zone: string) => Temporal.Now.zonedDateTimeISO(zone).startOfDay().epochMilliseconds;
    for (const [by, zone] of [
      ["lan", "Pacific/Kiritimati"],
      ["minh", "Pacific/Pago_Pago"],
    ] as const) {
      for (const [distance, found] of [
        [-1, 0],
        [0, 1],
      ] as const) {
        await server.parts.store.tx(
          ({ q, t }) =>
            q
              .update(t.clients)
              .set({ created_at: startOf(zone) + distance })
              .where(eq(t.clients.id, ids["acme"]!)) as never,
        );
        const { json } = await send(by, "GET", "/api/clients?filter[created_at][gte]=today");
        expect([zone, distance, json.data.length]).toEqual([zone, distance, found]);
      }
    }
  });
});

scenarios("sorting", setting, [
  shows("sort=name", "acme beta dang eric emma"),
  shows("sort=-name", "emma eric dang beta acme"),
  shows("sort=-created_at", "acme beta dang emma eric"),
  shows("sort=created_at", "eric emma dang beta acme"),
  shows("sort=company,name", "acme dang beta eric emma", { name: "nulls last" }),
  shows("sort=-company,-name", "beta dang acme emma eric", { name: "nulls last, descending too" }),
  shows("sort=status,-name", "dang acme beta emma eric"),
  {
    name: "the newest first where nobody says",
    by: "lan",
    get: "/api/clients?limit=2",
    status: 200,
    has: { data: [{ name: "Acme" }, { name: "Beta, Ltd" }] },
  },
  refuses("sort=phone", "sort", "unknown_sort_key"),
  refuses("sort=", "sort", "unknown_sort_key"),
  refuses("sort=id", "sort", "unknown_sort_key"),
  refuses("sort=name,-name", "sort", "repeated_sort_key"),
  refuses("sort=name,email,status,company", "sort", "too_many_sort_keys"),
]);

scenarios("pages and counts", setting, [
  {
    by: "lan",
    get: "/api/clients",
    status: 200,
    has: {
      pagination: { page: 1, limit: 20, total: 5, total_pages: 1, total_capped: false, next_cursor: null },
    },
  },
  shows("sort=name&page=2&limit=2", "dang eric", {
    has: { pagination: { page: 2, limit: 2, total: 5, total_pages: 3 } },
  }),
  shows("sort=name&page=3&limit=2", "emma", { has: { pagination: { page: 3, next_cursor: null } } }),
  shows("sort=name&page=4&limit=2", "", { has: { pagination: { page: 4, total: 5, next_cursor: null } } }),
  shows("count=none", "acme beta dang emma eric", {
    has: { pagination: { total: null, total_pages: null, total_capped: false } },
  }),
  shows("count=exact&status=active", "acme dang", { has: { pagination: { total: 2 } } }),
  { by: "lan", get: "/api/clients?page=50&limit=200", status: 200, has: { data: [] } },
  refuses("page=51&limit=200", "page", "page_too_deep"),
  refuses("page=0", "page", "out_of_range"),
  refuses("page=-1", "page", "out_of_range"),
  refuses("page=1.5", "page", "invalid_integer"),
  refuses("page=1e3", "page", "invalid_integer"),
  refuses("page=", "page", "invalid_integer"),
  refuses("limit=0", "limit", "out_of_range"),
  refuses("limit=201", "limit", "out_of_range"),
  refuses("limit=99999999999999999999", "limit", "invalid_integer"),
  refuses("count=maybe", "count", "invalid_choice"),
  refuses("deleted=true", "deleted", "invalid_choice"),
  refuses("cursor=nonsense", "cursor", "invalid_cursor"),
  refuses("cursor=", "cursor", "invalid_cursor"),
]);

scenarios("what a list of clients does not know", setting, [
  refuses("nmae=x", "nmae", "unknown_parameter"),
  refuses("name=x", "name", "unknown_parameter"),
  refuses("Page=1", "Page", "unknown_parameter"),
  refuses("priority=high", "priority", "unknown_parameter"),
  refuses("client_id=$acme", "client_id", "unknown_parameter"),
  refuses("filter=x", "filter", "unknown_parameter"),
  refuses("filter[name", "filter[name", "unknown_parameter"),
  refuses("filter[owner]=x", "filter[owner]", "unknown_field"),
  refuses("filter[notes]=x", "filter[notes]", "unknown_field"),
  refuses("filter[__proto__]=x", "filter[__proto__]", "unknown_field"),
  refuses("filter[constructor][prototype]=x", "filter[constructor][prototype]", "unknown_field"),
  refuses("filter[name_key]=x", "filter[name_key]", "unknown_field"),
  refuses("filter[name][like]=x", "filter[name][like]", "unknown_operator"),
  refuses("filter[name][__proto__]=x", "filter[name][__proto__]", "unknown_operator"),
  refuses("filter[status][contains]=a", "filter[status][contains]", "unknown_operator"),
  refuses("filter[status]=gold", "filter[status]", "invalid_choice"),
  refuses("status=active,customer", "status", "invalid_choice"),
  refuses("filter[assigned_to]=me", "filter[assigned_to]", "invalid_id"),
  refuses("filter[version]=one", "filter[version]", "invalid_integer"),
  refuses("filter[name]=", "filter[name]", "empty_value"),
  refuses("filter[name]=%00", "filter[name]", "invalid_characters"),
  refuses("filter[name]=%ff", "filter[name]", "malformed_encoding"),
  refuses("filter[name]=%", "filter[name]", "malformed_encoding"),
  refuses("filter[name]=%ED%A0%80", "filter[name]", "malformed_encoding"),
  refuses("status=active&status=customer", "status", "repeated_parameter"),
  refuses("status=active&filter[status]=active", "filter[status]", "repeated_parameter"),
  refuses("filter[created_at][between]=now", "filter[created_at][between]", "invalid_range"),
  {
    name: "everything that is wrong, at once",
    by: "lan",
    get: "/api/clients?page=0&colour=red&filter[name][like]=x&sort=age",
    status: 400,
    then: (_, { json }) => {
      const found = json.errors.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`);
      expect(found.toSorted()).toEqual([
        "colour unknown_parameter",
        "filter[name][like] unknown_operator",
        "page out_of_range",
        "sort unknown_sort_key",
      ]);
    },
  },
  { name: "nobody learns what it knows", by: "nobody", get: "/api/clients?colour=red", status: 401 },
]);

inWorld("walking a list by its cursors", setting, (world) => {
  const walk = async (
    query: string,
    meanwhile: (page: number) => Promise<unknown> = async () => undefined,
  ) => {
    const names: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < 20; page++) {
      const path: string = `/api/clients?limit=1&${query}${cursor === null ? "" : `&cursor=${cursor}`}`;
      const { status, json } = await world().send("lan", "GET", path);
      expect(status).toBe(200);
      if (cursor !== null) expect(json.pagination.page).toBeNull();
      names.push(...json.data.map(({ name }: { name: string }) => name));
      cursor = json.pagination.next_cursor;
      if (cursor === null) return names;
      await meanwhile(page);
    }
    throw new Error("The walk does not end.");
  };

  test("shows every record once, nulls and all", async () => {
    expect(await walk("sort=company,-name")).toEqual(["Đặng", "Acme", "Beta, Ltd", "emma", "Émile"]);
    expect(await walk("sort=-created_at&filter[created_at][lt]=now")).toHaveLength(5);
  });

  test("shows what nobody touched exactly once, while others write", async () => {
    const { send } = world();
    const names = await walk("sort=name", async (page) => {
      await send("lan", "POST", "/api/clients", { body: { name: `A new one ${page}` } });
      if (page === 0) await send("admin", "DELETE", "/api/clients/$emma");
    });
    expect(names).toEqual(["Acme", "Beta, Ltd", "Đặng", "Émile"]);
  });

  test("is refused with a page, another filter, another order or another person's list of deleted ones", async () => {
    const { send } = world();
    const { json } = await send("lan", "GET", "/api/clients?limit=1&sort=name&status=active");
    const cursor = json.pagination.next_cursor;
    const ask = async (query: string) =>
      (await send("lan", "GET", `/api/clients?${query}&cursor=${cursor}`)).json;
    expect(await ask("sort=name&status=active")).toMatchObject({ data: [{ name: "Đặng" }] });
    expect(await ask("sort=name&status=active&limit=5&count=none")).toMatchObject({
      data: [{ name: "Đặng" }],
    });
    expect(await ask("sort=name&filter[status]=active")).toMatchObject({ data: [{ name: "Đặng" }] });
    expect(await ask("sort=name&status=active&page=2")).toMatchObject({
      status: 400,
      code: "page_with_cursor",
    });
    for (const other of [
      "sort=name&status=customer",
      "sort=name",
      "sort=-name&status=active",
      "status=active",
      "sort=name&status=active&deleted=with",
    ]) {
      expect([other, await ask(other)]).toMatchObject([other, { status: 400, code: "cursor_mismatch" }]);
    }
  });

  test("a cursor that somebody wrote themselves is refused, never a fault", async () => {
    const { send } = world();
    const { json } = await send("lan", "GET", "/api/clients?limit=1&sort=name");
    const genuine = JSON.parse(Buffer.from(json.pagination.next_cursor, "base64url").toString()) as unknown[];
    const last = genuine.length - 1;
    const forged = [
      [],
      {},
      null,
      1,
      ["x"],
      genuine.slice(0, -1),
      [...genuine, "x"],
      genuine.with(last, 5),
      genuine.with(last, "a\0"),
      genuine.with(last, null),
      genuine.with(2, "x"),
      genuine.with(1, 1e300),
      genuine.with(last, { a: 1 }),
    ];
    for (const content of forged) {
      const cursor = Buffer.from(JSON.stringify(content)).toString("base64url");
      const { status, json: problem } = await send(
        "lan",
        "GET",
        `/api/clients?limit=1&sort=name&cursor=${cursor}`,
      );
      expect([content, status, problem.code]).toEqual([content, 400, "invalid_cursor"]);
    }
  });
});

inWorld("more than a thousand clients", { clients: { acme: {} } }, (world) => {
  test("are counted to a thousand, unless somebody wants to know", async () => {
    const { server, send, people } = world();
    const row = (await server.parts.store.read.q.select().from(server.parts.store.read.t.clients))[0]!;
    await server.parts.store.tx(async ({ q, t }) => {
      const rows = Array.from({ length: 1_004 }, (_, i) => ({
        ...row,
        id: Bun.randomUUIDv7(),
        name: `C ${i}`,
        created_by: people.minh.id,
      }));
      for (let i = 0; i < rows.length; i += 251) await q.insert(t.clients).values(rows.slice(i, i + 251));
    });
    const total = async (query: string) =>
      (await send("lan", "GET", `/api/clients?limit=200${query}`)).json.pagination;
    expect(await total("")).toMatchObject({ total: 1_000, total_capped: true, total_pages: 5 });
    expect(await total("&count=exact")).toMatchObject({ total: 1_005, total_capped: false, total_pages: 6 });
    expect(await total("&count=none")).toMatchObject({ total: null, total_capped: false });
    expect(await total("&filter[created_by]=$lan")).toMatchObject({ total: 1, total_capped: false });
    expect(await total("&page=6")).toMatchObject({
      page: 6,
      total: 1_000,
      total_capped: true,
      next_cursor: null,
    });
  });
});
