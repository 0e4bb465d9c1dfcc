/** What no two live clients share: their e-mail address and their external id. */
import { expect, test } from "bun:test";
import { inWorld, scenarios } from "../support/scenario";

const acme = { email: "Info@Acme.example", external_id: "C-1" };
const taken = (field: string, id = "$acme") => ({
  code: `${field}_taken`,
  field,
  conflicting_id: id,
});

scenarios("a value that another client has", { clients: { acme, other: {}, buried: { deleted: true } } }, [
  {
    by: "minh",
    post: "/api/clients",
    body: { name: "New", email: "info@acme.example" },
    status: 409,
    has: taken("email"),
    events: [],
    then: (_, { json }) => expect(json.conflicting_id).toHaveLength(36),
  },
  {
    by: "minh",
    post: "/api/clients",
    body: { name: "New", email: "INFO@ACME.EXAMPLE" },
    status: 409,
  },
  { by: "minh", post: "/api/clients", body: { name: "New", external_id: "C-1" }, status: 409 },
  { by: "minh", post: "/api/clients", body: { name: "New", external_id: " C-1 " }, status: 409 },
  {
    name: "external ids are the other system's, to the letter",
    by: "minh",
    post: "/api/clients",
    body: { name: "New", external_id: "c-1" },
    status: 201,
  },
  {
    by: "lan",
    patch: "/api/clients/$other",
    body: { email: "info@ACME.example" },
    status: 409,
    events: [],
    then: async ({ send }) => {
      expect((await send("lan", "GET", "/api/clients/$other")).json).toMatchObject({
        email: null,
        version: 1,
      });
    },
  },
  { by: "lan", patch: "/api/clients/$other", body: { external_id: "C-1" }, status: 409 },
  {
    name: "one's own, in another case",
    by: "lan",
    patch: "/api/clients/$acme",
    body: { email: "INFO@acme.example" },
    status: 200,
    has: { email: "INFO@acme.example", version: 2 },
    events: ["client.updated"],
  },
  {
    name: "many have none",
    by: "lan",
    post: "/api/clients",
    body: { name: "New", email: null, external_id: null },
    status: 201,
  },
  {
    name: "after the holder is deleted",
    by: "minh",
    post: "/api/clients",
    body: { name: "New", ...acme },
    after: ({ send }) => send("lan", "DELETE", "/api/clients/$acme"),
    status: 201,
    has: acme,
  },
  {
    name: "after the holder gave it up",
    by: "minh",
    post: "/api/clients",
    body: { name: "New", ...acme },
    after: ({ send }) =>
      send("lan", "PATCH", "/api/clients/$acme", { body: { email: null, external_id: "C-2" } }),
    status: 201,
  },
]);

const email = "đặng@thư.example";

scenarios("addresses beyond ASCII", { clients: { dang: { email } } }, [
  {
    name: "capitals with accents",
    by: "lan",
    post: "/api/clients",
    body: { name: "New", email: "ĐẶNG@THƯ.example" },
    status: 409,
  },
  {
    name: "accents typed apart",
    by: "lan",
    post: "/api/clients",
    body: { name: "New", email: email.normalize("NFD") },
    status: 409,
  },
  {
    name: "other accents, another person",
    by: "lan",
    post: "/api/clients",
    body: { name: "New", email: "dang@thu.example" },
    status: 201,
  },
  {
    name: "found however it is written",
    by: "lan",
    get: `/api/clients?filter[email]=${encodeURIComponent("DANG@THU.EXAMPLE")}`,
    status: 200,
    has: { data: [{ email }] },
  },
]);

scenarios(
  "bringing back a client whose value is taken by now",
  { clients: { buried: { ...acme, deleted: true } } },
  [
    {
      name: "the address",
      by: "lan",
      post: "/api/clients/$buried/restore",
      after: async ({ send, ids }) => {
        ids.heir = (
          await send("minh", "POST", "/api/clients", { body: { name: "Heir", email: "info@acme.EXAMPLE" } })
        ).json.id;
      },
      status: 409,
      has: taken("email", "$heir"),
      events: [],
      then: async ({ send }) => {
        expect((await send("lan", "GET", "/api/clients/$buried")).status).toBe(410);
        await send("minh", "DELETE", "/api/clients/$heir");
        expect((await send("lan", "POST", "/api/clients/$buried/restore")).status).toBe(200);
      },
    },
    {
      name: "the external id",
      by: "lan",
      post: "/api/clients/$buried/restore",
      after: async ({ send, ids }) => {
        ids.heir = (
          await send("minh", "POST", "/api/clients", { body: { name: "Heir", external_id: "C-1" } })
        ).json.id;
      },
      status: 409,
      has: taken("external_id", "$heir"),
      events: [],
    },
  ],
);

inWorld("many at once with one address", {}, (world) => {
  test("one gets it, the others hear whose it is", async () => {
    const { send, events } = world();
    const body = { name: "Race", email: "race@acme.example" };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => send("lan", "POST", "/api/clients", { body })),
    );
    const [winner, ...more] = answers.filter(({ status }) => status === 201);
    expect(more).toEqual([]);
    const losers = answers.filter((answer) => answer !== winner);
    for (const { status, json } of losers) {
      expect([status, json.code, json.conflicting_id]).toEqual([409, "email_taken", winner!.json.id]);
    }
    expect((await events()).map(({ type }) => type)).toEqual(["client.created"]);
  });

  test("restored and made anew at once", async () => {
    const { send } = world();
    const body = { name: "Race", email: "race@acme.example" };
    const first = (await send("lan", "POST", "/api/clients", { body })).json.id;
    await send("lan", "DELETE", `/api/clients/${first}`);
    const answers = await Promise.all([
      send("lan", "POST", `/api/clients/${first}/restore`),
      send("lan", "POST", "/api/clients", { body }),
    ]);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(1);
    const { json } = await send("lan", "GET", "/api/clients?filter[email]=race@acme.example");
    expect(json.data).toHaveLength(1);
  });
});

scenarios(
  "a value that a client holds whom the actor may not see",
  {
    env: { NEOCRM_VISIBILITY_CLIENTS: "own" },
    clients: { acme: { email: "info@acme.example" } },
  },
  [
    {
      by: "stranger",
      post: "/api/clients",
      body: { name: "Another Acme", email: "info@acme.example" },
      status: 409,
      problem: { code: "email_taken", conflicting_id: null },
      events: [],
    },
    {
      by: "lan",
      post: "/api/clients",
      body: { name: "Another Acme", email: "info@acme.example" },
      status: 409,
      problem: { code: "email_taken", conflicting_id: "$acme" },
    },
    {
      by: "manager",
      post: "/api/clients",
      body: { name: "Another Acme", email: "info@acme.example" },
      status: 409,
      problem: { code: "email_taken", conflicting_id: "$acme" },
    },
  ],
);
