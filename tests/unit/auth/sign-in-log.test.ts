import { expect, test } from "bun:test";
import { Background } from "../../../src/background";
import { SignInLog } from "../../../src/features/auth/sign-in-log";
import { inWorld } from "../../support/scenario";

const actor = {
  kind: "user",
  userId: null,
  sessionId: null,
  grants: {},
  timeZone: "UTC",
  requestId: "x",
} as const;
const origin = { address: "192.0.2.1", userAgent: "x".repeat(2_000) };

inWorld("failed sign-ins", {}, (world) => {
  test("fill no log: a few a minute are recorded, the others are counted", async () => {
    const { server, ids, events } = world();
    const background = new Background();
    let time = 0;
    const log = new SignInLog({ store: server.parts.store, background, clock: () => time });
    const fail = async (times: number) => {
      for (let i = 0; i < times; i++) log.refused(actor, ids.lan!, "wrong_password", origin);
      await background.settled();
    };
    const recorded = async () =>
      (await events()).map(({ changes }) => changes["attempts"]![1] as number).toSorted((a, b) => a - b);
    await fail(1_000);
    expect(await recorded()).toEqual([1, 1, 1, 1, 1]);
    log.refused(actor, ids.minh!, "account_inactive", origin);
    await background.settled();
    expect(await recorded()).toEqual([1, 1, 1, 1, 1, 1]);
    time += 60_000;
    await fail(7);
    expect(await recorded()).toEqual([...Array(10).fill(1), 996]);
    const total = (await recorded()).reduce((sum, each) => sum + each);
    expect(total).toBe(1_007 - 2 + 1);
    expect((await events())[0]).toMatchObject({
      version: 1,
      changes: { user_agent: [null, "x".repeat(500)] },
    });
  });
});
