import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBinary } from "../support/binary";
import { drillEnv, signIn, walk, type Client } from "./api";

export interface KillDrill {
  rounds: number;
  writers: number;
  /** Acknowledged writes before each kill; somewhere between half of it and it. */
  writes: number;
  /** PostgreSQL's URL; SQLite without. */
  databaseUrl?: string;
}

export interface KillResult {
  kills: number;
  /** Writes that were answered with success before a kill. */
  acknowledged: number;
  /** Requests that a kill cut off, sent again afterwards under the same key. */
  repeated: number;
  lost: string[];
  doubled: string[];
}

/** A write on its way: the name is its own, and so is the key. */
interface Write {
  key: string;
  name: string;
}

/**
 * Kills the executable with SIGKILL while many write, again and again. Whatever it acknowledged has to be there,
 * as it was acknowledged; whatever it did not is sent again under its key and must not be there twice.
 */
export async function killDrill({ rounds, writers, writes, databaseUrl }: KillDrill): Promise<KillResult> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-kill-"));
  const env = { ...drillEnv, ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }) };
  const start = () => startBinary({ dataDir: join(folder, "data"), env });
  const acknowledged = new Map<string, Client>();
  let cutOff: Write[] = [];
  let repeated = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      const server = await start();
      const headers = await signIn(server.url);
      repeated += cutOff.length;
      const again = await Promise.all(cutOff.map((write) => send(server.url, headers, write)));
      for (const client of again) acknowledged.set(client.name, client);
      const burst = writeUntilKilled(server.url, headers, round, writers, acknowledged);
      const enough = acknowledged.size + writes * (0.5 + Math.random() / 2);
      while (acknowledged.size < enough) await Bun.sleep(1);
      await server.kill();
      cutOff = await burst;
    }
    const server = await start();
    const headers = await signIn(server.url);
    const found = await walk(server.url, headers);
    await server.stop();
    return { kills: rounds, acknowledged: acknowledged.size, repeated, ...compare(acknowledged, found) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function send(url: string, headers: Record<string, string>, { key, name }: Write): Promise<Client> {
  const response = await fetch(`${url}/api/clients`, {
    method: "POST",
    headers: { ...headers, "idempotency-key": key },
    body: JSON.stringify({ name, tags: ["drill"], notes: `written as ${name}` }),
  });
  if (response.status !== 201) throw new Error(`${name}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Client;
}

/** Everybody writes until the server is gone; gives what was cut off. */
async function writeUntilKilled(
  url: string,
  headers: Record<string, string>,
  round: number,
  writers: number,
  acknowledged: Map<string, Client>,
): Promise<Write[]> {
  const cutOff: Write[] = [];
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let i = 0; ; i++) {
        const write = { name: `round ${round} writer ${writer} no ${i}`, key: `${round}-${writer}-${i}` };
        try {
          acknowledged.set(write.name, await send(url, headers, write));
        } catch {
          cutOff.push(write);
          return;
        }
      }
    }),
  );
  return cutOff;
}

function compare(acknowledged: Map<string, Client>, found: Client[]): Pick<KillResult, "lost" | "doubled"> {
  const byId = new Map(found.map((client) => [client.id, client]));
  const lost = [...acknowledged.values()].filter((client) => !Bun.deepEquals(byId.get(client.id), client));
  const names = Map.groupBy(found, ({ name }) => name);
  const doubled = [...names].filter(([, clients]) => clients.length > 1).map(([name]) => name);
  return { lost: lost.map(({ name }) => name), doubled };
}
