import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { password, signIn, type People } from "../support/people";
import { postgres } from "../support/postgres";
import { newInstallation, type Installation } from "../support/restart";
import { newWorld, type World } from "../support/scenario";
import { engines } from "../support/servers";
import { neocrm } from "../support/terminal";

setDefaultTimeout(60_000);

// Started here, because no single test is to wait for it.
beforeAll(async () => void (await postgres()), 30_000);

const seeded = (place: Installation) =>
  neocrm(["seed", "--demo", "--password-stdin"], { env: place.env, stdin: `${password}\n` });

async function inPlace(
  engine: (typeof engines)[number],
  work: (place: Installation, world: World) => Promise<void>,
  before?: (place: Installation) => Promise<unknown>,
) {
  const place = await newInstallation(engine);
  await before?.(place);
  const server = await place.start();
  try {
    await work(place, newWorld(server, {} as People));
  } finally {
    await server.stop();
    place.remove();
  }
}

describe.each(engines)("neocrm seed --demo [%s]", (engine) => {
  test("gives each role something to see", async () => {
    await inPlace(
      engine,
      async (_, { send, server }) => {
        const seen = async (email: string) => {
          const { token } = await signIn(server, email);
          const get = async (path: string) => (await send({ token }, "GET", path)).json;
          const stats = await get("/api/tasks/stats");
          expect(stats.overdue).toBeGreaterThan(0);
          expect(stats.due_today).toBeGreaterThan(0);
          expect(Object.values(stats.by_priority)).not.toContain(0);
          const clients = await get("/api/clients?count=exact&limit=1&sort=created_at");
          return { clients: clients.pagination.total, tasks: stats.total, oldest: clients.data[0] };
        };
        const admin = await seen("andrew@chinookcorp.com");
        expect(admin).toMatchObject({ clients: 59, tasks: 180 });
        expect(admin.oldest).toMatchObject({ name: "Luís Gonçalves", status: "customer", version: 1 });
        expect(await seen("nancy@chinookcorp.com")).toMatchObject({ clients: 59, tasks: 180 });
        const jane = await seen("jane@chinookcorp.com");
        expect(jane.tasks).toBeGreaterThan(30);
        expect(jane.tasks).toBeLessThan(100);
      },
      async (place) => {
        const { code, out } = await seeded(place);
        expect([code, out]).toEqual([0, expect.stringContaining("59 clients, 180 tasks")]);
        expect(out).toContain("jane@chinookcorp.com       user     Jane Peacock");
      },
    );
  });

  test("beside a server, leaves the events of all that it did", async () => {
    await inPlace(engine, async (place, { send, server, events }) => {
      expect((await seeded(place)).code).toBe(0);
      const { token } = await signIn(server, "nancy@chinookcorp.com");
      const { json } = await send({ token }, "GET", "/api/tasks?status=done&limit=5");
      expect(json.data).toHaveLength(5);
      const log = await events();
      for (const { version, updated_at: _, ...task } of json.data) {
        const own = log.filter(({ entity_id }) => entity_id === task.id);
        expect(own.map((event) => event.version)).toEqual([1, version]);
        const fields = own.flatMap(({ changes }) => Object.entries(changes));
        expect(Object.fromEntries(fields.map(([field, [, after]]) => [field, after]))).toMatchObject(task);
      }
    });
  });

  test("is refused where there are clients, and changes nothing", async () => {
    await inPlace(engine, async (place, { events }) => {
      await seeded(place);
      const before = await events();
      const again = await seeded(place);
      expect(again).toMatchObject({ code: 1, out: "" });
      expect(again.err).toContain("There are clients already");
      expect(await events()).toEqual(before);
    });
  });
});

test("neocrm seed says what it wants", async () => {
  expect(await neocrm(["seed"])).toMatchObject({ code: 2, err: "Say what to add: neocrm seed --demo." });
});

test("a password that is made is shown, and lets in", async () => {
  await inPlace("sqlite", async (place, { server }) => {
    const { out } = await neocrm(["seed", "--demo"], { env: place.env });
    const made = /The password of each: (\S{16})$/.exec(out)![1]!;
    expect((await signIn(server, "laura@chinookcorp.com", made)).token).toContain(".");
  });
});
