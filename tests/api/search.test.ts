/** What is found, by whom, and how much of it there is. */
import { expect, test } from "bun:test";
import { inWorld, scenarios, type Scenario, type Setting } from "../support/scenario";

const given: Setting = {
  clients: {
    bjorn: {
      name: "Bjørn Hansen",
      email: "b.hansen@yahoo.no",
      phone: "+47 22 44 22 22",
      company: "Hansen & Sønner",
      industry: "Shipping",
      tags: ["VIP"],
    },
    dang: {
      name: "Nguyễn Văn Đặng",
      company: "Sông Hồng",
      phone: "0912 345 678",
      status: "active",
      tags: ["vip", "north"],
    },
    strasse: {
      name: "Anna Größe",
      address: "Hauptstraße 5, Köln",
      phone: "+49 (0)30 1234567",
      industry: "shipping",
    },
    ligature: { name: "Oﬃce Oﬄine", notes: "Ring in the morning; fine weather only." },
    brien: { name: "Conan O’Brien", notes: "Likes acme corp." },
    acme: { name: "Acme", company: "Acme Corporation", email: "info@acme.example", assigned_to: "$minh" },
    tokyo: { name: "東京タワー" },
    gone: { name: "Hansen Deleted", deleted: true },
    secret: { name: "Only Lan Hansen", by: "lan" },
  },
  tasks: {
    call: { title: "Call Bjørn about the renewal", priority: "high", assigned_to: "$minh" },
    acmeTask: { title: "Invoice for acme", status: "done" },
  },
};

/** A query and the records it finds among all. */
function finds(q: string, ...names: string[]): Scenario {
  return {
    name: `${q} → ${names.join(" ")}`,
    by: "admin",
    get: `/api/search?limit=50&q=${encodeURIComponent(q)}`,
    status: 200,
    then: (world, { json }) => {
      const ids = new Map(Object.entries(world.ids).map(([name, id]) => [id, name]));
      const found = (json.hits as { id: string }[]).map(({ id }) => ids.get(id)!);
      expect(found.toSorted()).toEqual(names.toSorted());
    },
  };
}

scenarios("searching", given, [
  finds("bjorn", "bjorn", "call"),
  finds("BJØRN", "bjorn", "call"),
  finds("bj", "bjorn", "call"),
  finds("sonner", "bjorn"),
  finds("r", "call", "ligature"),
  finds("jørn han", "bjorn"),
  finds("dang", "dang"),
  finds("Đặng", "dang"),
  finds("van nguyen", "dang"),
  finds("hong", "dang"),
  finds("strasse", "strasse"),
  finds("hauptstraße köln", "strasse"),
  finds("GRÖSSE", "strasse"),
  finds("office", "ligature"),
  finds("offline fine", "ligature"),
  finds("o'brien", "brien"),
  finds("obrien", "brien"),
  finds("東京", "tokyo"),
  finds("タワー", "tokyo"),
  finds("東", "tokyo"),
  finds("hansen@yahoo", "bjorn"),
  finds("b.hansen@yahoo.no", "bjorn"),
  finds("yahoo.no", "bjorn"),
  finds("+47 22442222", "bjorn"),
  finds("22 44 22 22", "bjorn"),
  finds("2244-2222", "bjorn"),
  finds("0047 22 44 22 22", "bjorn"),
  finds("224422", "bjorn"),
  finds("+84 912 345 678", "dang"),
  finds("0912345678", "dang"),
  finds("345678", "dang"),
  finds("030 1234567", "strasse"),
  finds("+49 30 1234567", "strasse"),
  finds('"acme corp"', "brien"),
  finds('"acme corporation"', "acme"),
  finds("acme corp", "acme", "brien"),
  finds("acme -corporation", "brien", "acmeTask"),
  finds('acme -"acme corp" -invoice', "acme"),
  finds("hansem", "bjorn", "secret"),
  finds("ahnsen", "bjorn", "secret"),
  finds("hansn", "bjorn", "secret"),
  finds("hnse"),
  finds("nobody"),
  finds("!!!"),
  finds("-"),
  finds('"'),
  finds("vip north", "dang"),
]);

scenarios("what a search refuses", given, [
  { by: "lan", get: "/api/search", status: 400, problem: { code: "missing_parameter", field: "q" } },
  { by: "lan", get: "/api/search?q=", status: 400, problem: { code: "empty_value", field: "q" } },
  {
    by: "lan",
    get: "/api/search?q=a&type=folders",
    status: 400,
    problem: { code: "invalid_choice", field: "type" },
  },
  {
    by: "lan",
    get: "/api/search?q=a&limit=51",
    status: 400,
    problem: { code: "out_of_range", field: "limit" },
  },
  { by: "lan", get: "/api/search?q=a&x=1", status: 400, problem: { code: "unknown_parameter" } },
  { by: "lan", get: "/api/clients/search", status: 400, problem: { code: "missing_parameter", field: "q" } },
  { by: "lan", get: "/api/clients?q=a&search=b", status: 400, problem: { code: "repeated_parameter" } },
  { by: "lan", get: "/api/clients?q=", status: 400, problem: { code: "empty_value", field: "q" } },
  { by: "lan", get: "/api/users?q=a", status: 400, problem: { code: "unknown_parameter" } },
]);

scenarios("searching lists", given, [
  { by: "lan", get: "/api/clients?q=hansen", status: 200, has: { pagination: { total: 2 } } },
  {
    by: "lan",
    get: "/api/clients?search=hansen&filter[company][is_null]=true",
    status: 200,
    has: { data: [{ id: "$secret" }], pagination: { total: 1 } },
  },
  {
    by: "lan",
    get: "/api/clients/search?q=hansen&sort=name",
    status: 200,
    has: { data: [{ id: "$bjorn" }, { id: "$secret" }] },
  },
  {
    by: "lan",
    get: "/api/clients?q=hansen&deleted=only",
    status: 200,
    has: { data: [{ id: "$gone" }], pagination: { total: 1 } },
  },
  { by: "admin", get: "/api/clients?q=hansen&deleted=with", status: 200, has: { pagination: { total: 3 } } },
  { by: "lan", get: "/api/clients?q=hansem&limit=1", status: 200, has: { pagination: { total: 2 } } },
  {
    by: "admin",
    get: "/api/tasks/search?q=acme&status=done",
    status: 200,
    has: { data: [{ id: "$acmeTask" }] },
  },
  { by: "admin", get: "/api/tasks/stats?q=acme", status: 200, has: { total: 1, completed: 1 } },
  { by: "stranger", get: "/api/tasks?q=bjorn", status: 200, has: { data: [], pagination: { total: 0 } } },
  { by: "minh", get: "/api/tasks?q=bjorn", status: 200, has: { data: [{ id: "$call" }] } },
]);

scenarios("hits", given, [
  {
    name: "the title comes first, and the text is the original's",
    by: "admin",
    get: "/api/search?q=acme",
    status: 200,
    has: {
      facets: {
        type: [
          { value: "clients", count: 2 },
          { value: "tasks", count: 1 },
        ],
      },
      facets_capped: false,
    },
    then: ({ ids }, { json }) => {
      expect(json.hits.map(({ id }: { id: string }) => id).slice(-1)).toEqual([ids.brien]);
      const last = json.hits.at(-1);
      expect(last).toMatchObject({
        type: "clients",
        title: "Conan O’Brien",
        snippet: "Likes acme corp.",
        matches: [[6, 10]],
      });
    },
  },
  {
    name: "matches are places in the original, though folding changes lengths",
    by: "admin",
    get: "/api/search?q=strasse",
    status: 200,
    has: { hits: [{ snippet: "Hauptstraße 5, Köln", matches: [[5, 11]] }] },
  },
  {
    by: "admin",
    get: "/api/search?q=ffice",
    status: 200,
    has: { hits: [{ snippet: "Oﬃce Oﬄine", matches: [[1, 4]] }] },
  },
  {
    by: "admin",
    get: "/api/search?q=22442222",
    status: 200,
    has: { hits: [{ snippet: "+47 22 44 22 22", matches: [[4, 15]] }] },
  },
  {
    name: "what others' tasks say is nobody's business",
    by: "stranger",
    get: "/api/search?q=renewal",
    status: 200,
    has: { hits: [], facets: { type: [] } },
  },
  { by: "minh", get: "/api/search?q=renewal", status: 200, has: { hits: [{ id: "$call", type: "tasks" }] } },
  { name: "deleted", by: "admin", get: "/api/search?q=deleted", status: 200, has: { hits: [] } },
]);

inWorld("one's own last write", given, (world) => {
  test("is found at once, and no longer once it is changed or deleted", async () => {
    const w = world();
    const found = async (q: string) =>
      (await w.send("lan", "GET", `/api/search?type=clients&q=${q}`)).json.hits.map(
        ({ id }: { id: string }) => id,
      );
    for (let i = 0; i < 3; i++) {
      const { json } = await w.send("lan", "POST", "/api/clients", { body: { name: `Zanzibar ${i}` } });
      expect(await found("zanzib")).toEqual([json.id]);
      await w.send("lan", "PATCH", `/api/clients/${json.id}`, { body: { name: "Madagascar" } });
      expect(await found("zanzib")).toEqual([]);
      expect(await found("madaga")).toEqual([json.id]);
      await w.send("lan", "DELETE", `/api/clients/${json.id}`, {});
      expect(await found("madaga")).toEqual([]);
      await w.send("lan", "POST", `/api/clients/${json.id}/restore`, {});
      expect(await found("madaga")).toEqual([json.id]);
      if (i === 1) await Bun.sleep(150); // The index takes it over meanwhile.
      await w.send("lan", "DELETE", `/api/clients/${json.id}`, {});
    }
  });
});
