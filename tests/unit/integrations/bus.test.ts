import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { SQL } from "bun";
import type { Bus } from "../../../src/integrations/bus/bus";
import { memoryBus } from "../../../src/integrations/bus/memory";
import { busChannel, postgresBus, ringSql } from "../../../src/integrations/bus/postgres";
import { postgresMigrator } from "../../../src/db/migrate.postgres";
import { postgresMigrations } from "../../../src/db/migrations.generated";
import { newDatabase } from "../../support/postgres";
import { blackHole, type BlackHole } from "./black-hole";

setDefaultTimeout(60_000);

const opened: { close(): Promise<unknown> | void }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

const track = <T extends { close(): Promise<unknown> | void }>(resource: T): T => {
  opened.push(resource);
  return resource;
};

/** Polls: what is asked for arrives by itself, and nobody knows when. */
async function until(holds: () => boolean | Promise<boolean>) {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    if (await holds()) return;
    await Bun.sleep(10);
  }
  throw new Error("it never came to be");
}

interface Ears {
  bus: Bus;
  rings: string[];
  gaps: number;
}

/** A started bus with what it heard. */
async function listening(bus: Bus): Promise<Ears> {
  const ears: Ears = { bus: track(bus), rings: [], gaps: 0 };
  bus.onRing((topic) => ears.rings.push(topic));
  bus.onGap(() => ears.gaps++);
  await bus.start();
  return ears;
}

const engines: Record<string, () => Promise<() => Bus>> = {
  memory: async () => {
    const bus = memoryBus();
    return () => bus;
  },
  postgres: async () => {
    const url = await newDatabase();
    return () => postgresBus(url, { silenceMs: 200 });
  },
};

describe.each(Object.keys(engines))("a bus on %s", (engine) => {
  test("carries a ring to its own instance", async () => {
    const ears = await listening((await engines[engine]!())());
    await ears.bus.ring("clients");
    await until(() => ears.rings.includes("clients"));
    expect(ears.gaps).toBe(0);
  });

  test("carries many at once, each at least once unless it repeats", async () => {
    const ears = await listening((await engines[engine]!())());
    const topics = Array.from({ length: 300 }, (_, i) => `user/${i}`);
    await Promise.all(topics.map((topic) => ears.bus.ring(topic)));
    await until(() => new Set(ears.rings).size === topics.length);
  });

  test("calls every listener, also after one that throws", async () => {
    const ears = await listening((await engines[engine]!())());
    const later: string[] = [];
    ears.bus.onRing(() => {
      throw new Error("a bad listener");
    });
    ears.bus.onRing((topic) => later.push(topic));
    await ears.bus.ring("clients");
    await until(() => later.includes("clients"));
  });

  test.each([
    ["nothing", ""],
    ["two words", "two words"],
    ["two lines", "line\nbreak"],
    ["a NUL", "nul\0"],
    ["an accent", "é"],
    ["more than 200 characters", "x".repeat(201)],
  ])("refuses a topic of %s", async (_what, topic) => {
    const ears = await listening((await engines[engine]!())());
    await expect(ears.bus.ring(topic)).rejects.toBeInstanceOf(RangeError);
    await ears.bus.ring("');drop_table_users;--");
    await until(() => ears.rings.length === 1);
  });

  test("is silent after close, and closing twice or ringing then is no error", async () => {
    const ears = await listening((await engines[engine]!())());
    await ears.bus.close();
    await ears.bus.close();
    await ears.bus.ring("clients");
    await Bun.sleep(50);
    expect(ears.rings).toEqual([]);
  });
});

describe("the PostgreSQL bus", () => {
  const admin = (url: string) => track(new SQL({ url, max: 1 }));

  const backends = "pg_stat_activity where application_name = 'neocrm bus' and datname = current_database()";

  /** Ends every connection of buses, as an administrator or a restart would. */
  const endBackends = (client: SQL) => client.unsafe(`select pg_terminate_backend(pid) from ${backends}`);

  test("keeps migrations from being reverted under it, also after it connected again", async () => {
    const url = await newDatabase();
    const { up, down } = postgresMigrator(url, postgresMigrations);
    const refused = () => down().catch(String);
    const ears = await listening(postgresBus(url, { silenceMs: 200 }));
    expect(await refused()).toContain("Servers run on this database");
    await up();
    const client = admin(url);
    await endBackends(client);
    await until(() => ears.gaps > 0);
    // It says so a moment after it is back.
    const here = "database = (select oid from pg_database where datname = current_database())";
    const locks = `select from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and ${here}`;
    await until(async () => (await client.unsafe(locks)).length > 0);
    expect(await refused()).toContain("Servers run on this database");
    await ears.bus.close();
    // PostgreSQL notices a moment later that the connection is gone.
    await until(async () => (await client.unsafe(locks)).length === 0);
    expect(await down()).toMatchObject({ tag: postgresMigrations.at(-1)!.tag });
  });

  const connections = async (client: SQL) => {
    const rows = await client.unsafe(`select count(*)::int as n from ${backends}`);
    return rows[0].n as number;
  };

  test("carries a ring to other instances", async () => {
    const url = await newDatabase();
    const [one, other] = await Promise.all([listening(postgresBus(url)), listening(postgresBus(url))]);
    await one.bus.ring("clients");
    await until(() => one.rings.includes("clients") && other.rings.includes("clients"));
    expect(other.rings).toEqual(["clients"]);
  });

  test("hears a ring of a transaction when it commits, and none that is rolled back", async () => {
    const url = await newDatabase();
    const ears = await listening(postgresBus(url));
    const client = admin(url);
    const rolledBack = client.begin(async (transaction) => {
      await transaction.unsafe(ringSql, [busChannel, "undone"]);
      throw new Error("changed my mind");
    });
    await expect(rolledBack).rejects.toThrow("changed my mind");
    await client.begin((transaction) => transaction.unsafe(ringSql, [busChannel, "done"]));
    await until(() => ears.rings.length > 0);
    expect(ears.rings).toEqual(["done"]);
  });

  test("tells of a gap and hears again after its backends were terminated", async () => {
    const url = await newDatabase();
    const ears = await listening(postgresBus(url, { silenceMs: 100 }));
    const client = admin(url);
    for (let round = 1; round <= 3; round++) {
      const before = ears.gaps;
      await endBackends(client);
      await until(() => ears.gaps > before);
      ears.rings.length = 0;
      await until(async () => {
        await ears.bus.ring("clients");
        return ears.rings.includes("clients");
      });
    }
  });

  test("notices a connection that died without a word", async () => {
    const url = await newDatabase();
    const proxy: BlackHole = track(await blackHole(url));
    const ears = await listening(postgresBus(proxy.url, { silenceMs: 500, connectMs: 800 }));
    expect(ears.bus.isDeaf).toBe(false);
    proxy.swallow();
    await until(() => ears.bus.isDeaf);
    expect(ears.gaps).toBe(0); // known before the connection is given up
    await until(() => ears.gaps >= 3); // noticed, and told again while it stays deaf
    expect(ears.bus.isDeaf).toBe(true);
    proxy.restore();
    await until(async () => {
      await ears.bus.ring("clients");
      return ears.rings.includes("clients");
    });
    expect(ears.bus.isDeaf).toBe(false);
  });

  test("refuses to start where nothing is heard", async () => {
    const proxy: BlackHole = track(await blackHole(await newDatabase()));
    proxy.swallow();
    const bus = track(postgresBus(proxy.url, { connectMs: 200 }));
    await expect(bus.start()).rejects.toThrow("PostgreSQL");
    const nowhere = track(postgresBus("postgres://nobody@127.0.0.1:1/none", { connectMs: 500 }));
    await expect(nowhere.start()).rejects.toThrow();
  });

  test("a closed bus keeps no process alive", async () => {
    const source = new URL("../../../src/integrations/bus/postgres.ts", import.meta.url).href;
    const script = `import { postgresBus } from ${JSON.stringify(source)};
      const bus = postgresBus(${JSON.stringify(await newDatabase())});
      await bus.start();
      await bus.ring("clients");
      await bus.close();`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "inherit" });
    expect(await child.exited).toBe(0);
  });

  test("close leaves no connection, also while it connects again", async () => {
    const url = await newDatabase();
    const client = admin(url);
    const ears = await listening(postgresBus(url));
    expect(await connections(client)).toBeGreaterThan(0);
    await ears.bus.close();
    await until(async () => (await connections(client)) === 0);

    const proxy: BlackHole = track(await blackHole(url));
    const deaf = await listening(postgresBus(proxy.url, { silenceMs: 50, connectMs: 60_000 }));
    proxy.swallow();
    await until(() => deaf.gaps > 0);
    await deaf.bus.close();
  });
});
