import { expect, test } from "bun:test";
import { newPerson } from "../support/accounts";
import { forgetNotifications, notify, until, type Frame } from "../support/realtime";
import { inWorld, type World } from "../support/scenario";

const path = "/api/notifications/stream";

const setting = {
  async given(world: World) {
    await forgetNotifications(world);
    await newPerson(world, "rita");
  },
};

/** Reads server-sent events as the standard says. */
async function open(url: string, headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const response = await fetch(url, { headers, signal: abort.signal });
  const events: { id: string | null; data: Frame }[] = [];
  let text = "";
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const bytes of response.body!) {
      text += decoder.decode(bytes, { stream: true });
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const lines = text.slice(0, end).split("\n");
        text = text.slice(end + 2);
        const of = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        if (of("data") !== undefined) events.push({ id: of("id") ?? null, data: JSON.parse(of("data")!) });
      }
    }
  };
  const ended = read().catch(() => {});
  return { response, events, ended, close: () => abort.abort() };
}

inWorld("the stream of notifications", setting, (world) => {
  const url = () => world().server.url + path;
  const rita = () => world().ids.rita!;
  const bearer = () => ({ authorization: `Bearer ${world().ids.rita_token}` });
  const ticket = async (purpose: "sse" | "ws" = "sse") =>
    (await world().send({ token: "$rita_token" }, "POST", "/api/auth/tickets", { body: { purpose } })).json
      .ticket;

  test("brings them as they come, with their numbers", async () => {
    const stream = await open(url(), bearer());
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    expect(stream.response.headers.get("cache-control")).toBe("no-store");
    expect(stream.response.headers.get("x-request-id")).toBeString();
    await until(() => stream.events.length === 1);
    await notify(world().server, rita(), 1, { sse: false });
    await notify(world().server, rita(), 1, { websocket: false });
    await until(() => stream.events.length === 2);
    expect(stream.events).toEqual([
      { id: "0", data: { type: "ready", payload: { user_id: rita(), last_id: 0 } } },
      {
        id: "2",
        data: { type: "notification", id: 2, payload: expect.objectContaining({ title: "Number 2" }) },
      },
    ]);
    stream.close();
    await until(() => world().server.parts.hub.size === 0);
  });

  test("goes on after a number; what the browser remembers wins", async () => {
    await notify(world().server, rita(), 300);
    const address = `${url()}?ticket=${await ticket()}&after=10`;
    for (const [headers, first] of [
      [{}, 11],
      [{ "last-event-id": "100" }, 101],
      [{ "last-event-id": "" }, 11],
    ] as [Record<string, string>, number][]) {
      const stream = await open(address, headers);
      await until(() => stream.events.at(-1)?.id === "300");
      const ids = stream.events.slice(1).map(({ id }) => Number(id));
      expect(ids).toEqual(Array.from({ length: 301 - first }, (_, i) => first + i));
      stream.close();
    }
  });

  test.each([
    ["the beginning", "", 7],
    ["a number", "after=3", 3],
    ["what is not there any more", "after=99", 7],
  ])("goes on where it began, from %s, when it breaks off before anything came", async (_, query, began) => {
    await notify(world().server, rita(), 7);
    const address = `${url()}?ticket=${await ticket()}&${query}`;
    const first = await open(address);
    await until(() => first.events.length > 0);
    first.close();
    const [ready] = first.events;
    expect([ready!.data.type, ready!.id]).toEqual(["ready", String(began)]);
    await notify(world().server, rita(), 2);
    const again = await open(address, { "last-event-id": ready!.id! });
    await until(() => again.events.at(-1)?.id === "9");
    const ids = again.events.slice(1).map(({ id }) => Number(id));
    expect(ids).toEqual(Array.from({ length: 9 - began }, (_, i) => began + 1 + i));
    again.close();
  });

  test("refuses by name what does not fit", async () => {
    const wrong = { headers: { "last-event-id": "x" } };
    expect((await world().send("lan", "GET", path, wrong)).json).toMatchObject({
      code: "invalid_integer",
      errors: [{ field: "Last-Event-ID" }],
    });
    expect((await world().send("lan", "GET", `${path}?after=-1`)).json.errors).toMatchObject([
      { field: "after", code: "invalid_integer" },
    ]);
    expect((await world().send("lan", "GET", `${path}?nonsense=1`)).json.code).toBe("unknown_parameter");
    for (const [given, detail] of [
      ["x", "The ticket is unknown."],
      [await ticket("ws"), "The ticket is for ws, not for sse."],
    ]) {
      const { status, json } = await world().send("nobody", "GET", `${path}?ticket=${given}`);
      expect([status, json.code, json.detail]).toEqual([401, "invalid_ticket", detail]);
    }
    const head = await world().send("nobody", "HEAD", `${path}?ticket=${await ticket()}`);
    expect(head.status).toBe(401);
    expect((await world().send("lan", "HEAD", path)).status).toBe(200);
    const elsewhere = await world().send("nobody", "GET", `/api/users/me?ticket=${await ticket()}`);
    expect(elsewhere.status).toBe(401);
  });

  test("ends with its session, and its ticket is no good then", async () => {
    const address = `${url()}?ticket=${await ticket()}`;
    const stream = await open(address);
    await until(() => stream.events.length === 1);
    await world().send({ token: "$rita_token" }, "POST", "/api/auth/logout");
    await stream.ended;
    expect((await open(address)).response.status).toBe(401);
  });
});
