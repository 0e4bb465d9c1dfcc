import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { now } from "../../src/clock";
import { eventsOf, expectNoSecrets, newPerson } from "../support/accounts";
import { mailsTo, outboxOf, newestToken, tokenIn } from "../support/mail";
import { inWorld, newWorld, scenarios, type Scenario, type World } from "../support/scenario";
import type { People } from "../support/people";
import { engines, startTestServer, type TestServer } from "../support/servers";

const invitations = "/api/admin/invitations";
const accept = "/api/auth/accept";
const verify = "/api/auth/verify-email";
const password = "a phrase of their own";

let guests = 0;

/** Invites somebody; their token is `$guest`, their address `$guest_mail`. */
async function invite(world: World, given: object = { full_name: "Guest" }, by = "admin"): Promise<string> {
  const email = `guest-${++guests}@new.example`;
  const body = { email, role: "user", ...given };
  expect((await world.send(by as "admin", "POST", invitations, { body })).status).toBe(201);
  world.ids.guest_mail = email;
  return (world.ids.guest = await tokenTo(world, email));
}

const tokenTo = async (world: World, address: string) =>
  tokenIn((await mailsTo(world.server, address)).at(-1)!, "accept-invitation");

const invited = async (world: World) => void (await invite(world));

scenarios("inviting somebody", { given: invited }, [
  {
    by: "admin",
    post: invitations,
    body: { email: "New.One@guest.example", role: "manager" },
    status: 201,
    has: { email: "New.One@guest.example", role: "manager", full_name: null, version: 1 },
    events: ["user.invited"],
    async then(world, answer) {
      const token = await tokenTo(world, "New.One@guest.example");
      const shown = await world.send("admin", "GET", answer.headers.get("location")!);
      expect([shown.status, shown.json]).toEqual([200, answer.json]);
      expectNoSecrets([answer.json, shown.json], token);
      expectNoSecrets(await eventsOf(world, answer), token);
    },
  },
  { by: "manager", post: invitations, body: { email: "a@b.example", role: "user" }, status: 403, events: [] },
  { by: "lan", post: invitations, body: { email: "a@b.example", role: "user" }, status: 403 },
  { by: "nobody", post: invitations, body: { email: "a@b.example", role: "user" }, status: 401 },
  {
    by: "admin",
    post: invitations,
    body: { email: "LAN@cast.example", role: "user" },
    status: 409,
    problem: { code: "email_taken" },
    events: [],
  },
  {
    by: "admin",
    post: invitations,
    body: { email: "x", role: "user" },
    status: 422,
    problem: { field: "email" },
  },
  {
    by: "admin",
    post: invitations,
    body: { email: "a@b.example", role: "owner" },
    status: 422,
    problem: { field: "role", fieldCode: "invalid_choice" },
  },
]);

scenarios("accepting an invitation", { given: invited }, [
  {
    by: "nobody",
    post: accept,
    body: { token: "$guest", password },
    status: 201,
    has: { user: { email: "$guest_mail", full_name: "Guest", role: "user" } },
    events: ["user.created", "session.created"],
    async then(world, answer) {
      const { access_token } = answer.json as { access_token: string };
      expect((await world.send({ token: access_token }, "GET", "/api/users/me")).status).toBe(200);
      const again = await world.send("nobody", "POST", accept, { body: { token: "$guest", password } });
      expect([again.status, again.json]).toMatchObject([422, { code: "invalid_invitation" }]);
    },
  },
  {
    name: "a password that may not be chosen leaves the invitation good",
    by: "nobody",
    post: accept,
    body: { token: "$guest", password: "short" },
    status: 422,
    problem: { field: "password" },
    events: [],
    then: async (world) =>
      expect(
        (await world.send("nobody", "POST", accept, { body: { token: "$guest", password } })).status,
      ).toBe(201),
  },
  ...["", "x", "A".repeat(43)].map((token): Scenario => ({
    name: "a guess",
    by: "nobody",
    post: accept,
    body: { token, password },
    status: 422,
    problem: { code: "invalid_invitation", field: "token" },
    events: [],
  })),
  {
    name: "a role cannot be chosen",
    by: "nobody",
    post: accept,
    body: { token: "$guest", password, role: "admin" },
    status: 422,
    problem: { field: "role", fieldCode: "unknown_field" },
    events: [],
  },
]);

/** What makes an invitation worthless. */
const endings: [name: string, end: (world: World) => Promise<unknown>][] = [
  [
    "replaced by a newer one",
    (world) => world.send("admin", "POST", invitations, { body: { email: "$guest_mail", role: "user" } }),
  ],
  [
    "too old",
    ({ server, ids }) =>
      server.parts.store.tx(({ q, t }) =>
        q.update(t.invitations).set({ expires_at: now() }).where(eq(t.invitations.email, ids.guest_mail!)),
      ),
  ],
];

inWorld("an invitation", {}, (world) => {
  for (const [name, end] of endings) {
    test(`that is ${name} makes no account`, async () => {
      const token = await invite(world());
      await end(world());
      const answer = await world().send("nobody", "POST", accept, { body: { token, password } });
      expect([answer.status, answer.json]).toMatchObject([422, { code: "invalid_invitation" }]);
    });
  }

  test("makes no account once its sender may no longer give the role away", async () => {
    const boss = await newPerson(world(), "boss", "admin");
    const email = `late-${++guests}@new.example`;
    const body = { email, role: "manager", full_name: "Late" };
    expect((await world().send({ token: boss.token }, "POST", invitations, { body })).status).toBe(201);
    const token = await tokenTo(world(), email);
    const demoted = { body: { role: "user" } };
    expect((await world().send("admin", "PUT", "/api/admin/users/$boss/role", demoted)).status).toBe(200);
    const answer = await world().send("nobody", "POST", accept, { body: { token, password } });
    expect([answer.status, answer.json]).toMatchObject([422, { code: "invalid_invitation" }]);
  });

  test("that names nobody needs a name", async () => {
    const token = await invite(world(), {});
    const nameless = await world().send("nobody", "POST", accept, { body: { token, password } });
    expect([nameless.status, nameless.json]).toMatchObject([422, { errors: [{ field: "full_name" }] }]);
    const named = await world().send("nobody", "POST", accept, {
      body: { token, password, full_name: "Own" },
    });
    expect([named.status, named.json]).toMatchObject([201, { user: { full_name: "Own" } }]);
  });

  test("accepted twice at once makes one account", async () => {
    const token = await invite(world());
    const body = { token, password };
    const both = await Promise.all([1, 2].map(() => world().send("nobody", "POST", accept, { body })));
    expect(both.filter(({ status }) => status === 201)).toHaveLength(1);
  });
});

describe.each(engines)("proving an address [%s]", (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(engine, { NEOCRM_AUTH_REGISTRATION: "open" });
  });
  afterAll(() => server?.stop());

  test("by the mail that follows a registration, once and for the address it went to", async () => {
    const world = newWorld(server, {} as People);
    const email = "grace@new.example";
    const body = { email, password, full_name: "Grace" };
    const registered = await world.send("nobody", "POST", "/api/auth/register", { body });
    expect(registered.status).toBe(201);
    const token = newestToken(await outboxOf(server), { to: email, page: "verify-email" })!;

    const wrong = await world.send("nobody", "POST", verify, { body: { token: "x" } });
    expect([wrong.status, wrong.json]).toMatchObject([422, { code: "invalid_verification_token" }]);
    const proven = await world.send("nobody", "POST", verify, { body: { token } });
    expect(proven.status).toBe(204);
    const [event] = await eventsOf(world, proven);
    expect(event).toMatchObject({ type: "user.email_verified", changes: { email_verified: [null, email] } });
    const again = await world.send("nobody", "POST", verify, { body: { token } });
    expect([again.status, await eventsOf(world, again)]).toEqual([204, []]);
  });
});

inWorld("an address that an admin changes", {}, (world) => {
  test("is to be proven anew, and the link to the old one is worth nothing", async () => {
    await newPerson(world(), "mover");
    const move = async (email: string) => {
      const answer = await world().send("admin", "PATCH", "/api/admin/users/$mover", { body: { email } });
      expect(answer.status).toBe(200);
      return newestToken(await outboxOf(world().server), { to: email, page: "verify-email" })!;
    };
    const first = await move(`moved-${++guests}@new.example`);
    const second = await move(`moved-${++guests}@new.example`);
    expect((await world().send("nobody", "POST", verify, { body: { token: first } })).status).toBe(422);
    expect((await world().send("nobody", "POST", verify, { body: { token: second } })).status).toBe(204);
  });
});
