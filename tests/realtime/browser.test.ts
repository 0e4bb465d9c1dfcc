import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startBrowser, watchedPage } from "../support/browser";
import { addPerson, letIn } from "../support/people";
import { notify, until } from "../support/realtime";
import { newInstallation } from "../support/restart";
import { engines } from "../support/servers";

let browser: Browser;
beforeAll(async () => void (browser = await startBrowser()), 60_000);
afterAll(() => browser?.close());

/** Runs in the page, until both are welcome: what it was told is kept there, and a lost connection is made again. */
async function listenInPage(token: string): Promise<void> {
  const told = { ws: [] as number[], sse: [] as number[], closed: [] as number[] };
  Object.assign(globalThis, { told });
  const ticketFor = async (purpose: string) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = JSON.stringify({ purpose });
    const answer = await fetch("/api/auth/tickets", { method: "POST", headers, body });
    return ((await answer.json()) as { ticket: string }).ticket;
  };
  const take = (numbers: number[], data: unknown) => {
    const frame = JSON.parse(String(data)) as { type: string; id: number };
    if (frame.type === "notification") numbers.push(frame.id);
  };
  const welcome = Promise.withResolvers<void>();
  const connect = async () => {
    try {
      const after = told.ws.at(-1) ?? 0;
      const socket = new WebSocket(`/ws?ticket=${await ticketFor("ws")}&after=${after}`);
      socket.addEventListener("message", ({ data }) => {
        welcome.resolve();
        take(told.ws, data);
      });
      socket.addEventListener("close", ({ code }) => {
        told.closed.push(code);
        setTimeout(() => void connect(), 100);
      });
    } catch {
      setTimeout(() => void connect(), 100);
    }
  };
  void connect();
  // The browser itself connects again, and says where it was.
  const source = new EventSource(`/api/notifications/stream?ticket=${await ticketFor("sse")}`);
  source.addEventListener("message", ({ data }) => take(told.sse, data));
  await new Promise((resolve) => {
    source.addEventListener("message", resolve);
  });
  await welcome.promise;
}

test.each(engines)(
  "a browser's own WebSocket and EventSource go on where they were broken off [%s]",
  async (engine) => {
    const place = await newInstallation(engine);
    let server = await place.start();
    const port = new URL(server.url).port;
    const id = await addPerson(server, "rita@new.example", "user");
    const { token } = await letIn(server, "rita@new.example");
    const { page } = await watchedPage(browser);
    await page.goto(`${server.url}/swagger`);
    await page.evaluate(listenInPage, token);
    const told = () =>
      page.evaluate(
        () => (globalThis as unknown as { told: { ws: number[]; sse: number[]; closed: number[] } }).told,
      );
    const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
    const bothHave = async (last: number) => {
      await until(async () => {
        const { ws, sse } = await told();
        return ws.at(-1) === last && sse.at(-1) === last;
      });
      expect(await told()).toMatchObject({ ws: upTo(last), sse: upTo(last) });
    };

    // First before anything came.
    let last = 0;
    for (const count of [3, 4]) {
      await server.stop();
      server = await place.start({ PORT: port });
      last = await notify(server, id, count);
      await bothHave(last);
    }
    await notify(server, id, 1);
    await bothHave(last + 1);
    expect((await told()).closed[0]).toBe(1001);
    await page.close();
    await server.stop();
    place.remove();
  },
  60_000,
);
