/** Exports of more than memory should hold: how they are read, and how they end before their end. */
import { SQL } from "bun";
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { insertManyInto } from "../../src/db/rows";
import { until } from "../support/realtime";
import { bringPeople, letIn, type People } from "../support/people";
import { engines, startTestServer, type TestServer } from "../support/servers";
import { client, stored } from "../unit/list/support";

setDefaultTimeout(60_000);

const total = 20_000;
/** Together more than sockets hold, by far. */
const notes = "The margin is 40 per cent. ".repeat(60);
const insertClients = insertManyInto("clients");

/** As PostgreSQL does by itself, some time after so many rows are added. */
async function analyse(url: string): Promise<void> {
  const sql = new SQL({ url, max: 1 });
  await sql.unsafe("analyze clients");
  await sql.close();
}

for (const engine of engines) {
  describe(`a large export [${engine}]`, () => {
    let server: TestServer;
    let people: People;
    /** Records read so far. */
    let read = 0;
    let failAfter = Infinity;

    beforeAll(async () => {
      server = await startTestServer(engine);
      people = await bringPeople(server);
      for (let made = 0; made < total; made += 500) {
        const rows = Array.from({ length: 500 }, (_, i) =>
          stored(client({ name: `Client ${made + i}`, notes, created_by: people.lan.id })),
        );
        await server.parts.store.tx((session) => insertClients(session, rows));
      }
      if (server.databaseUrl) await analyse(server.databaseUrl);
      const { clients } = server.parts;
      const walk = clients.walk.bind(clients);
      spyOn(clients, "walk").mockImplementation(async (actor, request) => {
        const next = await walk(actor, request);
        return async (most) => {
          if (read > failAfter) throw new Error("The disk is gone.");
          const page = await next(most);
          read += page.length;
          return page;
        };
      });
    });
    afterAll(() => server.stop());
    afterEach(() => {
      [read, failAfter] = [0, Infinity];
    });

    const ask = (query = "format=ndjson", { token } = people.lan, signal?: AbortSignal) =>
      fetch(`${server.url}/api/export/clients?${query}`, {
        headers: { authorization: `Bearer ${token}` },
        signal: signal ?? null,
      });

    /** Asks and takes no more than how it begins; resolves once nothing is read any more. */
    const askAndWait = async (...asked: Parameters<typeof ask>) => {
      const response = await ask(...asked);
      const reader = response.body!.getReader();
      const { value } = await reader.read();
      await settled();
      return { response, reader, taken: value!.length };
    };

    /** Resolves once reading has stopped. */
    const settled = async () => {
      for (let before = -1; before !== read; await Bun.sleep(150)) before = read;
    };

    test("is read no sooner than it is taken, so that it never waits in memory", async () => {
      const { reader, taken } = await askAndWait("format=csv");
      expect(read).toBeLessThan(total / 2);
      let [bytes, ahead] = [taken, 0];
      for (let chunk; !(chunk = await reader.read()).done;) {
        bytes += chunk.value.length;
        ahead = Math.max(ahead, read * notes.length - bytes);
      }
      expect(read).toBe(total);
      expect(bytes).toBeGreaterThan(total * notes.length);
      // What the kernel holds for a connection, and two pages.
      expect(ahead).toBeLessThan((total * notes.length) / 2);
    });

    test("whose reader goes away is read no further", async () => {
      for (let i = 0; i < 6; i++) {
        const aborting = new AbortController();
        const { response } = await askAndWait("format=json", people.lan, aborting.signal);
        expect(response.status).toBe(200);
        const before = read;
        aborting.abort();
        await Bun.sleep(100);
        expect(read - before).toBeLessThan(total / 2);
        read = 0;
      }
    });

    test("that fails on its way breaks off: no part looks like the whole", async () => {
      failAfter = total / 2;
      for (const format of ["csv", "json", "ndjson"]) {
        read = 0;
        const response = await ask(`format=${format}`);
        expect(response.status).toBe(200);
        expect(await response.text().catch(() => "broken off")).toBe("broken off");
        expect(read).toBeGreaterThan(failAfter);
      }
    });

    test("that fails at once is refused as anything else is", async () => {
      failAfter = -1;
      const response = await ask();
      expect([response.status, response.headers.get("content-type")]).toEqual([
        500,
        "application/problem+json",
      ]);
      expect(response.headers.get("content-disposition")).toBeNull();
    });

    test("ends with the session of whoever asked", async () => {
      const own = await letIn(server, people.minh.email);
      const { reader } = await askAndWait("format=ndjson", own);
      const headers = { authorization: `Bearer ${own.token}` };
      await fetch(`${server.url}/api/auth/logout`, { method: "POST", headers });
      // For a second, whoever was let in is believed.
      await Bun.sleep(1_000);
      const drain = async () => {
        while (!(await reader.read()).done);
      };
      await expect(drain()).rejects.toThrow();
      expect(read).toBeLessThan(total);
    });

    test("is refused to whoever has four under way, and to nobody else", async () => {
      const readers = [];
      for (let i = 0; i < 4; i++) readers.push((await askAndWait()).reader);
      const refused = await ask();
      expect([refused.status, (await refused.json()).code]).toEqual([429, "too_many_exports"]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      readers.push((await askAndWait("format=csv", people.manager)).reader);
      for (const reader of readers) await reader.cancel();
      await until(async () => {
        const response = await ask("filter[name]=nobody");
        await response.text();
        return response.status === 200;
      });
    });
  });
}
