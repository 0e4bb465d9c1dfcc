/** What each field of a client takes, and how it says no. */
import { expect, test } from "bun:test";
import { systemActor } from "../../src/policy";
import { inWorld, scenarios } from "../support/scenario";
import { counting } from "../support/statements";

const long = (length: number) => "x".repeat(length);
const lengths = {
  name: 200,
  external_id: 200,
  phone: 50,
  company: 200,
  position: 200,
  industry: 200,
  address: 500,
};

type Refused = [field: string, value: unknown, code: string, where?: string];

const texts = Object.entries(lengths).flatMap(([field, most]): Refused[] => [
  [field, 5, "invalid_type"],
  [field, true, "invalid_type"],
  [field, ["a"], "invalid_type"],
  [field, { a: 1 }, "invalid_type"],
  [field, "", "too_short"],
  [field, " \t\u00a0\u3000", "invalid_format"],
  [field, long(most + 1), "too_long"],
]);

const badEmails = [
  "",
  " ",
  "x",
  "@",
  "a@",
  "@b.vn",
  "a@b",
  "a@b.c",
  "a b@c.vn",
  "a@b..vn",
  "a@.vn",
  "a@b.vn.",
  "a@@b.vn",
  "a@b.vn ",
  "<a@b.vn>",
  "a@b.vn,c@d.vn",
  "A <a@b.vn>",
  `${long(65)}@b.vn`,
  "a@b.vn\r\nBcc: c@d.vn",
];
const goodEmails = [
  "a@b.vn",
  "a@localhost",
  "first.last+tag@sub.domain.example",
  "o'brien@b.ie",
  "đặng@thư.vn",
  "用户@例子.广告",
  "a@xn--fsqu00a.xn--0zwm56d",
  `${long(64)}@b.vn`,
  "1@2.34",
];

const refused: Refused[] = [
  ...texts,
  ["name", null, "invalid_type"],
  ...badEmails.map((email): Refused => ["email", email, "invalid_format"]),
  ["email", 5, "invalid_type"],
  ["email", `a@${"b.".repeat(130)}vn`, "too_long"],
  ["status", "gold", "invalid_choice"],
  ["status", "Active", "invalid_choice"],
  ["status", null, "invalid_choice"],
  ["status", 1, "invalid_choice"],
  ["status", ["active"], "invalid_choice"],
  ["assigned_to", "lan", "invalid_format"],
  ["assigned_to", "", "invalid_format"],
  ["assigned_to", 7, "invalid_type"],
  ["assigned_to", "01890a5d-ac96-774b-bcce-b302099a8057", "unknown_user"],
  ["assigned_to", "00000000-0000-0000-0000-000000000000", "unknown_user"],
  ["assigned_to", "$off", "unknown_user"],
  ["tags", "a", "invalid_type"],
  ["tags", { 0: "a", length: 1 }, "invalid_type"],
  ["tags", [1], "invalid_type", "tags.0"],
  ["tags", ["a", null], "invalid_type", "tags.1"],
  ["tags", ["a", [["b"]]], "invalid_type", "tags.1"],
  ["tags", ["a", ""], "too_short", "tags.1"],
  ["tags", ["a", " "], "invalid_format", "tags.1"],
  ["tags", [long(51)], "too_long", "tags.0"],
  ["tags", Array.from({ length: 51 }, (_, i) => `t${i}`), "too_many"],
  ["notes", 5, "invalid_type"],
  ["notes", long(20_001), "too_long"],
  ["avatar_url", "", "invalid_format"],
  ["avatar_url", "logo.png", "invalid_format"],
  ["avatar_url", "javascript:alert(1)", "invalid_format"],
  ["avatar_url", "data:image/svg+xml,<svg/>", "invalid_format"],
  ["avatar_url", "https://", "invalid_format"],
  ["avatar_url", "https://a b/", "invalid_format"],
  ["avatar_url", `https://a.vn/${long(2_048)}`, "too_long"],
  ["owner", "lan", "unknown_field"],
  ["Name", "x", "unknown_field"],
  ["", "x", "unknown_field", "body"],
  ["__proto__", { is_admin: true }, "unknown_field"],
  ["constructor", { prototype: {} }, "unknown_field"],
  ["toString", "x", "unknown_field"],
  ["hasOwnProperty", 1, "unknown_field"],
  ["id", "01890a5d-ac96-774b-bcce-b302099a8057", "unknown_field"],
  ["created_by", "$minh", "unknown_field"],
  ["created_at", "2026-01-01T00:00:00.000Z", "unknown_field"],
  ["updated_at", "2026-01-01T00:00:00.000Z", "unknown_field"],
  ["deleted_at", null, "unknown_field"],
  ["version", 1, "unknown_field"],
  ["name_key", "x", "unknown_field"],
  ["email_normal", "x@y.vn", "unknown_field"],
  ["name", "a\0b", "invalid_characters"],
  ["notes", "\ud83e", "invalid_characters"],
  ["notes", "\udd8a", "invalid_characters"],
  ["tags", ["a", "b\0"], "invalid_characters", "tags.1"],
];

/** JSON with this one field, whatever it is called: an object literal would not take `__proto__` as a field. */
const jsonOf = (fields: [name: string, value: unknown][]) =>
  `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;

const show = (value: unknown) => JSON.stringify(value).slice(0, 40);

inWorld("a field that is refused", { clients: { acme: { name: "Acme" } } }, (world) => {
  for (const [field, given, code, where = field] of refused) {
    test(`${field || '""'}: ${show(given)} → ${code}`, async () => {
      const { send, events, ids } = world();
      const before = (await events()).length;
      const value = typeof given === "string" && given.startsWith("$") ? ids[given.slice(1)] : given;
      const headers = { "content-type": "application/json" };
      const others: [string, unknown][] = field === "name" ? [] : [["name", "New"]];
      const answers = [
        await send("lan", "POST", "/api/clients", { raw: jsonOf([...others, [field, value]]), headers }),
        await send("lan", "PATCH", "/api/clients/$acme", { raw: jsonOf([[field, value]]), headers }),
      ];
      for (const { status, json } of answers) {
        expect([status, json.code]).toEqual([422, "validation_failed"]);
        expect(json.errors).toEqual([{ field: where, code, message: expect.any(String) }]);
        expect(json.detail).toBe(`${where}: ${json.errors[0].message}`);
      }
      expect(await events()).toHaveLength(before);
      expect((await send("lan", "GET", "/api/clients/$acme")).json.version).toBe(1);
    });
  }

  test("names every field that is wrong, at once", async () => {
    const body = { name: "", email: "x", status: "gold", tags: [1, "a", 2], owner: 1 };
    const { json } = await world().send("lan", "POST", "/api/clients", { body });
    expect(
      json.errors.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`).toSorted(),
    ).toEqual([
      "email invalid_format",
      "name too_short",
      "owner unknown_field",
      "status invalid_choice",
      "tags.0 invalid_type",
      "tags.2 invalid_type",
    ]);
    expect(json.detail).toEndWith("(and 5 more)");
  });

  test("a body of many mistakes is answered with the first fifty", async () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, i]));
    const { status, json } = await world().send("lan", "POST", "/api/clients", {
      body: { name: "x", ...many },
    });
    expect([status, json.errors.length]).toEqual([422, 50]);
    const tags = Array.from({ length: 50_000 }, () => 1);
    const other = await world().send("lan", "POST", "/api/clients", { body: { name: "x", tags } });
    expect([other.status, other.json.errors.length]).toEqual([422, 50]);
  });

  test("an address that looks like no other is refused as fast as any", async () => {
    // Matching that tries every way to split the dots would take longer than the universe has.
    const dots = `a@${".".repeat(240)} `;
    for (const email of [dots, `a@${"b.".repeat(120)} `, `a@${"a".repeat(240)} `]) {
      expect((await world().send("lan", "POST", "/api/clients", { body: { name: "x", email } })).status).toBe(
        422,
      );
      const credentials = { body: { email, password: "x" } };
      expect((await world().send("nobody", "POST", "/api/auth/login", credentials)).status).toBe(422);
    }
  });
});

inWorld("a field that is taken", { clients: { acme: { name: "Acme" } } }, (world) => {
  const taken: [field: string, value: unknown][] = [
    ...Object.entries(lengths).map(([field, most]): [string, unknown] => [field, long(most)]),
    ["name", "🦊".repeat(100)],
    ["notes", long(20_000)],
    ["notes", ""],
    ["notes", "\n"],
    ...goodEmails.map((email): [string, unknown] => ["email", email]),
    ...["prospect", "active", "inactive", "customer"].map((status): [string, unknown] => ["status", status]),
    ["tags", Array.from({ length: 50 }, (_, i) => `t${i}`)],
    ["tags", [long(50), "VIP", "vip", "Vịp"]],
    ["tags", ["a,b", "a\\b", "\u0301", "'", '"', "%", "_"]],
    ["avatar_url", "http://localhost:3000/a.png?x=y#z"],
    ["name", "'; DROP TABLE clients; --"],
    ["name", "<script>alert(1)</script>"],
    ["name", "${7*7} {{7*7}} %s %00"],
  ];
  for (const [field, value] of taken) {
    test(`${field}: ${show(value)}`, async () => {
      const { send } = world();
      const made = await send("lan", "POST", "/api/clients", { body: { name: "New", [field]: value } });
      expect(made.json).toMatchObject({ [field]: value });
      // Unique among live clients: the first one makes room.
      await send("lan", "DELETE", made.headers.get("location")!);
      const changed = await send("lan", "PATCH", "/api/clients/$acme", { body: { [field]: value } });
      expect(changed.json).toMatchObject({ [field]: value });
      expect((await send("lan", "GET", "/api/clients/$acme")).json).toEqual(changed.json);
    });
  }
});

scenarios("who a client can be assigned to", { clients: { acme: { assigned_to: "$minh" } } }, [
  {
    by: "lan",
    patch: "/api/clients/$acme",
    body: { assigned_to: "$admin" },
    status: 200,
    has: { assigned_to: "$admin" },
  },
  {
    name: "themselves",
    by: "stranger",
    post: "/api/clients",
    body: { name: "Mine", assigned_to: "$stranger" },
    status: 201,
    has: { assigned_to: "$stranger" },
  },
  {
    name: "an id in capitals",
    by: "lan",
    post: "/api/clients",
    body: { name: "Loud", assigned_to: "$LOUD" },
    after: async (world) => (world.ids.LOUD = world.people.minh.id.toUpperCase()),
    status: 201,
    has: { assigned_to: "$minh" },
    then: async ({ send }, { json }) => {
      const { json: list } = await send("lan", "GET", "/api/clients?assigned_to=$LOUD&filter[name]=loud");
      expect(list.data).toEqual([json]);
    },
  },
  {
    name: "whoever is closed out",
    by: "lan",
    patch: "/api/clients/$acme",
    body: { assigned_to: "$off" },
    status: 422,
    problem: { field: "assigned_to", fieldCode: "unknown_user" },
    events: [],
  },
  {
    name: "signed out is not closed out",
    by: "lan",
    patch: "/api/clients/$acme",
    body: { assigned_to: "$gone" },
    status: 200,
  },
]);

inWorld("fifty tags", {}, (world) => {
  test("cost no more statements than one, and all are found", async () => {
    const { store, clients } = world().server.parts;
    const actor = { ...systemActor("many-tags"), userId: world().people.lan.id };
    const created = (tags: string[]) =>
      store.tx(async (session) => {
        const { counted, statements } = counting(session);
        await clients.createIn(counted, actor, { name: "Tagged", tags });
        return statements();
      });
    const tags = Array.from({ length: 50 }, (_, i) => `"Tag" ${i}, 'ü' \\ 😀`);
    expect(await created(tags)).toBe(await created(["one"]));
    for (const tag of [tags[0]!, tags[49]!]) {
      const path = `/api/clients?filter[tags]=${encodeURIComponent(tag)}`;
      const { json } = await world().send("lan", "GET", path);
      expect(json.data).toMatchObject([{ name: "Tagged", tags }]);
    }
  });
});
