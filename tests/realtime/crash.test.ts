import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPostgresStore } from "../../src/db/postgres";
import { openSqliteStore } from "../../src/db/sqlite";
import { postgresBus } from "../../src/integrations/bus/postgres";
import { databaseFile } from "../../src/backup/database-files";
import { drillEnv, signIn } from "../drills/api";
import { startBinary } from "../support/binary";
import { newDatabase } from "../support/postgres";
import { notify, until, type Frame } from "../support/realtime";
import { engines, type Engine } from "../support/servers";

/** The client in a process of its own; its frames come in by and by. */
function nodeClient(url: string, token: string, after: number) {
  const frames: Frame[] = [];
  const script = join(import.meta.dir, "node-client.mjs");
  const address = `${url.replace(/^http/, "ws")}/ws`;
  const child = Bun.spawn(["node", script, address, token, String(after)], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const read = async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) {
      const lines = (text + decoder.decode(bytes, { stream: true })).split("\n");
      text = lines.pop()!;
      for (const line of lines) frames.push(JSON.parse(line) as Frame);
    }
  };
  return { frames, ended: read() };
}

/** Writes notifications beside the server. On SQLite nobody hears a ring from another process. */
async function openWriter(engine: Engine, dataDir: string, url: string | null) {
  if (engine === "sqlite") {
    return {
      store: await openSqliteStore(databaseFile(dataDir)),
      bus: { ring: async () => {}, close: async () => {} },
    };
  }
  const bus = postgresBus(url!);
  await bus.start();
  return { store: openPostgresStore(url!), bus };
}

test.each(engines)(
  "kill -9 between notifications: a client that comes back gets each once and in order [%s]",
  async (engine) => {
    const folder = mkdtempSync(join(tmpdir(), "neocrm-crash-"));
    const dataDir = join(folder, "data");
    const url = engine === "postgres" ? await newDatabase({ empty: true }) : null;
    const start = () => startBinary({ dataDir, env: { ...drillEnv, ...(url && { DATABASE_URL: url }) } });
    const numbers: number[] = [];
    let server = await start();
    const token = (await signIn(server.url)).authorization!.slice("Bearer ".length);
    const me = await fetch(`${server.url}/api/users/me`, { headers: { authorization: `Bearer ${token}` } });
    const { id } = (await me.json()) as { id: string };
    const writer = await openWriter(engine, dataDir, url);
    const parts = { parts: writer } as unknown as Parameters<typeof notify>[0];
    for (let round = 0; round < 5; round++) {
      await notify(parts, id, 7);
      const client = nodeClient(server.url, token, numbers.at(-1) ?? 0);
      const more = notify(parts, id, 8);
      const enough = 1 + Math.floor(Math.random() * 7);
      await until(() => client.frames.filter(({ type }) => type === "notification").length >= enough);
      await server.kill();
      await more;
      await client.ended;
      numbers.push(...client.frames.flatMap((frame) => frame.id ?? []));
      expect(client.frames.at(-1)!).toEqual({ type: "closed", payload: 1006 });
      server = await start();
    }
    const written = await notify(parts, id, 2);
    const last = nodeClient(server.url, token, numbers.at(-1)!);
    await until(() => last.frames.at(-1)?.id === written);
    numbers.push(...last.frames.flatMap((frame) => frame.id ?? []));
    expect(numbers).toEqual(Array.from({ length: written }, (_, i) => i + 1));
    expect(last.frames[0]!.payload).toEqual({ user_id: id, last_id: written });
    await server.stop();
    await last.ended;
    expect(last.frames.at(-1)!).toEqual({ type: "closed", payload: 1001 });
    await writer.bus.close();
    await writer.store.close();
    rmSync(folder, { recursive: true, force: true });
  },
  120_000,
);
