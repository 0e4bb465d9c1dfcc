import { expect, test } from "bun:test";
import {
  eventsOf,
  expectNoSecrets,
  newPerson,
  signInAs,
  statusOfRefresh,
  statusOfToken,
} from "../support/accounts";
import { refusedBodies } from "../support/bodies";
import { inWorld, scenarios, type Scenario, type World } from "../support/scenario";

/** Rita has two devices, and Otto one. */
const given = {
  async given(world: World) {
    await newPerson(world, "rita");
    await signInAs(world, "second", world.ids.rita_mail!);
    await newPerson(world, "otto");
  },
};

/** Which of the three devices are still signed in: by access token, and by refresh token. */
async function expectSignedIn(world: World, wanted: string[]): Promise<void> {
  const devices = ["rita", "second", "otto"];
  for (const kind of ["token", "refresh"] as const) {
    const check = kind === "token" ? statusOfToken : statusOfRefresh;
    const statuses = await Promise.all(devices.map((name) => check(world, world.ids[`${name}_${kind}`]!)));
    expect([kind, devices.filter((_, i) => statuses[i] === 200)]).toEqual([kind, wanted]);
  }
}

const logout = { post: "/api/auth/logout" } as const;
const rita = { token: "$rita_token" };
const done = { status: 204, never: [/./] };
const left =
  (...devices: string[]) =>
  (world: World) =>
    expectSignedIn(world, devices);

scenarios("signing out", given, [
  {
    ...logout,
    ...done,
    name: "with the access token",
    by: rita,
    events: ["session.ended"],
    async then(world, answer) {
      const [event] = await eventsOf(world, answer);
      expect(event).toMatchObject({ actor_kind: "user", actor_id: world.ids.rita, entity_type: "session" });
      expect(Object.keys(event!.changes)).toEqual(["ended_at"]);
      expect(event!.changes.ended_at).toEqual([null, expect.stringMatching(/^\d{4}-.*Z$/)]);
      expectNoSecrets([event!], world.ids.rita_token!, world.ids.rita_refresh!);
      await expectSignedIn(world, ["second", "otto"]);
    },
  },
  { ...logout, ...done, name: "with an empty body", by: rita, body: {}, then: left("second", "otto") },
  {
    ...logout,
    ...done,
    name: "with the refresh token alone",
    by: "nobody",
    body: { refresh_token: "$rita_refresh" },
    events: ["session.ended"],
    async then(world, answer) {
      expect((await eventsOf(world, answer))[0]).toMatchObject({
        actor_kind: "user",
        actor_id: world.ids.rita,
      });
      await expectSignedIn(world, ["second", "otto"]);
    },
  },
  {
    ...logout,
    ...done,
    name: "with an access token that is no good any more",
    by: { token: "x.y.z" },
    body: { refresh_token: "$rita_refresh" },
    then: left("second", "otto"),
  },
  {
    ...logout,
    ...done,
    name: "with a refresh token that was used already",
    after: (world) => statusOfRefresh(world, world.ids.rita_refresh!),
    by: "nobody",
    body: { refresh_token: "$rita_refresh" },
    events: ["session.ended"],
    then: left("second", "otto"),
  },
  {
    ...logout,
    ...done,
    name: "with both",
    by: rita,
    body: { refresh_token: "$rita_refresh" },
    events: ["session.ended"],
    then: left("second", "otto"),
  },
  {
    ...logout,
    ...done,
    name: "with those of two sessions",
    by: rita,
    body: { refresh_token: "$second_refresh" },
    events: ["session.ended", "session.ended"],
    then: left("otto"),
  },
  {
    ...logout,
    ...done,
    name: "with those of two people, each for themselves",
    by: rita,
    body: { refresh_token: "$otto_refresh" },
    events: ["session.ended", "session.ended"],
    async then(world, answer) {
      const actors = (await eventsOf(world, answer)).map(({ actor_id }) => actor_id);
      expect(new Set(actors)).toEqual(new Set([world.ids.rita!, world.ids.otto!]));
      await expectSignedIn(world, ["second"]);
    },
  },
  {
    ...logout,
    ...done,
    name: "with the access token and a refresh token nobody knows",
    by: rita,
    body: { refresh_token: "unknown" },
    then: left("second", "otto"),
  },
  { ...logout, by: "nobody", status: 401, events: [] },
  { ...logout, by: "nobody", body: {}, status: 401, events: [] },
  { ...logout, by: "nobody", body: { refresh_token: "unknown" }, status: 401, events: [] },
  { ...logout, by: { token: "x.y.z" }, status: 401, events: [] },
  { ...logout, by: "off", status: 401, events: [] },
  { ...logout, by: "gone", status: 401, events: [] },
  {
    ...logout,
    name: "twice",
    after: (world) => world.send(rita, "POST", "/api/auth/logout"),
    by: "nobody",
    body: { refresh_token: "$rita_refresh" },
    status: 401,
    events: [],
  },
  {
    ...logout,
    by: rita,
    key: "logout-1",
    status: 422,
    problem: { code: "idempotency_unsupported" },
    events: [],
    then: left("rita", "second", "otto"),
  },
]);

scenarios("what signing out takes", {}, [
  { by: "lan", get: "/api/auth/logout", status: 405, hasHeaders: { allow: "POST" } },
  ...refusedBodies(
    { ...logout, by: "lan" },
    { refresh_token: "x" },
    { optional: ["refresh_token"], mayBeAbsent: true },
  ),
]);

const all = { post: "/api/auth/logout-all" } as const;

scenarios("signing out everywhere", given, [
  {
    ...all,
    ...done,
    by: rita,
    events: ["session.ended", "session.ended"],
    async then(world, answer) {
      for (const { actor_id } of await eventsOf(world, answer)) expect(actor_id).toBe(world.ids.rita!);
      await expectSignedIn(world, ["otto"]);
    },
  },
  { ...all, ...done, by: rita, body: {}, then: left("otto") },
  { ...all, by: rita, body: { sessions: "all" }, status: 422, problem: { field: "sessions" }, events: [] },
  { ...all, by: rita, key: "logout-all-1", status: 422, problem: { code: "idempotency_unsupported" } },
  {
    ...all,
    name: "a refresh token is not enough",
    by: "nobody",
    body: { refresh_token: "$rita_refresh" },
    status: 401,
    events: [],
  },
  ...(["nobody", "off", "gone"] as const).map((by): Scenario => ({
    ...all,
    by,
    status: 401,
    events: [],
    then: left("rita", "second", "otto"),
  })),
]);

const sessions = "/api/auth/sessions";
const sessionFields = ["created_at", "current", "expires_at", "id", "ip", "last_used_at", "user_agent"];

/** The ids of rita's sessions, by `$here` and `$there`. */
async function nameSessions(world: World): Promise<void> {
  const { json } = await world.send(rita, "GET", sessions);
  const idOf = (current: boolean) =>
    json.data.find((each: { current: boolean }) => each.current === current).id;
  Object.assign(world.ids, { here: idOf(true), there: idOf(false) });
  const { json: ottos } = await world.send({ token: "$otto_token" }, "GET", sessions);
  world.ids.ottos = ottos.data[0].id;
}

scenarios("your sessions", { given: async (world) => (await given.given(world), nameSessions(world)) }, [
  {
    by: rita,
    get: sessions,
    status: 200,
    has: {
      data: [
        { id: "$there", current: false, ip: "127.0.0.1" },
        { id: "$here", current: true, ip: "127.0.0.1" },
      ],
      pagination: { page: 1, total: 2, total_pages: 1, total_capped: false, next_cursor: null },
    },
    hasHeaders: { etag: null },
    never: ["hash", "token", "@new.example"],
    events: [],
    then(_, { json }) {
      for (const session of json.data) expect(Object.keys(session).toSorted()).toEqual(sessionFields);
    },
  },
  {
    by: "admin",
    get: sessions,
    status: 200,
    has: { pagination: { total: 1 } },
    then: (world, { text }) => expect(text).not.toContain(world.ids.here!),
  },
  { by: rita, get: `${sessions}?user_id=$otto`, status: 400, problem: { field: "user_id" } },
  ...(["nobody", "off", "gone"] as const).flatMap((by): Scenario[] => [
    { by, get: sessions, status: 401 },
    { by, delete: `${sessions}/$there`, status: 401, events: [] },
  ]),
  {
    ...done,
    by: rita,
    delete: `${sessions}/$there`,
    events: ["session.ended"],
    async then(world, answer) {
      expect((await eventsOf(world, answer))[0]).toMatchObject({
        actor_id: world.ids.rita,
        entity_id: world.ids.there,
      });
      await expectSignedIn(world, ["rita", "otto"]);
    },
  },
  { ...done, name: "the one in use", by: rita, delete: `${sessions}/$here`, then: left("second", "otto") },
  {
    by: rita,
    delete: `${sessions}/$there`,
    body: { all: true },
    status: 422,
    problem: { field: "all" },
    events: [],
  },
  {
    by: rita,
    delete: `${sessions}/$there`,
    name: "twice",
    after: (world) => world.send(rita, "DELETE", `${sessions}/$there`),
    status: 404,
    events: [],
  },
  ...([rita, "admin", "manager"] as const).map((by): Scenario => ({
    by,
    name: "somebody else's",
    delete: `${sessions}/$ottos`,
    status: 404,
    events: [],
    then: left("rita", "second", "otto"),
  })),
  ...["00000000-0000-7000-8000-000000000000", "x", "1", "%00", "%27"].map((id): Scenario => ({
    by: rita,
    delete: `${sessions}/${id}`,
    status: 404,
    events: [],
  })),
  { by: rita, get: `${sessions}/$here`, status: 405, hasHeaders: { allow: "DELETE" } },
]);

inWorld("an id in upper case", given, (world) => {
  test("names the same session", async () => {
    await nameSessions(world());
    const id = world().ids.there!.toUpperCase();
    expect((await world().send(rita, "DELETE", `${sessions}/${id}`)).status).toBe(204);
  });
});
