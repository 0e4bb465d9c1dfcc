import { describe, expect, spyOn, test } from "bun:test";
import { Identities } from "../../src/features/auth/identities";
import { accessTokens } from "../../src/features/auth/tokens";
import { systemActor } from "../../src/policy";
import type { Session } from "../../src/db/store";
import { newPerson, statusOfRefresh, statusOfToken } from "../support/accounts";
import { addPerson, closeAccount, signIn } from "../support/people";
import { newDatabase } from "../support/postgres";
import { inWorld, type World } from "../support/scenario";
import { engines, startTestServer, type TestServer } from "../support/servers";
import { neocrm } from "../support/terminal";

const system = systemActor("a-test-of-revocation");
const secret = "the secret that two servers share in this test";
const withRita = { env: { JWT_SECRET: secret }, given: (world: World) => newPerson(world, "rita") };

interface Ending {
  name: string;
  act(server: TestServer, userId: string): Promise<unknown>;
  /** What the refresh token is worth afterwards. */
  refresh: number;
}

const endings: Ending[] = [
  { name: "another role", act: ({ parts }, id) => parts.users.setRole(system, id, "manager"), refresh: 200 },
  {
    name: "a new password",
    act: ({ parts }, id) => parts.passwords.set(system, id, "what the admin chose"),
    refresh: 401,
  },
  { name: "a closed account", act: closeAccount, refresh: 401 },
];

inWorld("access tokens are ended at once by", withRita, (world) => {
  test.each(endings)("$name", async ({ act, refresh }) => {
    const { rita, rita_token, rita_refresh } = world().ids;
    expect(await statusOfToken(world(), rita_token!)).toBe(200);
    await act(world().server, rita!);
    expect(await statusOfToken(world(), rita_token!)).toBe(401);
    expect(await statusOfRefresh(world(), rita_refresh!)).toBe(refresh);
    expect(await statusOfToken(world(), world().people.lan.token)).toBe(200);
  });

  test.each(endings)("$name, in the middle of many requests", async ({ act }) => {
    const { rita, rita_token } = world().ids;
    let endedAt = Infinity;
    let served = 0;
    let letIn = 0;
    let refused = 0;
    const ask = async () => {
      while (refused < 40) {
        const sentAt = performance.now();
        const status = await statusOfToken(world(), rita_token!);
        if (status === 200 && sentAt > endedAt) letIn++;
        else if (status === 200) served++;
        else refused++;
      }
    };
    const requests = Promise.all(Array.from({ length: 16 }, ask));
    while (served < 40) await Bun.sleep(1);
    await act(world().server, rita!);
    endedAt = performance.now();
    await requests;
    expect(letIn).toBe(0);
  });

  test("the same role again ends nothing and leaves no event", async () => {
    const { rita, rita_token } = world().ids;
    const before = (await world().events()).length;
    await world().server.parts.users.setRole(system, rita!, "user");
    expect(await statusOfToken(world(), rita_token!)).toBe(200);
    expect(await world().events()).toHaveLength(before);
  });

  test("a role is recorded with what it was, and takes effect at once", async () => {
    await world().server.parts.users.setRole(system, world().ids.rita!, "manager");
    const event = (await world().events()).at(-1)!;
    expect(event).toMatchObject({
      ...{ type: "user.role_changed", actor_kind: "system", actor_id: null, version: 2 },
      ...{ entity_id: world().ids.rita, changes: { role: ["user", "manager"] } },
    });
    expect(Object.keys(event.changes)).toEqual(["role"]);
    const body = { refresh_token: "$rita_refresh" };
    const { json } = await world().send("nobody", "POST", "/api/auth/refresh", { body });
    const answer = await world().send({ token: json.access_token }, "GET", "/api/users/me/authorization");
    expect(answer.json.grants["clients.delete"]).toBe("all");
  });
});

inWorld("a bus that does not answer", withRita, (world) => {
  test("keeps nobody waiting", async () => {
    const { bus } = world().server.parts;
    const ring = bus.ring.bind(bus);
    const silence = Promise.withResolvers<void>();
    bus.ring = () => silence.promise;
    try {
      expect((await world().send({ token: "$rita_token" }, "POST", "/api/auth/logout-all")).status).toBe(204);
      expect(await statusOfToken(world(), world().ids.rita_token!)).toBe(401);
    } finally {
      bus.ring = ring;
      silence.resolve();
    }
  });
});

inWorld("a token that is being looked up", withRita, (world) => {
  test("while its user is forgotten, is looked up again", async () => {
    const { store } = world().server.parts;
    const { rita, rita_token } = world().ids;
    const gate = Promise.withResolvers<void>();
    const slow = slowed(store.read, gate.promise);
    const identities = new Identities({ ...store, read: slow }, accessTokens(secret, null, 15));
    const early = identities.identify(rita_token!);
    await slow.hasRead;
    await world().server.parts.users.setRole(system, rita!, "manager");
    identities.forget(rita!);
    gate.resolve();
    // It was asked before the change, and may still be answered as it was then; nothing of it is kept.
    await early;
    expect(await identities.identify(rita_token!)).toContain("ended by a change to the account");
  });

  test("is believed for half a minute, however the clock is set back", async () => {
    const { server, ids } = world();
    const { sessions } = server.parts.store.read.t;
    const identities = new Identities(server.parts.store, accessTokens(secret, null, 15));
    expect(await identities.identify(ids.rita_token!)).toMatchObject({ userId: ids.rita });
    await server.parts.store.tx(async ({ q }) => void (await q.update(sessions).set({ ended_at: 1 })));
    try {
      spyOn(Date, "now").mockReturnValue(Date.now() - 60_000);
      spyOn(performance, "now").mockReturnValue(performance.now() + 29_000);
      expect(await identities.identify(ids.rita_token!)).toMatchObject({ userId: ids.rita });
      spyOn(performance, "now").mockReturnValue(performance.now() + 2_000);
      expect(await identities.identify(ids.rita_token!)).toBe("The session has ended. Sign in again.");
    } finally {
      spyOn(Date, "now").mockRestore();
      spyOn(performance, "now").mockRestore();
    }
  });

  test("is looked up once, and again after somebody forgot it", async () => {
    const { store } = world().server.parts;
    let reads = 0;
    const counted = {
      ...sessionOf(store.read),
      run: (...given: Parameters<Session["run"]>) => (reads++, store.read.run(...given)),
    };
    const identities = new Identities({ ...store, read: counted }, accessTokens(secret, null, 15));
    const { rita, rita_token } = world().ids;
    const identity = await identities.identify(rita_token!);
    expect(identity).toMatchObject({ kind: "user", userId: rita });
    const once = reads;
    expect(identities.identify(rita_token!)).toBe(identity as never);
    identities.forget(world().people.lan.id);
    expect(identities.identify(rita_token!)).toBe(identity as never);
    expect(reads).toBe(once);
    identities.forget(rita!);
    await identities.identify(rita_token!);
    expect(reads).toBe(once * 2);
    identities.forgetAll();
    await identities.identify(rita_token!);
    expect(reads).toBe(once * 3);
  });
});

const sessionOf = ({ t, q, dialect, run }: Session): Session => ({ t, q, dialect, run });

/** Reads at once and answers when the gate opens. */
function slowed(session: Session, gate: Promise<void>) {
  const first = Promise.withResolvers<void>();
  const run: Session["run"] = async (plan, values) => {
    const rows = await session.run(plan, values);
    first.resolve();
    await gate;
    return rows;
  };
  return { ...sessionOf(session), run, hasRead: first.promise };
}

describe("two servers on one database", () => {
  const on = (server: TestServer, token: string) =>
    fetch(`${server.url}/api/users/me`, { headers: { authorization: `Bearer ${token}` } });

  /** Fails by the time limit of the test when it never happens. */
  async function becomesRefused(server: TestServer, token: string): Promise<void> {
    while ((await on(server, token)).status !== 401) await Bun.sleep(10);
  }

  test.each(endings)("$name on one ends the tokens on the other", async ({ act }) => {
    const url = await newDatabase();
    const env = { JWT_SECRET: secret };
    const [one, two] = [
      await startTestServer("postgres", env, url),
      await startTestServer("postgres", env, url),
    ];
    await addPerson(one, "rita@new.example", "user");
    const { id, token } = await signIn(one, "rita@new.example");
    expect((await on(two, token)).status).toBe(200);
    await act(one, id);
    await becomesRefused(two, token);
    await one.stop();
    await two.stop();
  });

  test("signing out on one ends the session on the other, and a command does on both", async () => {
    const url = await newDatabase();
    const env = { JWT_SECRET: secret };
    const [one, two] = [
      await startTestServer("postgres", env, url),
      await startTestServer("postgres", env, url),
    ];
    await addPerson(one, "rita@new.example", "user");
    const { token } = await signIn(one, "rita@new.example");
    const { token: other } = await signIn(two, "rita@new.example");
    for (const each of [token, other]) expect((await on(two, each)).status).toBe(200);
    await fetch(`${one.url}/api/auth/logout`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
    });
    await becomesRefused(two, token);
    expect((await on(one, other)).status).toBe(200);
    const elsewhere = { ...env, DATABASE_URL: url, DATA_DIR: `${one.dataDir}-elsewhere` };
    const ran = await neocrm(["user", "role", "--email", "rita@new.example", "--role", "manager"], {
      env: elsewhere,
    });
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining("rita@new.example (manager") });
    for (const server of [one, two]) await becomesRefused(server, other);
    await two.stop();
    await one.stop();
  });
});

describe.each(engines)("the last admin [%s]", (engine) => {
  test("stays admin, whoever asks at once", async () => {
    const server = await startTestServer(engine);
    const { users } = server.parts;
    const one = await addPerson(server, "one@new.example", "admin");
    await expect(users.setRole(system, one, "user")).rejects.toMatchObject({ code: "last_admin" });
    expect(await users.byEmail("one@new.example")).toMatchObject({ role: "admin", version: 1 });
    const two = await addPerson(server, "two@new.example", "admin");
    const results = await Promise.allSettled([one, two].map((id) => users.setRole(system, id, "user")));
    expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const [, last] = (await users.all()).toSorted((a, b) => b.role.localeCompare(a.role));
    expect(last!.role).toBe("admin");
    const off = await addPerson(server, "off@new.example", "admin");
    await closeAccount(server, off);
    await expect(users.setRole(system, last!.id, "user")).rejects.toMatchObject({ code: "last_admin" });
    await server.stop();
  });

  test("somebody who does not exist, and a role that does not, are refused", async () => {
    const server = await startTestServer(engine);
    const id = await addPerson(server, "one@new.example", "user");
    const { users } = server.parts;
    await expect(users.setRole(system, "00000000-0000-7000-8000-000000000000", "user")).rejects.toMatchObject(
      {
        kind: "not_found",
      },
    );
    await expect(users.setRole(system, id, "root")).rejects.toMatchObject({ kind: "invalid" });
    await server.stop();
  });
});
