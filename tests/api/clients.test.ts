/** A client's life: made, read, changed, deleted, brought back. */
import { expect } from "bun:test";
import { scenarios } from "../support/scenario";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const whole = {
  external_id: "C-1",
  name: "Acme",
  email: "info@acme.example",
  phone: "+84 912 345 678",
  company: "Acme Ltd",
  position: "Buyer",
  industry: "Anvils",
  address: "1 Road Runner Lane",
  status: "active",
  assigned_to: "$minh",
  tags: ["VIP", "north"],
  notes: "  keeps its blanks  ",
  avatar_url: "https://acme.example/logo.png",
};

const blank = {
  external_id: null,
  email: null,
  phone: null,
  company: null,
  position: null,
  industry: null,
  address: null,
  status: "prospect",
  assigned_to: null,
  tags: [],
  notes: null,
  avatar_url: null,
  deleted_at: null,
  version: 1,
};

scenarios("adding a client", {}, [
  {
    name: "a name is enough, and what is not known is null",
    by: "lan",
    post: "/api/clients",
    body: { name: "Acme" },
    status: 201,
    has: { ...blank, name: "Acme", created_by: "$lan" },
    hasHeaders: { etag: '"v1"', "cache-control": "private, no-cache" },
    events: ["client.created"],
    then: (_, { json, headers }) => {
      expect(json.id).toMatch(uuid);
      expect(json.created_at).toMatch(instant);
      expect(json.updated_at).toBe(json.created_at);
      expect(headers.get("location")).toBe(`/api/clients/${json.id}`);
      expect(Object.keys(json).toSorted()).toEqual(
        [...Object.keys(blank), "id", "name", "created_by", "created_at", "updated_at"].toSorted(),
      );
    },
  },
  {
    name: "every field comes back as it was sent",
    by: "lan",
    post: "/api/clients",
    body: whole,
    status: 201,
    has: whole,
    events: ["client.created"],
    then: async ({ send }, { json, headers }) => {
      const read = await send("stranger", "GET", headers.get("location")!);
      expect(read.json).toEqual(json);
      expect(read.headers.get("etag")).toBe('"v1"');
    },
  },
  {
    name: "null says nothing",
    by: "lan",
    post: "/api/clients",
    body: { name: "Acme", email: null, phone: null, assigned_to: null, notes: null, avatar_url: null },
    status: 201,
    has: blank,
  },
  {
    name: "blanks around a text are not part of it",
    by: "lan",
    post: "/api/clients",
    body: {
      name: " Acme\n",
      company: "\tAcme Ltd ",
      external_id: " 7 ",
      phone: " 112 ",
      tags: [" a ", "a", "b"],
    },
    status: 201,
    has: { name: "Acme", company: "Acme Ltd", external_id: "7", phone: "112", tags: ["a", "b"] },
  },
  {
    name: "any script there is",
    by: "lan",
    post: "/api/clients",
    body: { name: "Nguyễn Thị Ánh 株式会社 🦊 שלום \u0007", notes: "a\r\nb\u2028c" },
    status: 201,
    has: { name: "Nguyễn Thị Ánh 株式会社 🦊 שלום \u0007", notes: "a\r\nb\u2028c" },
  },
]);

const given = { acme: { ...whole } };

scenarios("changing a client", { clients: given }, [
  {
    name: "one field, and the rest stays",
    by: "lan",
    patch: "/api/clients/$acme",
    body: { status: "customer" },
    status: 200,
    has: { ...whole, status: "customer", version: 2 },
    hasHeaders: { etag: '"v2"', "cache-control": "private, no-cache" },
    events: ["client.updated"],
    then: async ({ send, events }, { json }) => {
      expect((await send("lan", "GET", "/api/clients/$acme")).json).toEqual(json);
      expect((await events()).at(-1)).toMatchObject({
        version: 2,
        actor_kind: "user",
        actor_id: json.created_by,
        entity_id: json.id,
        changes: { status: ["active", "customer"] },
      });
    },
  },
  {
    name: "null clears whatever may be absent",
    by: "minh",
    patch: "/api/clients/$acme",
    body: {
      external_id: null,
      email: null,
      phone: null,
      company: null,
      position: null,
      industry: null,
      address: null,
      assigned_to: null,
      notes: null,
      avatar_url: null,
      tags: [],
    },
    status: 200,
    has: { ...blank, status: "active", version: 2 },
  },
  {
    name: "nothing at all",
    by: "lan",
    patch: "/api/clients/$acme",
    body: {},
    status: 200,
    has: { version: 1 },
    hasHeaders: { etag: '"v1"' },
    events: [],
  },
  {
    name: "what it has already",
    by: "lan",
    patch: "/api/clients/$acme",
    body: { name: " Acme ", tags: ["VIP", "north"], assigned_to: "$minh", notes: "  keeps its blanks  " },
    status: 200,
    has: { version: 1 },
    events: [],
    then: (_, { json }) => expect(json.updated_at).toBe(json.created_at),
  },
  {
    name: "tags in another order are a change",
    by: "lan",
    patch: "/api/clients/$acme",
    body: { tags: ["north", "VIP"] },
    status: 200,
    has: { tags: ["north", "VIP"], version: 2 },
    events: ["client.updated"],
  },
  {
    name: "an id in capitals is the same id",
    by: "lan",
    patch: "/api/clients/$acme",
    body: { notes: "x" },
    after: async (world) => (world.ids.acme = world.ids.acme!.toUpperCase()),
    status: 200,
    has: { notes: "x" },
  },
]);

const json = { "content-type": "application/json" };

scenarios("deleting a client and bringing it back", { clients: { ...given, buried: { deleted: true } } }, [
  {
    by: "lan",
    delete: "/api/clients/$acme",
    status: 204,
    hasHeaders: { "content-type": null, etag: null },
    events: ["client.deleted"],
    then: async ({ send, events }, { text }) => {
      expect(text).toBe("");
      expect((await send("lan", "GET", "/api/clients/$acme")).status).toBe(410);
      expect((await send("lan", "GET", "/api/clients")).json.data).toEqual([]);
      const [deleted] = (await send("lan", "GET", "/api/clients?deleted=only&filter[name]=acme")).json.data;
      expect(deleted).toMatchObject({ version: 2, deleted_at: expect.stringMatching(instant) });
      expect((await events()).at(-1)!.changes).toEqual({ deleted_at: [null, deleted.deleted_at] });
    },
  },
  {
    name: "with a body",
    by: "lan",
    delete: "/api/clients/$acme",
    body: { force: true },
    status: 422,
    problem: { field: "force", fieldCode: "unknown_field" },
    events: [],
  },
  { name: "with an empty body", by: "lan", delete: "/api/clients/$acme", body: {}, status: 204 },
  { name: "with half a body", by: "lan", delete: "/api/clients/$acme", raw: "{", headers: json, status: 400 },
  {
    name: "twice",
    by: "lan",
    delete: "/api/clients/$buried",
    status: 410,
    problem: { code: "deleted" },
    events: [],
  },
  {
    by: "lan",
    post: "/api/clients/$buried/restore",
    status: 200,
    has: { deleted_at: null, version: 3 },
    hasHeaders: { etag: '"v3"' },
    events: ["client.restored"],
    then: async ({ send }, { json }) => {
      expect((await send("stranger", "GET", "/api/clients/$buried")).json).toEqual(json);
      expect((await send("lan", "GET", "/api/clients?deleted=only")).json.data).toEqual([]);
    },
  },
  {
    name: "with an empty object for a body",
    by: "lan",
    post: "/api/clients/$buried/restore",
    body: {},
    status: 200,
  },
  {
    name: "with something to say",
    by: "lan",
    post: "/api/clients/$buried/restore",
    body: { name: "x" },
    status: 422,
    problem: { field: "name", fieldCode: "unknown_field" },
    events: [],
  },
  {
    name: "what is not deleted stays as it is",
    by: "lan",
    post: "/api/clients/$acme/restore",
    status: 200,
    has: { version: 1 },
    events: [],
  },
]);

scenarios("clearing a client's fields", { clients: { acme: { tags: ["vip"], company: "Acme" } } }, [
  {
    by: "lan",
    patch: "/api/clients/$acme",
    body: { tags: null, company: null },
    status: 200,
    has: { tags: [], company: null },
    events: ["client.updated"],
  },
  { by: "lan", patch: "/api/clients/$acme", body: { name: null }, status: 422, problem: { field: "name" } },
  {
    by: "lan",
    patch: "/api/clients/$acme",
    body: { status: null },
    status: 422,
    problem: { field: "status" },
  },
  { by: "lan", get: "/api/clients?filter[id][in]=$acme", status: 200, has: { data: [{ id: "$acme" }] } },
]);
