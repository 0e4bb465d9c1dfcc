import { afterEach, expect, spyOn, test } from "bun:test";
import { signInAs } from "../support/accounts";
import { connect, listen, until, type Client } from "../support/realtime";
import { closeCodeOf, upgradeByHand } from "../support/raw-socket";
import { inWorld } from "../support/scenario";
import { expiredToken } from "../support/tokens";

const secret = "the secret of the server of these tests";

const opened: Client[] = [];
afterEach(() => opened.splice(0).forEach((client) => client.close()));
const kept = <C extends Client>(client: C): C => (opened.push(client), client);

/** Frames, and the code that whoever is signed in and sends one is closed with. */
const frames: [name: string, frame: string, code: number][] = [
  ["nothing", "", 4400],
  ["what is not JSON", "{", 4400],
  ["a number", "1", 4400],
  ["null", "null", 4400],
  ["a list", '[{"type":"ping"}]', 4400],
  ["an object without a type", "{}", 4400],
  ["a type that is no text", '{"type":7}', 4400],
  ["an unknown type", '{"type":"shutdown"}', 4404],
  ["a name that every object has", '{"type":"constructor"}', 4404],
  ["another member", '{"type":"ping","token":"x"}', 4400],
  ["an id where none belongs", '{"type":"ping","id":1}', 4400],
  ["topics that are no list", '{"type":"subscribe","payload":{"topics":"clients"}}', 4400],
  ["topics that are no text", '{"type":"subscribe","payload":{"topics":[1]}}', 4400],
  ["no topics", '{"type":"subscribe"}', 4400],
  ["signing in again", '{"type":"auth","token":"x"}', 4400],
  ["a number from below", '{"type":"auth","token":"x","after":-1}', 4400],
  ["deep nesting", `{"type":"ping","payload":${"[".repeat(7_000)}${"]".repeat(7_000)}}`, 0],
  ["a giant", JSON.stringify({ type: "ping", payload: "x".repeat(17_000) }), 1009],
];

inWorld("hostile frames", { env: { JWT_SECRET: secret } }, (world) => {
  const url = () => `${world().server.url}/ws`;
  const token = () => world().people.lan.token;
  const hub = () => world().server.parts.hub;

  test.each(frames)("%s", async (_, frame, code) => {
    const client = kept(await listen(world().server.url, token()));
    client.send(frame);
    if (code === 0) expect(await client.next("pong")).toEqual({ type: "pong" });
    else expect((await client.closed).code).toBe(code);
  });

  test.each([
    ["bytes", [0x82, 0x81, 0, 0, 0, 0, 0x7b], 1003],
    ["text that is not UTF-8", [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007],
  ] as const)("%s", async (_, bytes, code) => {
    const raw = await upgradeByHand(world().server.url);
    raw.write(Buffer.from(bytes));
    expect(await closeCodeOf(raw)).toBe(code);
  });

  test("frames that break the protocol end the connection", async () => {
    for (const bytes of [
      // Unmasked, reserved bits, a control frame in fragments, a continuation of nothing, an unknown opcode.
      [0x81, 0x01, 0x7b],
      [0xf1, 0x80, 0, 0, 0, 0],
      [0x09, 0x80, 0, 0, 0, 0],
      [0x80, 0x80, 0, 0, 0, 0],
      [0x83, 0x80, 0, 0, 0, 0],
    ]) {
      const raw = await upgradeByHand(world().server.url);
      const ended = new Promise((resolve) => raw.once("close", resolve));
      raw.write(Buffer.from(bytes));
      raw.resume();
      await ended;
    }
  });

  test("more frames in a second than are taken", async () => {
    const client = kept(await listen(world().server.url, token()));
    for (let i = 0; i < 200; i++) client.send({ type: "ping" });
    expect(await client.closed).toEqual({ code: 4429, reason: "Too many frames. Slow down." });
  });

  test.each([
    ["pings", 0x89],
    ["pongs", 0x8a],
  ])("more %s of the protocol in a second than are taken", async (_, opcode) => {
    const raw = await upgradeByHand(world().server.url);
    raw.write(Buffer.concat(Array(200).fill(Buffer.from([opcode, 0x80, 0, 0, 0, 0]))));
    expect(await closeCodeOf(raw)).toBe(4429);
  });

  test("credentials that are refused, expired, or of somebody who is out", async () => {
    const { off, gone, lan } = world().people;
    const left = await signInAs(world(), "left", lan.email);
    await world().send({ token: left.token }, "POST", "/api/auth/logout");
    const tokens = [
      "x",
      "x.y.z",
      "",
      off.token,
      gone.token,
      left.token,
      await expiredToken(secret, lan.id, lan.id),
    ];
    for (const token of tokens) {
      const client = kept(await connect(url()));
      client.send({ type: "auth", token });
      expect([token, (await client.closed).code]).toEqual([token, 4401]);
    }
    for (const [query, headers] of [
      ["?ticket=x", {}],
      ["", { authorization: "Bearer x.y.z" }],
      ["", { authorization: "Basic x" }],
    ] as [string, Record<string, string>][]) {
      expect((await kept(await connect(url() + query, headers)).closed).code).toBe(4401);
    }
    const stranger = kept(await connect(url()));
    stranger.send({ type: "subscribe", payload: { topics: ["clients"] } });
    expect((await stranger.closed).code).toBe(4401);
  });

  test("nobody who never signs in, and nobody who is silent, stays", async () => {
    const [silent, lively] = [
      kept(await listen(world().server.url, token())),
      kept(await listen(world().server.url, token())),
    ];
    const guest = kept(await connect(url()));
    guest.send({ type: "ping" });
    expect(await guest.closed).toEqual({ code: 4408, reason: "Nobody signed in within 10 seconds." });
    const at = performance.now();
    try {
      spyOn(performance, "now").mockImplementation(() => at + 61_000);
      lively.send({ type: "ping" });
      await lively.next("pong");
      expect((await silent.closed).code).toBe(4408);
    } finally {
      spyOn(performance, "now").mockRestore();
    }
    lively.send({ type: "ping" });
    await lively.next("pong");
  }, 30_000);

  test("ten thousand of them leave nothing behind", async () => {
    const attack = async (i: number) => {
      const [, frame, code] = frames[i % frames.length]!;
      const client = await connect(url());
      client.send({ type: "auth", token: token() });
      client.send(frame);
      if (code === 0) client.close();
      await client.closed;
    };
    const attackMany = async (count: number) => {
      for (let i = 0; i < count; i += 10)
        await Promise.all(Array.from({ length: 10 }, (_, k) => attack(i + k)));
      await until(() => hub().size === 0);
      Bun.gc(true);
      await Bun.sleep(20);
      return process.memoryUsage().rss;
    };
    let last = await attackMany(2_000);
    // Both ends are in this process, and so are other tests: what 1,000 connections leave behind, each thousand would.
    const grown: number[] = [];
    for (let round = 0; round < 8; round++) {
      const rss = await attackMany(1_000);
      grown.push((rss - last) / 1024 / 1024);
      last = rss;
    }
    expect(Math.min(...grown)).toBeLessThan(1);
  }, 300_000);
});
