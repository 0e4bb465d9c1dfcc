import { afterEach, expect, test } from "bun:test";
import { connect as connectTcp } from "node:net";
import { newPerson } from "../support/accounts";
import { readFrames, upgradeByHand } from "../support/raw-socket";
import { forgetNotifications, listen, notifyMany, relay, until, type Frame } from "../support/realtime";
import { inWorld, type World } from "../support/scenario";

const setting = {
  clients: { acme: {} },
  async given(world: World) {
    await forgetNotifications(world);
    await newPerson(world, "rita");
    await relay(world.server.parts);
  },
};

const opened: (() => unknown)[] = [];
afterEach(() => {
  for (const end of opened.splice(0)) end();
});

/** What the kernel holds for a reader is some megabytes: this is more. */
const [many, long] = [300, "x".repeat(50_000)];
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const idsOf = (frames: Frame[]) => frames.flatMap(({ id }) => (id === undefined ? [] : [id]));

inWorld("a slow reader", setting, (world) => {
  const rita = () => world().ids.rita!;

  /** Somebody who signed in, watches clients, and reads nothing before `resume`. */
  const slowReader = async () => {
    const { server, ids } = world();
    const socket = await upgradeByHand(server.url, [`Authorization: Bearer ${ids.rita_token}`]);
    opened.push(() => socket.destroy());
    const text = JSON.stringify({ type: "subscribe", payload: { topics: ["clients"] } });
    // Masked with zeros, which change nothing.
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
    const frames: Frame[] = [];
    readFrames(socket, (frame) => frames.push(frame));
    await until(() => frames.some(({ type }) => type === "subscribed"));
    socket.pause();
    return { frames, resume: () => socket.resume() };
  };

  const promptReader = async () => {
    const client = await listen(world().server.url, world().ids.rita_token!);
    opened.push(client.close);
    return client;
  };

  test("keeps nobody waiting, gets every notification in order, and hears that hints were lost", async () => {
    const [slow, prompt] = [await slowReader(), await promptReader()];
    await notifyMany(world().server, rita(), many, long);
    await until(() => idsOf(prompt.frames).length === many);
    expect(idsOf(slow.frames).length).toBeLessThan(many);
    await world().send("lan", "PATCH", "/api/clients/$acme", { body: { notes: "changed" } });
    await relay(world().server.parts);
    await Bun.sleep(100);
    slow.resume();
    await until(() => idsOf(slow.frames).length >= many && slow.frames.some(({ type }) => type === "resync"));
    expect(idsOf(slow.frames)).toEqual(upTo(many));
    expect(slow.frames.map(({ type }) => type)).not.toContain("record");
    await world().send("lan", "PATCH", "/api/clients/$acme", { body: { notes: "changed again" } });
    await relay(world().server.parts);
    await until(() => slow.frames.at(-1)!.type === "record");
  });

  test("who is too far behind is skipped ahead", async () => {
    const slow = await slowReader();
    await notifyMany(world().server, rita(), 1_500, long.slice(0, 20_000));
    await Bun.sleep(100);
    slow.resume();
    await until(() => slow.frames.some(({ type }) => type === "resync"));
    const ids = idsOf(slow.frames);
    expect(ids.length).toBeLessThan(1_500);
    expect(ids).toEqual(upTo(ids.length));
  });

  test("of a stream gets every notification in order, too", async () => {
    const { server, ids } = world();
    const socket = connectTcp(Number(new URL(server.url).port), "127.0.0.1");
    opened.push(() => socket.destroy());
    const request = [
      "GET /api/notifications/stream HTTP/1.1",
      "Host: crm",
      `Authorization: Bearer ${ids.rita_token}`,
    ];
    socket.write([...request, "", ""].join("\r\n"));
    let text = "";
    socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
    await until(() => text.includes('"ready"'));
    socket.pause();
    const prompt = await promptReader();
    await notifyMany(server, rita(), many, long);
    await until(() => idsOf(prompt.frames).length === many);
    expect(text).not.toContain(`id: ${many}\n`);
    socket.resume();
    await until(() => text.includes(`id: ${many}\n`));
    // The first is where the stream begins.
    expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual([0, ...upTo(many)]);
  });
});
