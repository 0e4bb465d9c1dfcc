/** Many people are told at once: their notifications are read together, and each gets their own, in order and once. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { notifyAll } from "../../src/features/notifications/notify";
import { systemActor } from "../../src/policy";
import { Connection, type Outlet } from "../../src/realtime/connection";
import { deliver } from "../../src/realtime/notifications";
import { explainAll, planningDatabase, readWhole } from "../support/plans";
import { engines, startTestServer, type TestServer } from "../support/servers";

const system = systemActor("a-test-of-many");
const people = 40;

/** Somebody who listens, and what they got. */
function listener(userId: string, kind: Outlet["kind"] = "websocket") {
  const got: number[] = [];
  const state = { isFull: false };
  const outlet: Outlet = {
    kind,
    get isFull() {
      return state.isFull;
    },
    send: (_, number) => void got.push(number!),
    beat() {},
    close() {},
  };
  const connection = new Connection(outlet, { ...system, userId });
  connection.isReady = true;
  return { connection, got, state };
}

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe.each(engines)("many at once [%s]", (engine) => {
  let server: TestServer;
  let users: string[];
  let round = 0;

  beforeAll(async () => {
    server = await startTestServer(engine, {}, await planningDatabase(engine));
    users = await Promise.all(
      upTo(people).map(async (i) => {
        const given = { full_name: "B", role: "user", password_hash: "x" };
        const email = `listener${i}@cast.example`;
        return (await server.parts.users.create(system, { ...given, email })).id;
      }),
    );
  }, 60_000);
  afterAll(() => server.stop());

  /** One more notification for each. */
  const tell = async (userIds: readonly string[]) => {
    const notice = { type: "client_changed", actorId: null, message: "m", link: null } as const;
    const title = `${round++}`;
    await server.parts.store.tx((session) =>
      notifyAll(
        session,
        userIds.map((userId) => ({ ...notice, userId, title })),
      ),
    );
  };
  const send = (to: readonly ReturnType<typeof listener>[]) =>
    deliver(
      server.parts.store.read,
      to.map(({ connection }) => connection),
      { delivered() {} },
    );

  test("each gets their own, whatever they saw before, by looking each of them up", async () => {
    const all = users.map((userId) => listener(userId));
    await tell(users);
    await tell(users.slice(0, 5));
    all[1]!.connection.position = 1;
    all[2]!.connection.position = 2;
    all[3]!.state.isFull = true;
    const twin = listener(users[1]!, "sse");
    const explained = explainAll(server);
    await send([...all, twin]);
    await send([...all, twin]);
    const expected = users.map((_, i) => (i < 5 ? [1, 2] : [1]));
    [expected[1], expected[2], expected[3]] = [[2], [], []];
    expect(all.map(({ got }) => got)).toEqual(expected);
    expect(twin.got).toEqual([1, 2]);
    all[3]!.state.isFull = false;
    await send(all);
    expect(all[3]!.got).toEqual([1, 2]);
    const reads = [...explained.values()].filter(({ text }) => text.includes("position.reader"));
    expect(reads).toHaveLength(1);
    expect(readWhole(reads[0]!)).toEqual([]);
  });

  test("each gets all of theirs, where that is more than is read together", async () => {
    for (let i = 0; i < 8; i++) await tell(users);
    const all = users.map((userId) => listener(userId));
    await send(all);
    expect(all.map(({ got }) => got)).toEqual(users.map((_, i) => upTo(i < 5 ? 10 : 9)));
  });
});
